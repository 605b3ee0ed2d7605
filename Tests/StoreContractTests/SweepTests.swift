import Blobs
import Store
import StoreTestSupport
import TestSupport
import Testing

@Suite struct SweepTests {
    @Test(arguments: StoreKind.allCases)
    func `a sweep takes what nobody holds and tells what it did; a dry run tells the same and takes nothing`(
        kind: StoreKind
    )
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(content(1), owner: secret(1), lifetime: .days(1))
            try await store.upload(content(2, count: 2000), owner: secret(2))
            try await store.upload(content(3), owner: secret(3))
            try await store.revoke(on: address(of: content(2, count: 2000)), owner: secret(2))
            // Elsewhere nothing of an upload has a name that no row knows.
            let left = kind.hasOwnRoom ? 1 : 0
            if kind.hasOwnRoom { try fixture.leaveStaged([1, 2, 3]) }
            let live = try await store.begin(announcing(1 << 20))
            fixture.clock.pass(seconds: 86_400)

            let foreseen = try await store.collect(CollectOptions(dryRun: true))
            #expect(foreseen.leasesEnded == 1 && foreseen.blobsRemoved == 2 && foreseen.bytesRemoved == 3000)
            #expect(foreseen.stagedFilesRemoved == left && foreseen.hold == nil)
            #expect(try fixture.bytes(of: address(of: content(1))) != nil)

            let report = try await store.collect()
            #expect(report.leasesEnded == 1 && report.blobsRemoved == 2 && report.bytesRemoved == 3000)
            #expect(report.stagedFilesRemoved == left && report.orphansFound == 0)
            #expect(store.gcStatus.latest == report)
            #expect(try fixture.bytes(of: address(of: content(1))) == nil)
            #expect(try fixture.staged().count == left, "an upload under way keeps its file")
            await live.abandon()
            let found = try await store.fetch(address(of: content(3)))
            #expect(found == .held(content(3)))
            let again = try await store.collect()
            #expect(again.blobsRemoved == 0 && again.leasesEnded == 0)
        }
    }

    @Test(arguments: StoreKind.allCases) func `more leases and blobs than one batch holds all go`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        let count = 530
        try await fixture.withStore { store async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for seed in 0..<count {
                    group.addTask {
                        try await store.upload(content(seed, count: 10), owner: secret(seed), lifetime: .days(1))
                    }
                }
                try await group.waitForAll()
            }
            fixture.clock.pass(seconds: 86_400)
            let report = try await store.collect()
            #expect(report.leasesEnded == count && report.blobsRemoved == count)
            let check = try await store.check()
            #expect(check.isClean && check.blobsChecked == 0)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `leases that end together leave their subjects with what is left, and each blob with its reason`(
        kind: StoreKind
    )
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let shared = content(1, count: 6000)
            try await store.upload(shared, owner: secret(1), lifetime: .days(1), subject: "anna")
            try await store.upload(shared, owner: secret(2), lifetime: .days(1), subject: "bert")
            try await store.upload(shared, owner: secret(3), lifetime: .days(3), subject: "anna")
            try await store.upload(content(2, count: 10), owner: secret(4), lifetime: .days(1), subject: "anna")
            try await store.upload(content(3, count: 10), owner: secret(5), subject: "bert")
            try await store.revoke(on: address(of: content(3, count: 10)), owner: secret(5))
            fixture.clock.pass(seconds: 86_400)

            let report = try await store.collect()
            #expect(report.leasesEnded == 3 && report.blobsRemoved == 2)
            let (anna, bert) = (try await store.quotaUsage(of: "anna"), try await store.quotaUsage(of: "bert"))
            #expect(anna.leases == 1 && anna.bytes == 6000 && bert.leases == 0 && bert.bytes == 0)
            #expect(try await store.held(address(of: shared)).sunset == fixture.clock.wall.advanced(by: .days(2)))
            #expect(try await store.fetch(address(of: shared)) == .held(shared))
            #expect(try await store.fetch(address(of: content(2, count: 10))) == .gone(.expired))
            #expect(try await store.fetch(address(of: content(3, count: 10))) == .gone(.revoked))
            let lease = try await store.lease(on: address(of: shared), owner: secret(2))
            #expect(lease.state == .ended(.expired))
        }
    }

    @Test(arguments: StoreKind.allCases) func `what was remembered long enough goes with all that belongs to it`(
        kind: StoreKind
    ) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.tombstoneLifetime = .days(1)
        try await fixture.withStore { store async throws in
            for seed in 0..<20 {
                try await store.upload(content(seed, count: 10), owner: secret(seed), lifetime: .days(1))
            }
            fixture.clock.pass(seconds: 86_400)
            _ = try await store.collect()
            fixture.clock.pass(seconds: 86_401)
            let report = try await store.collect()
            #expect(report.tombstonesDropped == 40, "twenty leases and twenty blobs")
            #expect(try await store.fetch(address(of: content(0, count: 10))) == .unknown)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what a cancelled sweep leaves, the next one takes`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            for seed in 0..<5 { try await store.upload(content(seed), owner: secret(seed), lifetime: .days(1)) }
            fixture.clock.pass(seconds: 86_400)
            let (first, second) = (try await cancelled { try await store.collect() }, try await store.collect())
            #expect(first.leasesEnded + second.leasesEnded == 5 && first.blobsRemoved + second.blobsRemoved == 5)
        }
    }

    // MARK: Files without a row

    @Test(arguments: StoreKind.allWithOwnRoom)
    func `under a server a file without a row goes when two sweeps an hour apart have seen it`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try fixture.plant(content(50))
            var report = try await store.collect()
            #expect(report.orphansFound == 1 && report.orphansRemoved == 0)
            fixture.clock.pass(seconds: 3599)
            report = try await store.collect()
            #expect(report.orphansRemoved == 0)
            fixture.clock.pass(seconds: 1)
            report = try await store.collect(CollectOptions(searchesForOrphans: false))
            #expect(report.orphansRemoved == 0, "a quick sweep does not look for them")
            report = try await store.collect()
            #expect(report.orphansRemoved == 1 && report.orphanBytesRemoved == 1000)
            #expect(try fixture.bytes(of: address(of: content(50))) == nil)
        }
    }

    @Test(arguments: StoreKind.allWithOwnRoom) func `a file that went and came back starts its hour anew`(
        kind: StoreKind
    )
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try fixture.plant(content(50))
            _ = try await store.collect()
            try fixture.inflict(.gone, on: address(of: content(50)))
            _ = try await store.collect()
            try fixture.plant(content(50))
            fixture.clock.pass(seconds: 3600)
            let report = try await store.collect()
            #expect(report.orphansFound == 1 && report.orphansRemoved == 0)
        }
    }

    @Test(arguments: StoreKind.allWithOwnRoom)
    func `when no server ran it goes at once, and an upload of its bytes makes it a blob`(kind: StoreKind) async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try fixture.plant(content(50))
            let stored = try await store.upload(content(50))
            #expect(stored.isNew, "a file without a row is not held, whatever its bytes")
            var report = try await store.collect(CollectOptions(isAlone: true))
            #expect(report.orphansFound == 0)
            #expect(try fixture.bytes(of: address(of: content(50))) != nil)
            try fixture.plant(content(51))
            report = try await store.collect(CollectOptions(isAlone: true))
            #expect(report.orphansRemoved == 1)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `too many of them stop the sweep from taking any until an operator says so`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            for seed in 100..<165 { try fixture.plant(content(seed)) }
            var report = try await store.collect(CollectOptions(isAlone: true))
            #expect(report.orphansFound == 65 && report.orphansRemoved == 0)
            #expect(report.orphansKept != nil)
            report = try await store.collect(CollectOptions(orphans: true, isAlone: true))
            #expect(report.orphansRemoved == 65)
        }
    }

    // MARK: Clocks

    @Test(arguments: StoreKind.allCases)
    func `a clock set forward removes nothing, not by the second sweep either, nor after a restart`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        let blob = try await fixture.withStore { store async throws in
            let stored = try await store.upload(content(1), owner: secret(1))
            fixture.clock.setWall(by: 366 * 86_400)
            let found = try await store.fetch(stored.address)
            #expect(found == .gone(.expired), "by this clock its time is up")
            for _ in 0..<3 {
                let report = try await store.collect()
                #expect(report.hold != nil && report.blobsRemoved == 0)
                fixture.clock.pass(seconds: 7200)
            }
            #expect(store.gcStatus.holdCount == 3 && store.gcStatus.latest?.hold != nil)
            return stored.address
        }
        try await fixture.withStore { store async throws in
            let report = try await store.collect(CollectOptions(isAlone: true))
            #expect(report.hold != nil && report.blobsRemoved == 0)
            fixture.clock.setWall(by: -366 * 86_400)
            let well = try await store.collect()
            let found = try await store.fetch(blob)
            #expect(well.hold == nil && found == .held(content(1)))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `after a reboot with a clock far ahead an operator has an hour, again after each restart`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { try await $0.upload(content(1), owner: secret(1)) }
        fixture.clock.setWall(by: 366 * 86_400)
        fixture.clock.reboot()
        for _ in 0..<3 {
            try await fixture.withStore { store async throws in
                let report = try await store.collect()
                #expect(report.hold != nil && report.blobsRemoved == 0)
                try await store.upload(content(2), owner: secret(2))
                fixture.clock.pass(seconds: 1800)
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a clock set back behind a commit holds the sweep until an operator trusts it`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            fixture.clock.setWall(by: 40 * 86_400)
            try await store.upload(content(1), owner: secret(1))
            fixture.clock.setWall(by: -40 * 86_400)
            let report = try await store.collect()
            #expect(report.hold?.contains("ahead") == true)
            #expect(store.now() > fixture.clock.wall)
            let trusted = try await store.collect(CollectOptions(trustClock: true))
            #expect(trusted.hold == nil && store.now() == fixture.clock.wall)
            let next = try await store.collect()
            let found = try await store.fetch(address(of: content(1)))
            #expect(next.hold == nil && found == .held(content(1)))
        }
        try await fixture.withStore { #expect($0.now() == fixture.clock.wall) }
    }

    @Test(arguments: StoreKind.allCases)
    func `an operator who trusts a clock set forward gets the sweep, and the next one needs no word`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(content(1), owner: secret(1))
            fixture.clock.setWall(by: 366 * 86_400)
            let trusted = try await store.collect(CollectOptions(trustClock: true))
            #expect(trusted.blobsRemoved == 1)
            let next = try await store.collect()
            #expect(next.hold == nil)
        }
    }
}
