import Blobs
import DiskStore
import Files
import Store
import Testing
import Vault

/// Leases on bytes that are held already.
@Suite struct HoldingTests {
    private let bytes = content(51)
    private var blob: BlobAddress { address(of: bytes) }

    @Test func `a forward holds the blob on after the first lease has ended, and a retry makes no second one`()
        async throws
    {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1, lifetime: .days(1)))
            store.clock.pass(seconds: 3600)
            let forward = terms(owner: 2, lifetime: .days(9), recipients: 1, receipts: [secret(9)], subject: "ben")
            let first = try await vault.addLease(on: blob, terms: forward)
            #expect(first.isNew && first.size == 1000 && first.uploaded == store.clock.wall)
            #expect(first.expires == store.clock.wall.advanced(by: .days(9)))
            store.clock.pass(seconds: 60)
            let again = try await vault.addLease(on: blob, terms: forward)
            #expect(!again.isNew && again.uploaded == first.uploaded && again.expires == first.expires)
            try await vault.revoke(on: blob, owner: secret(1))
            _ = try await vault.collect()
            var found = try await vault.fetch(blob)
            #expect(found == .held(bytes))
            try await vault.confirmDelivery(of: blob, to: recipient(1), secret: secret(9))
            store.clock.pass(seconds: 600)
            found = try await vault.fetch(blob)
            #expect(found == .gone(.delivered))
        }
    }

    @Test func `nothing is held that is not there, and what ended stays ended`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            await #expect(throws: StoreError.notFound) { try await vault.addLease(on: blob, terms: terms(owner: 1)) }
            try await vault.upload(bytes, on: terms(owner: 1))
            _ = try await vault.addLease(on: blob, terms: terms(owner: 2))
            try await vault.revoke(on: blob, owner: secret(1))
            await #expect(throws: StoreError.leaseEnded(.revoked)) {
                _ = try await vault.addLease(on: blob, terms: terms(owner: 1))
            }
            try await vault.revoke(on: blob, owner: secret(2))
            for isSwept in [false, true] {
                if isSwept { _ = try await vault.collect() }
                await #expect(throws: StoreError.gone(.revoked)) {
                    try await vault.addLease(on: blob, terms: terms(owner: 3))
                }
            }
        }
    }

    @Test func `bytes that are missing or cut short are not held on, though a lease lives`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1))
            let path = vault.layout.blob(blob)
            try Folder.remove(path)
            await #expect(throws: StoreError.damaged) { try await vault.addLease(on: blob, terms: terms(owner: 2)) }
            _ = try await vault.check(CheckOptions(repair: true))
            await #expect(throws: StoreError.damaged) { try await vault.addLease(on: blob, terms: terms(owner: 2)) }
            let damaged = try await vault.renew(on: blob, owner: secret(1), lifetime: .days(1), subject: nil)
            #expect(damaged.state == .damaged, "a lease without its bytes can be renewed until they come")
            try await vault.upload(bytes, on: terms(owner: 3))
            let held = try await vault.addLease(on: blob, terms: terms(owner: 2))
            #expect(held.isNew)
        }
    }

    @Test func `a forward that races the last revocation and a sweep holds the bytes or is refused`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            for round in 0..<60 {
                let (first, second) = (2 * round, 2 * round + 1)
                try await vault.upload(bytes, on: terms(owner: first))
                async let isHeld = holds(vault, owner: second)
                try await vault.revoke(on: blob, owner: secret(first))
                _ = try await vault.collect(CollectOptions(searchesForOrphans: false))
                let found: Fetched = try await isHeld ? .held(bytes) : .gone(.revoked)
                let fetched = try await vault.fetch(blob)
                #expect(fetched == found, "round \(round)")
                if fetched == .held(bytes) { try await vault.revoke(on: blob, owner: secret(second)) }
            }
        }
    }

    /// Whether a forward came in time.
    private func holds(_ vault: Vault, owner: Int) async throws -> Bool {
        do {
            return try await vault.addLease(on: blob, terms: terms(owner: owner)).isNew
        } catch StoreError.gone(.revoked) {
            return false
        }
    }

    @Test func `the limits of an upload are those of a forward`() async throws {
        var store = try TestStore()
        store.settings.leasesPerAddress = 2
        store.settings.leasesPerSubject = 2
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1, subject: "ann"))
            await #expect(throws: StoreError.lifetimeTooLong(limit: .days(30))) {
                _ = try await vault.addLease(on: blob, terms: terms(owner: 2, lifetime: .days(31), subject: "ann"))
            }
            _ = try await vault.addLease(on: blob, terms: terms(owner: 2, subject: "ann"))
            await #expect(throws: StoreError.busy(limit: "leases on this blob", retryAfterSeconds: 3600)) {
                _ = try await vault.addLease(on: blob, terms: terms(owner: 3, subject: "ben"))
            }
            try await vault.upload(content(52), on: terms(owner: 4, subject: "ben"))
            await #expect(throws: StoreError.busy(limit: "leases of this subject", retryAfterSeconds: 3600)) {
                _ = try await vault.addLease(on: address(of: content(52)), terms: terms(owner: 5, subject: "ann"))
            }
        }
    }
}
