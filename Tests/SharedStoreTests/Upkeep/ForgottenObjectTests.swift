import Blobs
import MemoryObjects
import Objects
import SharedStore
import Store
import StoreRules
import StoreTestSupport
import TestEngines
import Testing

/// Objects that no row names: what nodes left that died.
@Suite(.enabled(if: Engines.hasPostgres, "\(Engines.noPostgres)")) struct ForgottenObjectTests {
    private static let hour: Int64 = 3600
    private static let old = 49 * hour

    @Test func `one goes once no row can come to name it any more, and nothing else does`() async throws {
        var scene = try SweepScene()
        scene.settings.store.uploadLifetime = .days(9)
        try await scene.withNode { node async throws in
            try await node.upload(content(1), owner: secret(1))
            try await node.upload(content(2, count: 9 << 20), owner: secret(2))
            let upload = try await node.create(content(3, count: 3000), owner: secret(3))
            try await node.bring(content(3, count: 3000).prefix(1000), to: upload.id, at: 0)
            let named = scene.objects
            scene.clock.pass(seconds: Self.old)
            try await node.bring(content(3, count: 3000)[1000..<2000], to: upload.id, at: 1000)
            let old = scene.plant(content(50), secondsAgo: Self.old)
            let young = scene.plant(content(51), secondsAgo: 47 * Self.hour)
            let strange = "\(ObjectName.folder(lastByte: 7))of-somebody-else"
            scene.place.bucket[text: strange] = content(52)

            let foreseen = try await node.collect(CollectOptions(dryRun: true))
            #expect(foreseen.orphansFound == 1 && foreseen.orphansRemoved == 0)
            #expect(try await node.collect(CollectOptions(searchesForOrphans: false)).orphansFound == 0)
            let report = try await node.collect()
            #expect(report.orphansFound == 1 && report.orphansRemoved == 1 && report.orphanBytesRemoved == 1000)
            #expect(report.orphansKept == nil)
            #expect(scene.place.bucket[old] == nil && scene.place.bucket[young] != nil)
            #expect(scene.place.bucket.contents[strange] != nil)
            #expect(named.subtracting(scene.objects).isEmpty)
        }
    }

    @Test func `each hour is listed once, and all again where a person asks`() async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        try await scene.withNode(objects: objects) { node async throws in
            scene.plant(content(50), secondsAgo: Self.old)
            #expect(try await node.collect().orphansRemoved == 1)
            let listed = objects.calls(.list)
            _ = try await node.collect()
            #expect(objects.calls(.list) == listed, "no hour is new")
            // Something was long on its way.
            let late = scene.plant(content(51), secondsAgo: Self.old)
            scene.clock.pass(seconds: Self.hour)
            scene.plant(content(52), secondsAgo: Self.old)
            #expect(try await node.collect().orphansRemoved == 1)
            #expect(objects.calls(.list) == listed + 256)
            #expect(scene.place.bucket[late] != nil)
            #expect(try await node.check().findings.map(\.name) == [late.text], "but a check finds it")
            #expect(try await node.collect(CollectOptions(orphans: true)).orphansRemoved == 1)
            #expect(try await node.check().isClean)
        }
    }

    @Test func `more of them than crashes leave are kept, and none of their hours counts as listed`() async throws {
        let scene = try SweepScene()
        try await scene.withNode { node async throws in
            for seed in 0..<65 { scene.plant(content(seed), secondsAgo: Self.old) }
            for _ in 0..<2 {
                let report = try await node.collect()
                #expect(report.orphansFound == 65 && report.orphansRemoved == 0 && report.orphansKept != nil)
            }
            #expect(scene.objects.count == 65)
            let removed = try await node.collect(CollectOptions(orphans: true))
            #expect(removed.orphansRemoved == 65 && scene.objects.isEmpty)
        }
    }

    @Test func `of two nodes twice as many are let go`() async throws {
        let scene = try SweepScene()
        try await scene.withNode("a") { a async throws in
            try await scene.withNode("b") { _ async throws in
                for seed in 0..<128 { scene.plant(content(seed), secondsAgo: Self.old) }
                #expect(try await a.collect().orphansRemoved == 128)
            }
        }
    }

    @Test func `where the object store keeps one the hour is listed again`() async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        try await scene.withNode(objects: objects) { node async throws in
            for seed in 0..<3 { scene.plant(content(seed), secondsAgo: Self.old) }
            objects.fail(.remove, with: .shorten)
            #expect(try await node.collect().orphansRemoved == 2)
            objects.heal()
            #expect(try await node.collect().orphansRemoved == 1 && scene.objects.isEmpty)
        }
    }
}
