import Blobs
import Files
import Store
import Synchronization
import Testing

@testable import Catalog
@testable import Vault

@Suite struct DeliveryTests {
    private let bytes = content(21)
    private var blob: BlobAddress { address(of: bytes) }
    private let shared = secret(900)

    // MARK: One shared secret

    @Test func `with one secret for all the blob goes a day after the last of those expected has it`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1, recipients: 2, receipts: [shared]))
            try await vault.confirmDelivery(of: blob, to: recipient(1), secret: shared)
            var lease = try await vault.lease(on: blob, owner: secret(1))
            #expect(lease.state == .held && lease.expires == store.clock.wall.advanced(by: .days(30)))
            #expect(lease.received == [Lease.Receipt(recipient: recipient(1), at: store.clock.wall)])

            store.clock.pass(seconds: 3600)
            try await vault.confirmDelivery(of: blob, to: recipient(2), secret: shared)
            let end = store.clock.wall.advanced(by: .days(1))
            lease = try await vault.lease(on: blob, owner: secret(1))
            #expect(lease.state == .held && lease.expires == end && lease.received.count == 2)
            guard case .held(let held) = try await vault.find(blob) else {
                Issue.record("it stays for the grace")
                return
            }
            #expect(held.sunset == end, "which caches hear of")

            store.clock.pass(seconds: 86_399)
            var found = try await vault.fetch(blob)
            #expect(found == .held(bytes))
            store.clock.pass(seconds: 1)
            found = try await vault.fetch(blob)
            #expect(found == .gone(.delivered), "though no sweep has come by")
            _ = try await vault.collect()
            found = try await vault.fetch(blob)
            lease = try await vault.lease(on: blob, owner: secret(1))
            #expect(found == .gone(.delivered) && lease.state == .ended(.delivered))
            #expect(lease.received.map(\.recipient) == [recipient(1), recipient(2)], "also when all is gone")
        }
    }

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

    @Test func `no more are kept than are expected, and where nobody is counted no more than 1024`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1, recipients: 2, receipts: [shared]))
            try await vault.upload(bytes, on: terms(owner: 2, receipts: [secret(901)]))
            for person in 0..<5 { try await vault.confirmDelivery(of: blob, to: recipient(person), secret: shared) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for person in 0..<1030 {
                    group.addTask {
                        try await vault.confirmDelivery(of: blob, to: recipient(person), secret: secret(901))
                    }
                }
                try await group.waitForAll()
            }
            let counted = try await vault.lease(on: blob, owner: secret(1))
            let open = try await vault.lease(on: blob, owner: secret(2))
            #expect(counted.received.count == 2 && open.received.count == 1024)
            #expect(open.expires == store.clock.wall.advanced(by: .days(30)), "only time ends it")
        }
    }

    // MARK: Whose secret it is

    @Test func `a secret counts for the leases that know it, and for no other on the same bytes`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1, recipients: 1, receipts: [secret(11)]))
            try await vault.upload(bytes, on: terms(owner: 2, recipients: 2, receipts: [secret(11), secret(12)]))
            try await vault.upload(bytes, on: terms(owner: 3, recipients: 1, receipts: [secret(13)]))
            try await vault.confirmDelivery(of: blob, to: recipient(5), secret: secret(11))
            let received = try await [1, 2, 3].asyncMap {
                try await vault.lease(on: blob, owner: secret($0)).received.count
            }
            #expect(received == [1, 1, 0])
            store.clock.pass(seconds: 600)
            let states = try await [1, 2, 3].asyncMap { try await vault.lease(on: blob, owner: secret($0)).state }
            #expect(states == [.ended(.delivered), .held, .held])
            let found = try await vault.fetch(blob)
            #expect(found == .held(bytes), "others hold it")
        }
    }

    @Test func `who shows another secret learns what GET would tell`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            func confirm(_ seed: Int) async throws {
                try await vault.confirmDelivery(of: blob, to: recipient(1), secret: secret(seed))
            }
            await #expect(throws: StoreError.notFound) { try await confirm(900) }
            try await vault.upload(bytes, on: terms(owner: 1, recipients: 2, receipts: [shared]))
            await #expect(throws: StoreError.wrongSecret) { try await confirm(1) }
            try await vault.revoke(on: blob, owner: secret(1))
            await #expect(throws: StoreError.gone(.revoked)) { try await confirm(1) }
            try await confirm(900)
        }
    }

    @Test func `a lease that has ended takes late news and stays ended`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1, lifetime: .days(1), recipients: 2, receipts: [shared]))
            try await vault.confirmDelivery(of: blob, to: recipient(1), secret: shared)
            store.clock.pass(seconds: 86_400)
            for isSwept in [false, true] {
                if isSwept { _ = try await vault.collect() }
                try await vault.confirmDelivery(of: blob, to: recipient(2), secret: shared)
                let lease = try await vault.lease(on: blob, owner: secret(1))
                let found = try await vault.fetch(blob)
                #expect(lease.state == .ended(.expired) && lease.received.count == 2 && found == .gone(.expired))
            }
        }
    }

    @Test func `the hashes go with the tombstone`() async throws {
        var store = try TestStore()
        store.settings.tombstoneLifetime = .days(1)
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1, lifetime: .days(1), recipients: 1, receipts: [shared]))
            try await vault.confirmDelivery(of: blob, to: recipient(1), secret: shared)
            store.clock.pass(seconds: 86_400)
            _ = try await vault.collect()
            store.clock.pass(seconds: 86_401)
            let report = try await vault.collect()
            #expect(report.tombstonesDropped == 2)
            await #expect(throws: StoreError.notFound) {
                try await vault.confirmDelivery(of: blob, to: recipient(1), secret: shared)
            }
        }
    }
}

extension Sequence {
    /// One after the other.
    func asyncMap<Value>(_ transform: (Element) async throws -> Value) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
