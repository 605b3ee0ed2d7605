import Blobs
import Files
import Store
import StoreTestSupport
import Synchronization
import Testing
import Vault

/// What hearing "delivered" again costs.
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
}
