import Blobs
import MemoryObjects
import Objects
import SharedCatalog
import SharedStore
import Store
import StoreRules
import StoreTestSupport
import TestSupport
import Testing

@Suite struct SharedOpeningTests {
    @Test func `what is new becomes one store, whoever comes first, and stays it`() async throws {
        let scene = try SweepScene()
        let nodes = try await withThrowingTaskGroup(of: SharedStore.self) { group in
            for name in ["a", "b", "c"] { group.addTask { try await scene.open(name) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for node in nodes { await node.close() }
        let record = scene.place.bucket[.store]
        try await scene.withNode { node async throws in try await node.upload(content(1)) }
        try await scene.withNode { node async throws in
            #expect(try await node.fetch(address(of: content(1))) == .held(content(1)))
        }
        #expect(record != nil && scene.place.bucket[.store] == record)
        #expect(try scene.number("SELECT count(*) FROM satchel.store") == 1)
    }

    @Test func `whoever starts while another node makes the store finds it made`() async throws {
        let scene = try SweepScene()
        let slow = MemoryObjects(on: scene.place.bucket)
        slow.fail(.list, with: .hang, times: 1)
        async let late = scene.open("a", objects: slow)
        try await eventually { slow.hangingCount == 1 }
        let first = try await scene.open("b")
        slow.release()
        for node in [first, try await late] { await node.close() }
    }

    /// What was done to the bucket before the node was started.
    enum Mishap: String, CaseIterable { case otherStore, emptied, notNew, garbled }

    @Test(arguments: Mishap.allCases)
    func `database and bucket of different stores are not opened, and nothing changes`(
        mishap: Mishap
    ) async throws {
        let scene = try SweepScene()
        let bucket = scene.place.bucket
        switch mishap {
        case .otherStore:
            try await scene.withNode { _ in }
            let other = try SweepScene()
            try await other.withNode { _ in }
            bucket[.store] = other.place.bucket[.store]
        case .emptied:
            try await scene.withNode { node async throws in try await node.upload(content(1)) }
            for name in bucket.contents.keys { bucket[text: name] = nil }
        case .notNew: bucket[ObjectName(.new(at: scene.clock.wall))] = content(1)
        case .garbled:
            try await scene.withNode { _ in }
            bucket[.store] = Array("something else".utf8)
        }
        let before = bucket.contents
        await #expect { _ = try await scene.open("b") } throws: {
            if case SharedStoreError.mismatch = $0 { true } else { false }
        }
        #expect(bucket.contents == before)
    }

    @Test func `a node whose object store does not answer is not opened`() async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        objects.fail(.get, with: .unavailable)
        await #expect { _ = try await scene.open(objects: objects) } throws: {
            if case SharedStoreError.objects = $0 { true } else { false }
        }
        try await scene.withNode { node async throws in try await node.upload(content(1)) }
    }

    @Test func `where no store may be made none is, and one that is there is opened`() async throws {
        let scene = try SweepScene()
        func open() async throws {
            try await scene.place.open(settings: scene.settings, clock: scene.clock, mayCreate: false).close()
        }
        await #expect { try await open() } throws: {
            if case SharedStoreError.database(.missing) = $0 { true } else { false }
        }
        #expect(try scene.number("SELECT (to_regclass('satchel.migration') IS NULL)::int") == 1)
        #expect(scene.place.bucket.contents.isEmpty)
        try await scene.withNode { _ in }
        try await open()
    }

    @Test func `two nodes do not share the folder of a cache`() async throws {
        let scene = try SweepScene()
        try await scene.withNode("a") { _ async throws in
            await #expect { _ = try await scene.open("a") } throws: {
                if case SharedStoreError.cache = $0 { true } else { false }
            }
        }
        try await scene.withNode("a") { _ in }
    }
}
