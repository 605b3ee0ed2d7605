import Blobs
import Files
import MemoryObjects
import Objects
import SharedStore
import Store
import StoreRules
import StoreTestSupport
import TestEngines
import Testing

/// What sweeps do to rows and objects.
@Suite(.enabled(if: Engines.hasPostgres, "\(Engines.noPostgres)")) struct SharedSweepTests {
    @Test func `what nobody holds is gone at once, and its objects after the delay`() async throws {
        let scene = try SweepScene(removalDelaySeconds: 900)
        let large = content(2, count: 9 << 20)
        try await scene.withNode { node async throws in
            try await node.upload(content(1), owner: secret(1))
            try await node.upload(large, owner: secret(2), lifetime: .days(1))
            try await node.upload(content(3), owner: secret(3))
            #expect(scene.objects.count == 4, "nine megabytes are two objects")
            try await node.revoke(on: address(of: content(1)), owner: secret(1))
            scene.clock.pass(seconds: SweepScene.day)
            let first = try await node.collect()
            #expect(first.leasesEnded == 1 && first.blobsRemoved == 2 && first.bytesRemoved == 1000 + 9 << 20)
            #expect(first.removalsFinished == 0 && first.orphansFound == 0)
            #expect(try scene.count("garbage") == 2)
            #expect(scene.objects.count == 4, "reads that are under way end")
            scene.clock.pass(seconds: 899)
            #expect(try await node.collect().removalsFinished == 0)
            scene.clock.pass(seconds: 1)
            #expect(try await node.collect(CollectOptions(dryRun: true)).removalsFinished == 2)
            #expect(scene.objects.count == 4)
            #expect(try await node.collect().removalsFinished == 2)
            #expect(scene.objects.count == 1)
            #expect(try scene.count("garbage") == 0 && scene.count("object") == 0)
            #expect(try await node.fetch(address(of: large)) == .gone(.expired))
            #expect(try await node.check().isClean)
        }
        try scene.expectExactSums()
    }

    @Test func `an upload whose time is up goes with all of its objects`() async throws {
        let scene = try SweepScene()
        try await scene.withNode { node async throws in
            let upload = try await node.create(content(1, count: 20 << 20), owner: secret(1))
            try await node.bring(content(1, count: 20 << 20).prefix(9 << 20), to: upload.id, at: 0)
            #expect(scene.objects.count >= 2)
            scene.clock.pass(seconds: SweepScene.day - 1)
            #expect(try await node.collect().uploadsExpired == 0)
            scene.clock.pass(seconds: 1)
            let report = try await node.collect()
            #expect(report.uploadsExpired == 1 && report.uploadBytesExpired == 9 << 20)
            #expect(scene.objects.isEmpty)
            #expect(try scene.count("object") == 0 && scene.count("garbage") == 0)
            await #expect(throws: StoreError.notFound) { _ = try await node.upload(upload.id) }
        }
    }

    @Test func `where the object store does not answer the rows are looked after all the same`() async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        try await scene.withNode(objects: objects) { node async throws in
            for seed in 1...3 { try await node.upload(content(seed), owner: secret(seed), lifetime: .days(1)) }
            scene.clock.pass(seconds: SweepScene.day)
            objects.fail(.get, .remove, .list, with: .unavailable)
            await #expect(throws: StoreError.self) { _ = try await node.collect() }
            #expect(try await node.quotaUsage(of: "somebody").leases == 0)
            #expect(try await node.readings().held.count == 0)
            #expect(scene.objects.count == 3)
            objects.heal()
            #expect(try await node.collect().removalsFinished == 3)
            #expect(scene.objects.isEmpty)
        }
    }

    @Test func `what the object store does not remove stays garbage until it does`() async throws {
        let scene = try SweepScene()
        let objects = MemoryObjects(on: scene.place.bucket)
        try await scene.withNode(objects: objects) { node async throws in
            try await node.upload(content(1, count: 9 << 20), owner: secret(1))
            try await node.upload(content(2), owner: secret(2))
            for (seed, size) in [(1, 9 << 20), (2, 1000)] {
                try await node.revoke(on: address(of: content(seed, count: size)), owner: secret(seed))
            }
            objects.fail(.remove, with: .shorten)
            #expect(try await node.collect().removalsFinished == 1)
            #expect(scene.objects.count == 1)
            #expect(try scene.count("garbage") == 1)
            objects.fail(.remove, with: .loseAnswer)
            await #expect(throws: StoreError.self) { _ = try await node.collect() }
            objects.heal()
            #expect(try await node.collect().removalsFinished == 1, "again is harmless")
            #expect(try scene.count("garbage") == 0)
        }
    }

    @Test func `an operator's word does not wait for as long as a backup is kept`() async throws {
        let scene = try SweepScene(removalDelaySeconds: 7 * SweepScene.day)
        try await scene.withNode { node async throws in
            for seed in 1...3 { try await node.upload(content(seed), owner: secret(seed), subject: "anna") }
            let report = try await node.remove(
                RemoveOptions(address: address(of: content(1)), action: .ban))
            #expect(report.isKnown && report.blobsRemoved == 1 && report.bytesRemoved == 1000)
            try await node.revoke(on: address(of: content(2)), owner: secret(2))
            _ = try await node.collect()
            #expect(try await node.remove(RemoveSubjectOptions(subject: "anna")).blobsRemoved == 1)
            scene.clock.pass(seconds: 899)
            #expect(try await node.collect().removalsFinished == 0)
            scene.clock.pass(seconds: 1)
            #expect(try await node.collect().removalsFinished == 2)
            #expect(scene.objects.count == 1, "what its owner ended stays for a week")
        }
    }

    // MARK: Whose turn it is

    @Test func `of sweeps that nobody asked for one node does all, and another once that is silent`() async throws {
        let scene = try SweepScene()
        let (a, b) = (try await scene.open("a"), try await scene.open("b"))
        let routine = CollectOptions(isRoutine: true)
        try await a.upload(content(1), owner: secret(1))
        try await a.revoke(on: address(of: content(1)), owner: secret(1))
        #expect(try await a.collect(routine).blobsRemoved == 1)
        try await a.upload(content(2), owner: secret(2))
        try await a.revoke(on: address(of: content(2)), owner: secret(2))
        let left = try await b.collect(routine)
        #expect(left.sweptBy == "a" && left.blobsRemoved == 0 && b.gcStatus.latest == nil)
        #expect(try await a.collect(routine).blobsRemoved == 1, "it keeps the duty")
        try await a.upload(content(3), owner: secret(3))
        try await a.revoke(on: address(of: content(3)), owner: secret(3))
        let asked = try await b.collect()
        #expect(asked.sweptBy == nil && asked.blobsRemoved == 1, "who is asked does it")
        try scene.place.ask("UPDATE satchel.duty SET until = clock_timestamp()")
        #expect(try await b.collect(routine).sweptBy == nil)
        #expect(try await a.collect(routine).sweptBy == "b")
        await a.close()
        await b.close()
    }

    @Test func `a scrub is one node's, and leaves off where it was`() async throws {
        let scene = try SweepScene()
        let (a, b) = (try await scene.open("a"), try await scene.open("b"))
        for seed in 1...5 { try await a.upload(content(seed), owner: secret(seed)) }
        try scene.place.ask(
            """
            INSERT INTO satchel.duty SELECT 'scrub', id, clock_timestamp() + interval '1 hour' FROM satchel.node
            WHERE name = 'a'
            """)
        let waiting = Task { try await b.scrub(bytesPerSecond: 1 << 40) { 0 } }
        waiting.cancel()
        try await waiting.value
        #expect(try await b.scrubHistory() == ScrubHistory(current: nil, last: nil))
        try await a.scrub(bytesPerSecond: 1 << 40) { 0 }
        #expect(try await b.scrubHistory().last?.blobs == 5)
        try await b.scrub(bytesPerSecond: 1 << 40) { 0 }
        #expect(try await a.scrubHistory().last?.blobs == 5, "who is done gives it up")
        await a.close()
        await b.close()
    }

    // MARK: Clocks

    @Test func `a database whose clock most nodes do not share holds sweeps until a person trusts it`() async throws {
        let scene = try SweepScene()
        try await scene.withNode { node async throws in
            try await node.upload(content(1), owner: secret(1))
            try await node.revoke(on: address(of: content(1)), owner: secret(1))
            let others = (0..<2).map {
                "('\\x\(String(repeating: "a\($0)", count: 16))', 'other', '1', clock_timestamp(), clock_timestamp() + interval '1 hour', 0, -\($0 + 1))"
            }
            try scene.place.ask(
                "INSERT INTO satchel.node (id, name, version, started, beat, wall, slot) VALUES \(others.joined(separator: ", "))"
            )
            try scene.place.ask(
                "UPDATE satchel.node SET wall = extract(epoch FROM beat)::bigint - 7200 WHERE name = 'other'")
            for _ in 0..<2 {
                let report = try await node.collect()
                #expect(report.hold?.contains("nodes") == true && report.blobsRemoved == 0)
            }
            #expect(node.gcStatus.holdCount == 2)
            let trusted = try await node.collect(CollectOptions(trustClock: true))
            #expect(trusted.hold == nil && trusted.blobsRemoved == 1)
            #expect(try await node.collect().hold == nil, "the next one needs no word")
            try scene.place.ask(
                "UPDATE satchel.node SET wall = extract(epoch FROM beat)::bigint - 90000 WHERE name = 'other'")
            #expect(try await node.collect().hold != nil, "what was accepted is that difference, and no other")
        }
    }
}
