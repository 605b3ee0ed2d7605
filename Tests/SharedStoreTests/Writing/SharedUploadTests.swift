import Blobs
import MemoryObjects
import Objects
import SharedStore
import Store
import StoreRules
import StoreTestSupport
import TestSupport
import Testing

/// What becomes of the objects of uploads in one request.
@Suite struct SharedUploadTests {
    private static let full = Int(ObjectRow.limitBytes)

    @Test(arguments: [0, 1, 131_072, 131_073, full - 1, full, full + 1, 2 * full, 2 * full + 300_000], [true, false])
    func `a blob is one object up to 8 MiB, else as many as it takes`(count: Int, isAnnounced: Bool) async throws {
        let scene = try SweepScene()
        let bytes = content(count, count: count)
        try await scene.withNode { node async throws in
            let stored = try await node.upload(bytes, announced: isAnnounced, piece: 200_000)
            #expect(stored.isNew && stored.size == Int64(count))
            let objects = try scene.place.objects(of: stored.address)
            #expect(objects.count == max(1, (count + Self.full - 1) / Self.full))
            #expect(try scene.count("object") == (objects.count == 1 ? 0 : objects.count))
            #expect(objects.flatMap { scene.place.bucket[$0] ?? [] } == bytes)
            #expect(try await node.fetch(stored.address) == .held(bytes))
        }
        let (strayObjects, strayRows) = try scene.strays()
        #expect(strayObjects.isEmpty && strayRows.isEmpty)
    }

    @Test(arguments: [1000, 9 << 20])
    func `the same bytes again take the place of those that are there, which heals what nobody noticed`(count: Int)
        async throws
    {
        let scene = try SweepScene()
        let bytes = content(1, count: count)
        let blob = address(of: bytes)
        try await scene.withNode { node async throws in
            try await node.upload(bytes, owner: secret(1))
            let former = try scene.place.objects(of: blob)
            scene.place.bucket[former[0]] = nil
            let again = try await node.upload(bytes, owner: secret(2))
            #expect(!again.isNew, "as far as anybody knew")
            #expect(Set(try scene.place.objects(of: blob)).isDisjoint(with: former))
            #expect(try scene.count("garbage") == 1)
            _ = try await node.collect()
            #expect(scene.objects.isDisjoint(with: former))
            #expect(try scene.count("garbage") == 0)
            #expect(try await node.fetch(blob) == .held(bytes))
        }
    }

    // MARK: What fails

    @Test(arguments: [1000, 9 << 20]) func `what is refused leaves no object`(count: Int) async throws {
        let scene = try SweepScene()
        let bytes = content(1, count: count)
        try await scene.withNode { node async throws in
            let other = address(of: content(2))
            let session = try await node.begin(
                UploadAnnouncement(size: Int64(count), address: other, terms: LeaseTerms(subject: "ann")))
            try await session.append(bytes)
            await #expect(throws: StoreError.digestMismatch(announced: other, actual: address(of: bytes))) {
                _ = try await session.commit()
            }
            try await node.upload(content(3), owner: secret(3))
            try await node.revoke(on: address(of: content(3)), owner: secret(3))
            await #expect(throws: StoreError.leaseEnded(.revoked), "judged once its object is there") {
                try await node.upload(content(3), owner: secret(3))
            }
            let left = try scene.place.objects(of: address(of: content(3)))
            try await eventually { scene.objects == Set(left) }
        }
    }

    /// What the object store says, and what the client hears.
    @Test(
        arguments: [
            (MemoryObjects.Fault.full, "full"), (.unavailable, "unavailable"), (.refuse, "unavailable"), (.fail, "io"),
            (.loseAnswer, "unavailable"),
        ], [1000, 300_000, 17 << 20])
    func `an object store that does not take bytes fails the upload, and nothing says that they are there`(
        fault: (MemoryObjects.Fault, String), count: Int
    ) async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        let bytes = content(1, count: count)
        try await scene.withNode(objects: objects) { node async throws in
            objects.fail(.put, with: fault.0)
            await #expect { try await node.upload(bytes) } throws: { error in
                switch error {
                case StoreError.diskFull: fault.1 == "full"
                case StoreError.unavailable: fault.1 == "unavailable"
                case StoreError.io: fault.1 == "io"
                default: false
                }
            }
            #expect(try await node.fetch(address(of: bytes)) == .unknown)
            #expect(try scene.count("blob") == 0 && scene.count("object") == 0)
            #expect(try await node.quotaUsage(of: "somebody").uploads == 0)
            objects.heal()
            try await node.upload(bytes)
            #expect(try await node.fetch(address(of: bytes)) == .held(bytes))
        }
    }

    @Test func `while one object is on its way and another is full, no more bytes are taken`() async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        let bytes = content(1, count: 4 * Self.full)
        try await scene.withNode(objects: objects) { node async throws in
            objects.fail(.put, with: .hang)
            let session = try await node.begin(announcing(Int64(bytes.count)))
            try await session.append(Array(bytes[..<Self.full]))
            try await eventually { objects.hangingCount == 1 }
            let calls = objects.calls(.put)
            let second = Task { try await session.append(Array(bytes[Self.full..<2 * Self.full])) }
            // It goes on once the first is there.
            objects.heal()
            try await second.value
            #expect(objects.calls(.put) - calls <= 1)
            try await session.append(Array(bytes[(2 * Self.full)...]))
            #expect(try await session.commit().address == address(of: bytes))
        }
    }

    @Test func `an upload that is given up gives up what is on its way`() async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        try await scene.withNode(objects: objects) { node async throws in
            objects.fail(.put, with: .hang)
            let session = try await node.begin(announcing(20 << 20))
            try await session.append(content(1, count: Self.full))
            try await eventually { objects.hangingCount == 1 }
            await session.abandon()
            #expect(objects.hangingCount == 0)
            await #expect(throws: StoreError.self) { try await session.append([1]) }
            #expect(node.writeStatus.promisedBytes == 0)
            objects.heal()
            #expect(scene.objects.isEmpty)
        }
    }

    @Test func `an upload that takes so long that its first names grow old is ended`() async throws {
        let scene = try SweepScene()
        try await scene.withNode { node async throws in
            let session = try await node.begin(announcing(20 << 20))
            try await session.append(content(1, count: Self.full))
            scene.clock.pass(seconds: ObjectRule.uploadSeconds - 1)
            try await session.append([1])
            scene.clock.pass(seconds: 1)
            await #expect { try await session.append([1]) } throws: {
                if case StoreError.unavailable = $0 { true } else { false }
            }
            try await eventually { scene.objects.isEmpty }
        }
    }

    @Test func `no row comes to name an object that is too old for it`() async throws {
        let scene = try SweepScene()
        try await scene.withNode { node async throws in
            let session = try await node.begin(announcing(Int64(Self.full)))
            try await session.append(content(1, count: Self.full))
            try await eventually { scene.objects.count == 1 }
            scene.clock.pass(seconds: ObjectRule.nameableSeconds)
            await #expect { _ = try await session.commit() } throws: {
                if case StoreError.unavailable = $0 { true } else { false }
            }
            #expect(try scene.count("blob") == 0)
        }
    }

    // MARK: Several nodes

    @Test func `of many uploads of one subject through three nodes as many are kept as fit, to the byte`()
        async throws
    {
        var scene = try SweepScene()
        let room = 20
        scene.settings.bytesPerSubject = Int64(room) * 4096
        try await scene.withNodes(3) { nodes async throws in
            let kept = await withTaskGroup(of: Bool.self) { group in
                for seed in 0..<150 {
                    group.addTask {
                        do throws(StoreError) {
                            try await nodes[seed % 3].upload(content(seed), owner: secret(seed))
                            return true
                        } catch {
                            if case .busy = error { return false }
                            Issue.record("\(error)")
                            return false
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(kept == room)
            for node in nodes {
                let usage = try await node.quotaUsage(of: "somebody")
                #expect(usage.bytes == Int64(room) * 4096 && usage.leases == room && usage.reservedBytes == 0)
            }
        }
        try scene.expectExactSums()
        let (strayObjects, strayRows) = try scene.strays()
        #expect(strayRows.isEmpty && strayObjects.isEmpty, "those of refused uploads are gone, or named garbage")
    }

    @Test func `the same bytes through all nodes at once are one blob, and nothing is lost by it`() async throws {
        let scene = try SweepScene()
        let bytes = content(7, count: 300_000)
        try await scene.withNodes(3) { nodes async throws in
            let news = try await withThrowingTaskGroup(of: Bool.self) { group in
                for owner in 0..<30 {
                    group.addTask { try await nodes[owner % 3].upload(bytes, owner: secret(owner)).isNew }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(news == 1)
            for owner in 0..<30 {
                #expect(
                    try await nodes[(owner + 1) % 3].lease(on: address(of: bytes), owner: secret(owner)).state == .held)
            }
            for node in nodes { #expect(try await node.fetch(address(of: bytes)) == .held(bytes)) }
            // The clock of this test is not that of the database.
            #expect(try await nodes[0].collect(CollectOptions(trustClock: true)).hold == nil)
        }
        #expect(scene.objects.count == 1)
        try scene.expectExactSums()
    }
}

extension SweepScene {
    /// Opens so many nodes, lets `body` use them, and closes them.
    func withNodes<Value: Sendable>(
        _ count: Int, _ body: ([SharedStore]) async throws -> Value
    ) async throws -> Value {
        var nodes: [SharedStore] = []
        let result: Result<Value, any Error>
        do {
            for number in 0..<count { nodes.append(try await open("node \(number)")) }
            result = .success(try await body(nodes))
        } catch {
            result = .failure(error)
        }
        for node in nodes { await node.close() }
        return try result.get()
    }
}
