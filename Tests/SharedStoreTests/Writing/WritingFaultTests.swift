import Blobs
import Files
import SharedStore
import Store
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

/// A node that stops behind any step of writing; another goes on.
@Suite struct WritingFaultTests {
    private static let plain: [FaultPoint] = [
        .uploadAdmitted, .bytesSpooled, .objectPut, .sharedPageLoaded, .sharedPageJudged, .sharedRowsQueued,
        .sharedCommitSent, .sharedCommitAnswered, .uploadCommitted,
    ]

    @Test(arguments: plain, [300_000, 17 << 20])
    func `behind any step of an upload the bytes are a blob or they are not, and can be sent again`(
        point: FaultPoint, count: Int
    ) async throws {
        let scene = try SweepScene()
        let stumble = StumbleAt(point)
        let bytes = content(1, count: count)
        try await scene.withNode("b") { other async throws in
            try await scene.withNode("a", faults: stumble.faults) { node async throws in
                stumble.arm()
                // An answer that was lost is found out about.
                let stored = try? await node.upload(bytes, owner: secret(1), piece: 1 << 20)
                #expect(stumble.hasHappened)
                #expect(stored == nil || point == .sharedCommitSent || point == .sharedCommitAnswered)
                #expect(node.writeStatus.promisedBytes == 0)
                if stored != nil { #expect(try await node.fetch(address(of: bytes)) == .held(bytes)) }
            }
            let found = try await other.fetch(address(of: bytes))
            #expect(found == .unknown || found == .held(bytes))
            let again = try await other.upload(bytes, owner: secret(1))
            #expect(again.isNew == (found == .unknown))
            #expect(try await other.fetch(address(of: bytes)) == .held(bytes))
            #expect(try await other.collect(CollectOptions(trustClock: true)).hold == nil)
            #expect(try await other.check().isClean)
        }
        try scene.expectExactSums()
        #expect(try scene.strays().rows.isEmpty)
    }

    private static let resumable: [FaultPoint] = [
        .uploadCreated, .turnTaken, .bytesSpooled, .objectPut, .uploadMoved, .uploadFinished, .sharedPageJudged,
        .sharedCommitSent, .sharedCommitAnswered,
    ]

    /// A client that asks where its upload stands whenever something fails, at one node and then at the other.
    @Test(arguments: resumable) func `behind any step of an upload over several requests no byte that was told is lost`(
        point: FaultPoint
    ) async throws {
        let scene = try SweepScene()
        let stumble = StumbleAt(point)
        let bytes = content(2, count: 10 << 20)
        try await scene.withNode("b") { other async throws in
            try await scene.withNode("a", faults: stumble.faults) { node async throws in
                stumble.arm()
                var id = try? await node.create(bytes, owner: secret(2)).id
                if id == nil { id = try await node.create(bytes, owner: secret(2)).id }
                let upload = try #require(id)
                var (told, failures): (Int64, Int) = (0, 0)
                while true {
                    let next = failures == 0 ? node : other
                    do {
                        let upload = try await next.upload(upload)
                        #expect(upload.offset >= told)
                        told = upload.offset
                        if upload.blob != nil { break }
                        let session = try await next.session(upload.id, at: told)
                        if told == bytes.count {
                            _ = try await session.commit()
                            break
                        }
                        try await session.append(Array(bytes[Int(told)..<min(Int(told) + 3 << 20, bytes.count)]))
                        told = try await session.pause().offset
                    } catch let error as StoreError {
                        failures += 1
                        guard failures < 5 else { throw error }
                    }
                }
                #expect(stumble.hasHappened)
                #expect(try await node.fetch(address(of: bytes)) == .held(bytes))
            }
            #expect(try await other.lease(on: address(of: bytes), owner: secret(2)).state == .held)
            #expect(try await other.check().isClean)
        }
        try scene.expectExactSums()
        #expect(try scene.strays().rows.isEmpty)
    }

    @Test(arguments: [FaultPoint.uploadRefused, .uploadDropped])
    func `behind the end of an upload without a blob it has ended`(point: FaultPoint) async throws {
        let scene = try SweepScene()
        let stumble = StumbleAt(point)
        let bytes = content(3)
        try await scene.withNode("b") { other async throws in
            try await scene.withNode("a", faults: stumble.faults) { node async throws in
                let announced = point == .uploadRefused ? address(of: content(4)) : nil
                let id = try await node.create(bytes, address: announced).id
                try await node.bring(bytes, to: id, at: 0)
                stumble.arm()
                if point == .uploadRefused {
                    await #expect(throws: StoreError.self) { _ = try await node.finish(id, at: 1000) }
                    #expect(try await other.upload(id).refusal != nil)
                } else {
                    await #expect(throws: StoreError.outcomeUnknown) { try await node.cancel(id) }
                    await #expect(throws: StoreError.notFound) { _ = try await other.upload(id) }
                }
                #expect(stumble.hasHappened)
                _ = try await other.collect()
            }
        }
        try await eventually { scene.objects.isEmpty }
    }
}

/// A step that fails once, the next time that it is come by.
private final class StumbleAt: Sendable {
    private let point: FaultPoint
    private let isArmed = Atomic(false)
    private let reached = Atomic(false)

    init(_ point: FaultPoint) {
        self.point = point
    }

    func arm() { isArmed.store(true, ordering: .releasing) }

    var hasHappened: Bool { reached.load(ordering: .acquiring) }

    var faults: FaultPoints {
        FaultPoints { [self] point throws(FileError) in
            guard point == self.point, isArmed.exchange(false, ordering: .acquiringAndReleasing) else { return }
            reached.store(true, ordering: .releasing)
            throw FileError(operation: "go on after", path: "\(point)", code: 5)
        }
    }
}
