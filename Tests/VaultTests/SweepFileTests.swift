import Blobs
import DiskStore
import Files
import Store
import StoreTestSupport
import TestSupport
import Testing
import Vault

/// Sweeps, and what lies in the folders of a store.
@Suite struct SweepFileTests {
    @Test func `a catalog restored from yesterday costs nothing, and the bytes it forgot heal by upload`()
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
            #expect(report.orphansRemoved == 1, "now the catalog is as old as the store again")
        }
    }

    @Test func `a blob that is removed leaves no file, and one that stays keeps its own`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(content(1), owner: secret(1), lifetime: .days(1))
            try await vault.upload(content(3), owner: secret(3))
            try write([1, 2, 3], toFile: "\(vault.layout.staging)/dead")
            store.clock.pass(seconds: 86_400)
            let report = try await vault.collect()
            #expect(report.stagedFilesRemoved == 1 && report.blobsRemoved == 1 && report.orphansFound == 0)
            #expect(try Folder.status(vault.layout.blob(address(of: content(1)))) == nil)
            #expect(try Folder.status(vault.layout.blob(address(of: content(3)))) != nil)
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
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
}
