import Blobs
import Store
import Testing
import Vault

@Suite struct LeaseTests {
    private let bytes = content(11)
    private var blob: BlobAddress { address(of: bytes) }

    @Test func `the same owner again on a live lease gets that lease, unchanged`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let first = try await vault.upload(bytes, owner: secret(1), lifetime: .days(2))
            store.clock.pass(seconds: 3600)
            let second = try await vault.upload(bytes, owner: secret(1), lifetime: .days(9))
            #expect(second.uploaded == first.uploaded && second.expires == first.expires)
        }
    }

    @Test func `what ended stays ended, and a fresh secret holds the bytes again`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, owner: secret(1))
            try await vault.revoke(on: blob, owner: secret(1))
            await #expect(throws: StoreError.leaseEnded(.revoked)) { try await vault.upload(bytes, owner: secret(1)) }
            try await vault.upload(bytes, owner: secret(2))
            let found = try await vault.fetch(blob)
            #expect(found == .held(bytes))
        }
    }

    @Test func `without an owner there is one lease for a subject, which only time ends`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let first = try await vault.upload(bytes, lifetime: .days(1), subject: "ann")
            store.clock.pass(seconds: 60)
            let again = try await vault.upload(bytes, lifetime: .days(5), subject: "ann")
            let other = try await vault.upload(bytes, lifetime: .days(1), subject: "ben")
            #expect(again.expires == first.expires)
            #expect(other.expires > first.expires)
            store.clock.pass(seconds: 2 * 86_400)
            let renewed = try await vault.upload(bytes, lifetime: .days(1), subject: "ann")
            #expect(renewed.uploaded == store.clock.wall)
        }
    }

    @Test func `a blob is served until its last lease ends and not a second longer`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, owner: secret(1), lifetime: .days(1))
            try await vault.upload(bytes, owner: secret(2), lifetime: .days(2))
            store.clock.pass(seconds: 2 * 86_400 - 1)
            guard case .held(let held) = try await vault.find(blob) else {
                Issue.record("the blob is not held")
                return
            }
            #expect(held.sunset == store.clock.wall.advanced(by: try #require(Lifetime(seconds: 1))))
            store.clock.pass(seconds: 1)
            let found = try await vault.fetch(blob)
            #expect(found == .gone(.expired), "though no sweep has come by")
        }
    }

    @Test func `an owner sees the lease, held, ended and swept; a stranger learns what GET would tell`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            await #expect(throws: StoreError.notFound) { try await vault.lease(on: blob, owner: secret(1)) }
            try await vault.upload(bytes, owner: secret(1))
            var lease = try await vault.lease(on: blob, owner: secret(1))
            #expect(lease.state == .held && lease.size == 1000 && lease.created == store.clock.wall)
            await #expect(throws: StoreError.wrongSecret) { try await vault.lease(on: blob, owner: secret(2)) }
            await #expect(throws: StoreError.wrongSecret) { try await vault.revoke(on: blob, owner: secret(2)) }
            try await vault.revoke(on: blob, owner: secret(1))
            try await vault.revoke(on: blob, owner: secret(1))
            _ = try await vault.collect()
            lease = try await vault.lease(on: blob, owner: secret(1))
            #expect(lease.state == .ended(.revoked))
            await #expect(throws: StoreError.gone(.revoked)) { try await vault.lease(on: blob, owner: secret(2)) }
            await #expect(throws: StoreError.gone(.revoked)) { try await vault.revoke(on: blob, owner: secret(2)) }
        }
    }

    @Test func `the reason a blob is gone is that of the lease that ended last`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, owner: secret(1), lifetime: .days(1))
            try await vault.upload(bytes, owner: secret(2), lifetime: .days(9))
            store.clock.pass(seconds: 86_400)
            _ = try await vault.collect()
            try await vault.revoke(on: blob, owner: secret(2))
            let found = try await vault.fetch(blob)
            #expect(found == .gone(.revoked))
        }
    }

    @Test func `a lifetime beyond the longest is refused, the longest is not`() async throws {
        var store = try TestStore()
        store.settings.maximumLifetime = .days(7)
        try await store.withVault { vault async throws in
            let stored = try await vault.upload(bytes, owner: secret(1))
            #expect(stored.expires == store.clock.wall.advanced(by: .days(7)), "the default bows to the longest")
            try await vault.upload(bytes, owner: secret(2), lifetime: .days(7))
            await #expect(throws: StoreError.lifetimeTooLong(limit: .days(7))) {
                try await vault.upload(bytes, owner: secret(3), lifetime: .days(8))
            }
        }
    }

    @Test func `leases on one blob and of one subject are limited, and a retry is not a new one`() async throws {
        var store = try TestStore()
        store.settings.leasesPerAddress = 2
        store.settings.leasesPerSubject = 3
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, owner: secret(1), lifetime: .days(1), subject: "ann")
            try await vault.upload(bytes, owner: secret(2), subject: "ann")
            let onBlob = StoreError.busy(limit: "leases on this blob", retryAfterSeconds: 3600)
            await #expect(throws: onBlob) { try await vault.upload(bytes, owner: secret(3), subject: "ben") }
            try await vault.upload(bytes, owner: secret(2), subject: "ann")
            try await vault.upload(content(12), owner: secret(3), subject: "ann")
            let ofSubject = StoreError.busy(limit: "leases of this subject", retryAfterSeconds: 3600)
            await #expect(throws: ofSubject) { try await vault.upload(content(13), owner: secret(4), subject: "ann") }
            try await vault.upload(content(13), owner: secret(4), subject: "ben")
            store.clock.pass(seconds: 86_400)
            _ = try await vault.collect()
            try await vault.upload(content(14), owner: secret(5), subject: "ann")
        }
    }

    @Test func `a tombstone tells what was there for as long as the setting says`() async throws {
        var store = try TestStore()
        store.settings.tombstoneLifetime = .days(3)
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, owner: secret(1), lifetime: .days(1))
            store.clock.pass(seconds: 86_400)
            _ = try await vault.collect()
            store.clock.pass(seconds: 3 * 86_400)
            _ = try await vault.collect()
            var found = try await vault.fetch(blob)
            #expect(found == .gone(.expired))
            store.clock.pass(seconds: 1)
            let report = try await vault.collect()
            #expect(report.tombstonesDropped == 2, "the blob's and the lease's")
            found = try await vault.fetch(blob)
            #expect(found == .unknown)
        }
    }

    @Test func `a clock set back brings nothing back to life that ended after a later commit`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, owner: secret(1), lifetime: .days(1))
            store.clock.pass(seconds: 86_400)
            try await vault.upload(content(12))
            store.clock.setWall(by: -7200)
            let found = try await vault.fetch(blob)
            #expect(found == .gone(.expired))
            #expect(vault.now() > store.clock.wall)
        }
    }
}
