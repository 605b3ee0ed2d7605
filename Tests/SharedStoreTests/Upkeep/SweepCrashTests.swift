import Blobs
import Files
import Objects
import SharedStore
import Store
import StoreTestSupport
import TestEngines
import Testing

/// Nodes that die in a sweep, and sweeps of several at once.
@Suite(.enabled(if: Engines.hasPostgres, "\(Engines.noPostgres)")) struct SweepCrashTests {
    @Test(arguments: [
        FaultPoint.dueRemoved, .passWritten, .passNoted, .garbageRemoved, .garbageForgotten, .forgottenRemoved,
        .hourNoted,
    ])
    func `where a node dies between two steps of a sweep, the next node goes on`(point: FaultPoint) async throws {
        let scene = try SweepScene()
        let death = DeathAt(point)
        let dying = try await scene.open("dying", faults: death.faults)
        for seed in 1...6 { try await dying.upload(content(seed), owner: secret(seed), lifetime: .days(Int32(seed))) }
        try await dying.upload(content(1, count: 9 << 20), owner: secret(9), lifetime: .days(1))
        try await dying.revoke(on: address(of: content(6)), owner: secret(6))
        let kept = [4, 5]
        scene.clock.pass(seconds: 3 * SweepScene.day)
        scene.plant(content(50), secondsAgo: 49 * 3600)
        await #expect(throws: StoreError.self) { _ = try await dying.collect() }
        #expect(death.hasHappened)

        try await scene.withNode("next") { next async throws in
            let report = try await next.collect()
            #expect(report.hold == nil && report.orphansKept == nil)
            #expect(try !scene.isRestored)
            #expect(scene.objects.count == kept.count)
            #expect(try scene.count("garbage") == 0 && scene.count("object") == 0)
            for seed in kept { #expect(try await next.fetch(address(of: content(seed))) == .held(content(seed))) }
            #expect(try await next.check().isClean)
            let strays = try scene.strays()
            #expect(strays.objects.isEmpty && strays.rows.isEmpty)
            let again = try await next.collect()
            #expect(again.leasesEnded + again.blobsRemoved + again.removalsFinished + again.orphansFound == 0)
        }
        try scene.expectExactSums()
        await dying.close()
    }

    @Test func `two sweeps beside uploads and ends of the same bytes lose nothing that was acknowledged`() async throws
    {
        let scene = try SweepScene()
        let nodes = [try await scene.open("a"), try await scene.open("b")]
        let subjects = 4
        // Each owner holds one blob at a time, which others hold, let go and bring anew.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for owner in 0..<subjects {
                group.addTask {
                    for round in 0..<25 {
                        let node = nodes[(owner + round) % nodes.count]
                        let bytes = content(round % 3, count: 600)
                        let name = 100 * owner + round
                        let stored = try await node.upload(bytes, owner: secret(name), subject: "s\(owner)")
                        let other = nodes[(owner + round + 1) % nodes.count]
                        #expect(try await other.fetch(stored.address) == .held(bytes), "owner \(owner), round \(round)")
                        if round < 24 { try await node.revoke(on: stored.address, owner: secret(name)) }
                    }
                }
            }
            for node in nodes {
                group.addTask {
                    for _ in 0..<20 { _ = try await node.collect(CollectOptions(searchesForOrphans: false)) }
                }
            }
            try await group.waitForAll()
        }
        for node in nodes { _ = try await node.collect() }
        #expect(try !scene.isRestored)
        for owner in 0..<subjects {
            let lease = try await nodes[0].lease(
                on: address(of: content(0, count: 600)), owner: secret(100 * owner + 24))
            #expect(lease.state == .held)
            #expect(try await nodes[1].quotaUsage(of: "s\(owner)").leases == 1)
        }
        #expect(try await nodes[0].fetch(address(of: content(0, count: 600))) == .held(content(0, count: 600)))
        #expect(scene.objects.count == 1, "what was replaced is gone")
        #expect(try await nodes[0].check().isClean)
        for node in nodes { await node.close() }
        try scene.expectExactSums()
    }
}
