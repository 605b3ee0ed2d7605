import Blobs
import MemoryObjects
import Objects
import SharedStore
import Store
import StoreRules
import StoreTestSupport
import TestEngines
import Testing

/// A database that was put back from a copy: what it does not know may be what it has forgotten.
@Suite(.enabled(if: Engines.hasPostgres, "\(Engines.noPostgres)")) struct PutBackTests {
    /// Tables of a catalog that hold rows.
    private static let tables = [
        "store", "node", "duty", "change", "blob", "ban", "lease", "receipt_hash", "receipt", "alias", "charge",
        "upload",
        "object", "garbage", "tally", "scrub",
    ]

    private func save(_ scene: SweepScene, as copy: String) throws {
        for table in Self.tables {
            try scene.place.ask("CREATE TABLE satchel.\(copy)_\(table) AS SELECT * FROM satchel.\(table)")
        }
    }

    /// While no node is open.
    private func putBack(_ copy: String, in scene: SweepScene) throws {
        for table in Self.tables {
            try scene.place.ask("TRUNCATE satchel.\(table)")
            try scene.place.ask("INSERT INTO satchel.\(table) SELECT * FROM satchel.\(copy)_\(table)")
        }
    }

    @Test func `no object is removed until a person says that it counts`() async throws {
        let scene = try SweepScene(removalDelaySeconds: 900)
        try await scene.withNode { node async throws in
            for seed in 1...3 { try await node.upload(content(seed), owner: secret(seed)) }
            for _ in 0..<3 { _ = try await node.collect() }
            try save(scene, as: "early")
            for seed in 4...6 { try await node.upload(content(seed), owner: secret(seed)) }
            try await node.revoke(on: address(of: content(1)), owner: secret(1))
            for _ in 0..<3 { _ = try await node.collect() }
        }
        try putBack("early", in: scene)
        try await scene.withNode { node async throws in
            #expect(try await node.fetch(address(of: content(1))) == .held(content(1)), "its object is there still")
            #expect(try await node.fetch(address(of: content(4))) == .unknown)
            try await node.revoke(on: address(of: content(2)), owner: secret(2))
            for _ in 0..<3 {
                let report = try await node.collect()
                #expect(report.orphansKept?.contains("older") == true)
                #expect(report.removalsFinished == 0 && report.orphansRemoved == 0)
                #expect(try scene.isRestored && scene.objects.count == 6)
                scene.clock.pass(seconds: SweepScene.day)
            }
            let foreseen = try await node.collect(CollectOptions(dryRun: true))
            #expect(foreseen.orphansKept != nil && foreseen.removalsFinished == 0)
            #expect(try await node.readings().held.count == 2, "rows end all the same")
        }
        try await scene.withNode { node async throws in
            #expect(try await node.collect().orphansKept != nil, "nor after a restart")
            let report = try await node.collect(CollectOptions(orphans: true))
            #expect(report.orphansKept == nil && report.orphansFound == 3 && report.orphansRemoved == 3)
            #expect(report.removalsFinished == 1)
            #expect(try !scene.isRestored && scene.objects.count == 2)
            for seed in [1, 3] { #expect(try await node.fetch(address(of: content(seed))) == .held(content(seed))) }
            #expect(try await node.collect().orphansKept == nil)
            #expect(try await node.check().isClean)
        }
    }

    @Test func `the right one that is put back after all is found out too, and loses nothing`() async throws {
        let scene = try SweepScene()
        try await scene.withNode { node async throws in
            try await node.upload(content(1), owner: secret(1), lifetime: .days(1))
            for _ in 0..<2 { _ = try await node.collect() }
            try save(scene, as: "early")
            _ = try await node.renew(on: address(of: content(1)), owner: secret(1), lifetime: .days(9), subject: nil)
            for _ in 0..<3 { _ = try await node.collect() }
            try save(scene, as: "late")
        }
        try putBack("early", in: scene)
        scene.clock.pass(seconds: SweepScene.day)
        try await scene.withNode { node async throws in
            let report = try await node.collect()
            #expect(report.leasesEnded == 1 && report.blobsRemoved == 1 && report.orphansKept != nil)
            #expect(scene.objects.count == 1)
        }
        try putBack("late", in: scene)
        try await scene.withNode { node async throws in
            #expect(try await node.collect().orphansKept == nil, "no sweep of the other one counted")
            #expect(try await node.fetch(address(of: content(1))) == .held(content(1)))
        }
    }

    @Test func `a database that lost its last moments in a failover is no old one`() async throws {
        let scene = try SweepScene()
        try await scene.withNode { node async throws in
            try await node.upload(content(1), owner: secret(1))
            for _ in 0..<2 { _ = try await node.collect() }
            try save(scene, as: "early")
            _ = try await node.collect()
        }
        try putBack("early", in: scene)
        try await scene.withNode { node async throws in
            #expect(try await node.collect().orphansKept == nil)
            #expect(try !scene.isRestored)
        }
    }

    @Test func `objects that lost what they know of sweeps are kept too`() async throws {
        let scene = try SweepScene()
        try await scene.withNode { node async throws in
            try await node.upload(content(1), owner: secret(1))
            _ = try await node.collect()
            for name in scene.place.bucket.contents.keys where name.hasPrefix(ObjectName.passFolder) {
                scene.place.bucket[text: name] = nil
            }
            #expect(try await node.collect().orphansKept != nil)
            #expect(try await node.collect(CollectOptions(orphans: true)).orphansKept == nil)
            for _ in 0..<5 { #expect(try await node.collect().orphansKept == nil) }
            let passes = scene.place.bucket.contents.keys.count { $0.hasPrefix(ObjectName.passFolder) }
            #expect(passes == 2, "the last two are kept")
        }
    }
}
