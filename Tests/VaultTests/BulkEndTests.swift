import Blobs
import Catalog
import Store
import StoreRules
import StoreTestSupport
import TestSupport
import Testing
import Vault

/// What a sweep does to many rows by one statement is what it would do to each.
@Suite struct BulkEndTests {
    @Test func `leases that end together leave their subjects with what is left, and each blob with its reason`()
        async throws
    {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let shared = content(1, count: 6000)
            try await vault.upload(shared, owner: secret(1), lifetime: .days(1), subject: "anna")
            try await vault.upload(shared, owner: secret(2), lifetime: .days(1), subject: "bert")
            try await vault.upload(shared, owner: secret(3), lifetime: .days(3), subject: "anna")
            try await vault.upload(content(2, count: 10), owner: secret(4), lifetime: .days(1), subject: "anna")
            try await vault.upload(content(3, count: 10), owner: secret(5), subject: "bert")
            try await vault.revoke(on: address(of: content(3, count: 10)), owner: secret(5))
            store.clock.pass(seconds: 86_400)

            let report = try await vault.collect()
            #expect(report.leasesEnded == 3 && report.blobsRemoved == 2)
            let (anna, bert) = try await vault.read { (try $0.usage(of: "anna"), try $0.usage(of: "bert")) }
            #expect(anna.leases == 1 && anna.bytes == 6000 && bert.leases == 0 && bert.bytes == 0)
            let row = try #require(try await vault.read { try $0.blob(address(of: shared)) })
            #expect(row.leases == 1 && row.sunset == store.clock.wall.advanced(by: .days(2)) && row.reason == nil)
            #expect(try await vault.fetch(address(of: shared)) == .held(shared))
            #expect(try await vault.fetch(address(of: content(2, count: 10))) == .gone(.expired))
            #expect(try await vault.fetch(address(of: content(3, count: 10))) == .gone(.revoked))
            let lease = try await vault.lease(on: address(of: shared), owner: secret(2))
            #expect(lease.state == .ended(.expired))
        }
    }

    @Test func `a blob that is held again between the look and the mark stays`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            for seed in 0..<3 { try await vault.upload(content(seed), owner: secret(seed)) }
            for seed in 0..<3 { try await vault.revoke(on: address(of: content(seed)), owner: secret(seed)) }
            let unheld = try await vault.read { try $0.unheldBlobs(after: nil, limit: 10).blobs.map(\.address) }
            #expect(unheld.count == 3)
            try await vault.upload(content(1), owner: secret(9))
            let removed = try await vault.remove(unheld)
            #expect(removed.count == 2)
            #expect(try await vault.fetch(address(of: content(1))) == .held(content(1)))
            #expect(try await vault.check().isClean)
        }
    }
}
