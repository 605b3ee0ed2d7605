import Blobs
import DiskStore
import Files
import Glibc
import Store
import StoreRules
import StoreTestSupport
import Synchronization
import TestSupport
import Testing
import Vault

/// What the way of the bytes to the disk promises: the order of durable steps, and that nobody runs ahead of the disk.
@Suite struct WritingTests {
    @Test func `no row is committed before the names of its batch are synced`() async throws {
        let store = try TestStore()
        let points = PointLog()
        try await store.withVault(faults: points.faults) { vault async throws in
            try await Self.uploadMany(100, to: vault)
        }
        var unsynced = 0
        for point in points.all {
            switch point {
            case .blobNamed: unsynced += 1
            case .namesSynced: unsynced = 0
            case .rowsChanged, .rowsCommitted: #expect(unsynced == 0)
            default: break
            }
        }
        #expect(points.all.count { $0 == .blobNamed } == 100)
    }

    /// Sizes on both sides of the largest file that is gathered in memory, and the steps that its upload takes.
    @Test(arguments: [
        (0, [FaultPoint]()), (128 << 10, [.stagedBytesWritten]),
        ((128 << 10) + 1, [.stagedBytesWritten, .stagedBytesWritten, .stagedBytesSynced]),
    ])
    func `a small file is synced with its name, a large one before`(size: Int, steps: [FaultPoint]) async throws {
        let store = try TestStore()
        let points = PointLog()
        try await store.withVault(faults: points.faults) { vault async throws in
            points.forget()
            try await vault.upload(content(size, count: size), piece: 64 << 10)
        }
        let all = [.stagedFileCreated] + steps + [.blobNamed, .namesSynced, .rowsChanged, .rowsCommitted]
        #expect(points.all.prefix(all.count) == all[...])
    }

    @Test func `an upload that is refused in its batch never gets a name`() async throws {
        var store = try TestStore()
        store.settings.leasesPerSubject = 5
        let points = PointLog()
        try await store.withVault(faults: points.faults) { vault async throws in
            await withTaskGroup(of: Void.self) { group in
                for seed in 0..<20 {
                    group.addTask { _ = try? await vault.upload(content(seed), owner: secret(seed), subject: "one") }
                }
            }
            #expect(points.all.count { $0 == .blobNamed } == 5)
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
        }
    }

    @Test func `bytes that are not the announced ones never reach the disk where they are few`() async throws {
        let store = try TestStore()
        let points = PointLog()
        try await store.withVault(faults: points.faults) { vault async throws in
            let announcement = UploadAnnouncement(
                size: 1000, address: address(of: content(2)), terms: LeaseTerms(subject: "s"))
            let session = try await vault.begin(announcement)
            try await session.append(content(1))
            await #expect(throws: StoreError.self) { _ = try await session.commit() }
            #expect(!points.all.contains(.stagedFileCreated))
        }
    }

    @Test func `two hundred uploads wait for a disk that stands still, each with little in hand`() async throws {
        let store = try TestStore()
        let disk = StandingDisk()
        let taken = Tally()
        try await store.withVault(faults: disk.faults) { vault async throws in
            let piece = [UInt8](repeating: 5, count: 256 << 10)
            var sessions: [any UploadSession] = []
            for _ in 0..<200 {
                sessions.append(try await vault.begin(announcing(Int64(6 * piece.count + 8))))
            }
            disk.stop()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (seed, session) in sessions.enumerated() {
                    group.addTask {
                        for _ in 0..<6 {
                            taken.add()
                            try await session.append(piece)
                        }
                        // The end makes each its own blob.
                        try await session.append(content(seed, count: 8))
                        _ = try await session.commit()
                    }
                }
                while taken.count < 600 { try await Task.sleep(for: .milliseconds(1)) }
                try await Task.sleep(for: .milliseconds(200))
                #expect(taken.count == 600)
                disk.goOn()
                try await group.waitForAll()
            }
            #expect(taken.count == 1200)
            #expect(try await vault.check().blobsChecked == 200)
        }
    }

    @Test(arguments: [ENOSPC, EIO])
    func `a piece that cannot be written ends its upload and leaves nothing`(code: Int32) async throws {
        let store = try TestStore()
        let disk = FailingDisk()
        try await store.withVault(faults: disk.faults) { vault async throws in
            let session = try await vault.begin(announcing(1 << 20))
            try await session.append(content(1, count: 128 << 10))
            try await session.append(content(2, count: 1 << 10))
            disk.fail(at: .stagedBytesWritten, code: code)
            await #expect(throws: StoreError.self) {
                for _ in 0..<3 { try await session.append([UInt8](repeating: 1, count: 200 << 10)) }
                _ = try await session.commit()
            }
            await #expect(throws: StoreError.self) { try await session.append([1]) }
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
            #expect(vault.promisedBytes == 0)
            try await vault.upload(content(3, count: 300_000))
        }
    }

    private static func uploadMany(_ count: Int, to vault: Vault) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for seed in 0..<count {
                group.addTask { try await vault.upload(content(seed), owner: secret(seed)) }
            }
            try await group.waitForAll()
        }
    }
}

/// The points that were reached, in order.
private final class PointLog: Sendable {
    private let points = Mutex<[FaultPoint]>([])

    var faults: FaultPoints { FaultPoints { point in self.points.withLock { $0.append(point) } } }
    var all: [FaultPoint] { points.withLock { $0 } }
    func forget() { points.withLock { $0 = [] } }
}

/// A disk that writes nothing for as long as a test says.
private final class StandingDisk: Sendable {
    private let isStanding = Mutex(false)

    var faults: FaultPoints {
        FaultPoints { point in
            while point == .stagedBytesWritten, self.isStanding.withLock({ $0 }) { usleep(1000) }
        }
    }

    func stop() { isStanding.withLock { $0 = true } }
    func goOn() { isStanding.withLock { $0 = false } }
}

/// A number that many tasks add to.
private final class Tally: Sendable {
    private let number = Mutex(0)

    var count: Int { number.withLock { $0 } }
    func add() { number.withLock { $0 += 1 } }
}
