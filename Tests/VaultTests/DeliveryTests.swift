import Blobs
import Catalog
import DiskStore
import Files
import Store
import StoreRules
import StoreTestSupport
import Synchronization
import Testing
import Vault

/// What hearing "delivered" costs.
@Suite struct DeliveryTests {
    private let bytes = content(21)
    private var blob: BlobAddress { address(of: bytes) }
    private let shared = secret(900)

    @Test func `a "delivered" said again changes nothing and costs no commit`() async throws {
        let store = try TestStore()
        let commits = Mutex(0)
        let counting = FaultPoints { if $0 == .rowsCommitted { commits.withLock { $0 += 1 } } }
        try await store.withVault(faults: counting) { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1, recipients: 3, receipts: [shared]))
            try await vault.confirmDelivery(of: blob, to: recipient(1), secret: shared)
            let before = commits.withLock { $0 }
            store.clock.pass(seconds: 60)
            for _ in 0..<5 { try await vault.confirmDelivery(of: blob, to: recipient(1), secret: shared) }
            #expect(commits.withLock { $0 } == before)
            let lease = try await vault.lease(on: blob, owner: secret(1))
            #expect(lease.received.map(\.at) == [lease.created], "and the first word stands")
        }
    }

    /// What a change to one lease costs the catalog beside so many others on its blob.
    private func cost(
        beside others: Int, _ change: (Vault) async throws -> Void
    ) async throws -> (statements: Int, rows: Int) {
        let store = try TestStore()
        let trace = StatementTrace(of: DiskLayout(root: store.path).catalog)
        return try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1, recipients: 1, receipts: [shared]))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for owner in 2..<(2 + others) {
                    // All of them are over at once, and later than those of people who are content with the default.
                    let terms = terms(owner: owner, lifetime: .days(30), subject: "subject \(owner)")
                    group.addTask { _ = try await vault.addLease(on: blob, terms: terms) }
                }
                try await group.waitForAll()
            }
            trace.take()
            try await change(vault)
            let cost = trace.take()
            return (cost.statements.count, cost.rows)
        }
    }

    @Test(arguments: ["delivered", "renewed", "revoked"])
    func `a lease is changed at the same cost however many others there are on its blob`(what: String) async throws {
        func change(_ vault: Vault) async throws {
            switch what {
            case "delivered": try await vault.confirmDelivery(of: blob, to: recipient(1), secret: shared)
            case "renewed": _ = try await vault.renew(on: blob, owner: secret(1), lifetime: .days(1), subject: nil)
            default: try await vault.revoke(on: blob, owner: secret(1))
            }
        }
        let few = try await cost(beside: 3, change)
        let many = try await cost(beside: 300, change)
        #expect(few.statements == many.statements && few.rows == many.rows, "\(few), \(many)")
        #expect(many.statements <= 25 && many.rows <= 20, "\(many)")
    }

    @Test func `where the disk has no room to spare rows wait too, but for those that make room`() async throws {
        var store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1, recipients: 2, receipts: [shared]))
            try await vault.upload(bytes, on: terms(owner: 2, recipients: 1, receipts: [secret(901)]))
            try await vault.confirmDelivery(of: blob, to: recipient(1), secret: shared)
        }
        store.settings.keepFreeBytes = .max
        try await store.withVault { vault async throws in
            await #expect(throws: StoreError.diskFull) {
                _ = try await vault.addLease(on: blob, terms: terms(owner: 3, subject: "ben"))
            }
            try await vault.confirmDelivery(of: blob, to: recipient(1), secret: shared)
            let end = store.clock.wall.advanced(by: .minutes(10))
            try await vault.confirmDelivery(of: blob, to: recipient(1), secret: secret(901))
            #expect(try await vault.lease(on: blob, owner: secret(2)).expires == end, "the last one ends its lease")
            try await vault.revoke(on: blob, owner: secret(1))
            await #expect(throws: StoreError.diskFull, "one more row that ends nothing") {
                try await vault.confirmDelivery(of: blob, to: recipient(2), secret: shared)
            }
            #expect(try await vault.lease(on: blob, owner: secret(1)).received.count == 1)
        }
    }

    @Test func `a subject that holds nothing is forgotten when its day is over`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, owner: secret(1), subject: "ann")
            try await vault.revoke(on: blob, owner: secret(1))
            for (seconds, made) in [(86_399, 1), (2, nil)] as [(Int64, Int?)] {
                store.clock.pass(seconds: seconds)
                _ = try await vault.collect()
                #expect(try await vault.read { try $0.day(of: "ann")?.made } == made)
            }
        }
    }
}
