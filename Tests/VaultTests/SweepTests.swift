import Blobs
import DiskStore
import Files
import Store
import TestSupport
import Testing
import Vault

@Suite struct SweepTests {
    @Test func `a sweep takes what nobody holds and tells what it did; a dry run tells the same and takes nothing`()
        async throws
    {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(content(1), owner: secret(1), lifetime: .days(1))
            try await vault.upload(content(2, count: 2000), owner: secret(2))
            try await vault.upload(content(3), owner: secret(3))
            try await vault.revoke(on: address(of: content(2, count: 2000)), owner: secret(2))
            try write([1, 2, 3], toFile: "\(vault.layout.staging)/dead")
            let live = try await vault.begin(UploadTests.announcing(1 << 20))
            store.clock.pass(seconds: 86_400)

            let foreseen = try await vault.collect(CollectOptions(dryRun: true))
            #expect(foreseen.leasesEnded == 1 && foreseen.blobsRemoved == 2 && foreseen.bytesRemoved == 3000)
            #expect(foreseen.stagedFilesRemoved == 1 && foreseen.hold == nil)
            #expect(try Folder.status(vault.layout.blob(address(of: content(1)))) != nil)

            let report = try await vault.collect()
            #expect(report.leasesEnded == 1 && report.blobsRemoved == 2 && report.bytesRemoved == 3000)
            #expect(report.stagedFilesRemoved == 1 && report.orphansFound == 0)
            #expect(vault.gcStatus.latest == report)
            #expect(try Folder.status(vault.layout.blob(address(of: content(1)))) == nil)
            #expect(try Folder.names(in: vault.layout.staging).count == 1, "an upload under way keeps its file")
            await live.abandon()
            let found = try await vault.fetch(address(of: content(3)))
            #expect(found == .held(content(3)))
            let again = try await vault.collect()
            #expect(again.blobsRemoved == 0 && again.leasesEnded == 0)
        }
    }

    @Test func `more leases and blobs than one batch holds all go`() async throws {
        let store = try TestStore()
        let count = Vault.removalBatch + 30
        try await store.withVault { vault async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for seed in 0..<count {
                    group.addTask {
                        try await vault.upload(content(seed, count: 10), owner: secret(seed), lifetime: .days(1))
                    }
                }
                try await group.waitForAll()
            }
            store.clock.pass(seconds: 86_400)
            let report = try await vault.collect()
            #expect(report.leasesEnded == count && report.blobsRemoved == count)
            let check = try await vault.check()
            #expect(check.isClean && check.blobsChecked == 0)
        }
    }

    // MARK: Files without a row

    @Test func `under a server a file without a row goes when two sweeps an hour apart have seen it`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let path = try plantOrphan(in: vault)
            var report = try await vault.collect()
            #expect(report.orphansFound == 1 && report.orphansRemoved == 0)
            store.clock.pass(seconds: 3599)
            report = try await vault.collect()
            #expect(report.orphansRemoved == 0)
            store.clock.pass(seconds: 1)
            report = try await vault.collect(CollectOptions(searchesForOrphans: false))
            #expect(report.orphansRemoved == 0, "a quick sweep does not look for them")
            report = try await vault.collect()
            #expect(report.orphansRemoved == 1 && report.orphanBytesRemoved == 1000)
            #expect(try Folder.status(path) == nil)
        }
    }

    @Test func `a file that went and came back starts its hour anew`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let path = try plantOrphan(in: vault)
            _ = try await vault.collect()
            try Folder.remove(path)
            _ = try await vault.collect()
            _ = try plantOrphan(in: vault)
            store.clock.pass(seconds: 3600)
            let report = try await vault.collect()
            #expect(report.orphansFound == 1 && report.orphansRemoved == 0)
        }
    }

    @Test func `when no server ran it goes at once, and an upload of its bytes makes it a blob`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let path = try plantOrphan(in: vault)
            let stored = try await vault.upload(content(50))
            #expect(stored.isNew, "a file without a row is not held, whatever its bytes")
            var report = try await vault.collect(CollectOptions(isAlone: true))
            #expect(report.orphansFound == 0)
            #expect(try Folder.status(path) != nil)
            _ = try plantOrphan(in: vault, seed: 51)
            report = try await vault.collect(CollectOptions(isAlone: true))
            #expect(report.orphansRemoved == 1)
        }
    }

    @Test func `too many of them stop the sweep from taking any until an operator says so`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            for seed in 100..<165 { _ = try plantOrphan(in: vault, seed: seed) }
            var report = try await vault.collect(CollectOptions(isAlone: true))
            #expect(report.orphansFound == 65 && report.orphansRemoved == 0)
            #expect(report.orphansKept?.contains("--orphans") == true)
            report = try await vault.collect(CollectOptions(orphans: true, isAlone: true))
            #expect(report.orphansRemoved == 65)
        }
    }

    private func plantOrphan(in vault: Vault, seed: Int = 50) throws -> String {
        let path = vault.layout.blob(address(of: content(seed)))
        try write(content(seed), toFile: path)
        return path
    }

    // MARK: A catalogue put back

    @Test func `a catalogue restored from yesterday costs nothing, and the bytes it forgot heal by upload`()
        async throws
    {
        let store = try TestStore()
        let layout = DiskLayout(root: store.path)
        try await store.withVault { vault async throws in
            for seed in 0..<3 { try await vault.upload(content(seed), owner: secret(seed)) }
        }
        let yesterday = try bytes(ofFile: layout.catalog)
        try await store.withVault { vault async throws in
            for seed in 3..<6 { try await vault.upload(content(seed), owner: secret(seed)) }
            try await vault.revoke(on: address(of: content(0)), owner: secret(0))
            _ = try await vault.collect(CollectOptions(isAlone: true))
        }
        for suffix in ["-wal", "-shm"] { try Folder.remove(layout.catalog + suffix) }
        try write(yesterday, toFile: layout.catalog)

        for round in 0..<3 {
            try await store.withVault { vault async throws in
                let report = try await vault.collect(CollectOptions(isAlone: true))
                #expect(report.orphansFound == 3 && report.orphansRemoved == 0, "round \(round)")
                #expect(report.orphansKept != nil)
                store.clock.pass(seconds: 7200)
            }
        }
        try await store.withVault { vault async throws in
            for seed in 1..<6 {
                #expect(try bytes(ofFile: layout.blob(address(of: content(seed)))) == content(seed))
            }
            let lost = try await vault.fetch(address(of: content(0)))
            #expect(lost == .damaged, "yesterday's row promises a file that is gone")
            for seed in [0, 3, 4] { try await vault.upload(content(seed), owner: secret(seed + 40)) }
            for seed in 0..<5 {
                let found = try await vault.fetch(address(of: content(seed)))
                #expect(found == .held(content(seed)))
            }
            var report = try await vault.collect(CollectOptions(orphans: true, isAlone: true))
            #expect(report.orphansRemoved == 1, "the one that nobody sent again")
            try write(content(9), toFile: layout.blob(address(of: content(9))))
            report = try await vault.collect(CollectOptions(isAlone: true))
            #expect(report.orphansRemoved == 1, "now the catalogue is as old as the store again")
        }
    }

    // MARK: Clocks

    @Test func `a clock set forward removes nothing, not by the second sweep either, nor after a restart`() async throws
    {
        let store = try TestStore()
        let blob = try await store.withVault { vault async throws in
            let stored = try await vault.upload(content(1), owner: secret(1))
            store.clock.setWall(by: 366 * 86_400)
            let found = try await vault.fetch(stored.address)
            #expect(found == .gone(.expired), "by this clock its time is up")
            for _ in 0..<3 {
                let report = try await vault.collect()
                #expect(report.hold != nil && report.blobsRemoved == 0)
                store.clock.pass(seconds: 7200)
            }
            #expect(vault.gcStatus.holdCount == 3 && vault.gcStatus.latest?.hold != nil)
            return stored.address
        }
        try await store.withVault { vault async throws in
            let report = try await vault.collect(CollectOptions(isAlone: true))
            #expect(report.hold != nil && report.blobsRemoved == 0)
            store.clock.setWall(by: -366 * 86_400)
            let well = try await vault.collect()
            let found = try await vault.fetch(blob)
            #expect(well.hold == nil && found == .held(content(1)))
        }
    }

    @Test func `after a reboot with a clock far ahead an operator has an hour, again after each restart`() async throws
    {
        let store = try TestStore()
        try await store.withVault { try await $0.upload(content(1), owner: secret(1)) }
        store.clock.setWall(by: 366 * 86_400)
        store.clock.reboot()
        for _ in 0..<3 {
            try await store.withVault { vault async throws in
                let report = try await vault.collect()
                #expect(report.hold != nil && report.blobsRemoved == 0)
                try await vault.upload(content(2), owner: secret(2))
                store.clock.pass(seconds: 1800)
            }
        }
    }

    @Test func `a clock set back behind a commit holds the sweep until an operator trusts it`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            store.clock.setWall(by: 40 * 86_400)
            try await vault.upload(content(1), owner: secret(1))
            store.clock.setWall(by: -40 * 86_400)
            let report = try await vault.collect()
            #expect(report.hold?.contains("ahead") == true)
            #expect(vault.now() > store.clock.wall)
            let trusted = try await vault.collect(CollectOptions(trustClock: true))
            #expect(trusted.hold == nil && vault.now() == store.clock.wall)
            let next = try await vault.collect()
            let found = try await vault.fetch(address(of: content(1)))
            #expect(next.hold == nil && found == .held(content(1)))
        }
        try await store.withVault { #expect($0.now() == store.clock.wall) }
    }

    @Test func `an operator who trusts a clock set forward gets the sweep, and the next one needs no word`()
        async throws
    {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(content(1), owner: secret(1))
            store.clock.setWall(by: 366 * 86_400)
            let trusted = try await vault.collect(CollectOptions(trustClock: true))
            #expect(trusted.blobsRemoved == 1)
            let next = try await vault.collect()
            #expect(next.hold == nil)
        }
    }
}
