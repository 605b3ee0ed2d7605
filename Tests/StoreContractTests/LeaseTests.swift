import Blobs
import Store
import StoreTestSupport
import Testing

@Suite struct LeaseTests {
    private let bytes = content(11)
    private var blob: BlobAddress { address(of: bytes) }

    @Test(arguments: StoreKind.allCases) func `the same owner again on a live lease gets that lease, unchanged`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let first = try await store.upload(bytes, owner: secret(1), lifetime: .days(2))
            fixture.clock.pass(seconds: 3600)
            let second = try await store.upload(bytes, owner: secret(1), lifetime: .days(9))
            #expect(second.uploaded == first.uploaded && second.expires == first.expires)
        }
    }

    @Test(arguments: StoreKind.allCases) func `what ended stays ended, and a fresh secret holds the bytes again`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, owner: secret(1))
            try await store.revoke(on: blob, owner: secret(1))
            await #expect(throws: StoreError.leaseEnded(.revoked)) { try await store.upload(bytes, owner: secret(1)) }
            try await store.upload(bytes, owner: secret(2))
            let found = try await store.fetch(blob)
            #expect(found == .held(bytes))
        }
    }

    @Test(arguments: StoreKind.allCases) func `without an owner there is one lease for a subject, which only time ends`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let first = try await store.upload(bytes, lifetime: .days(1), subject: "ann")
            fixture.clock.pass(seconds: 60)
            let again = try await store.upload(bytes, lifetime: .days(5), subject: "ann")
            let other = try await store.upload(bytes, lifetime: .days(1), subject: "ben")
            #expect(again.expires == first.expires)
            #expect(other.expires > first.expires)
            fixture.clock.pass(seconds: 2 * 86_400)
            let renewed = try await store.upload(bytes, lifetime: .days(1), subject: "ann")
            #expect(renewed.uploaded == fixture.clock.wall)
        }
    }

    @Test(arguments: StoreKind.allCases) func `a blob is served until its last lease ends and not a second longer`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, owner: secret(1), lifetime: .days(1))
            try await store.upload(bytes, owner: secret(2), lifetime: .days(2))
            fixture.clock.pass(seconds: 2 * 86_400 - 1)
            guard case .held(let held) = try await store.find(blob) else {
                Issue.record("the blob is not held")
                return
            }
            #expect(held.sunset == fixture.clock.wall.advanced(by: try #require(Lifetime(seconds: 1))))
            fixture.clock.pass(seconds: 1)
            let found = try await store.fetch(blob)
            #expect(found == .gone(.expired), "though no sweep has come by")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an owner sees the lease, held, ended and swept; a stranger learns what GET would tell`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            await #expect(throws: StoreError.notFound) { try await store.lease(on: blob, owner: secret(1)) }
            try await store.upload(bytes, owner: secret(1))
            var lease = try await store.lease(on: blob, owner: secret(1))
            #expect(lease.state == .held && lease.size == 1000 && lease.created == fixture.clock.wall)
            await #expect(throws: StoreError.wrongSecret) { try await store.lease(on: blob, owner: secret(2)) }
            await #expect(throws: StoreError.wrongSecret) { try await store.revoke(on: blob, owner: secret(2)) }
            try await store.revoke(on: blob, owner: secret(1))
            try await store.revoke(on: blob, owner: secret(1))
            _ = try await store.collect()
            lease = try await store.lease(on: blob, owner: secret(1))
            #expect(lease.state == .ended(.revoked))
            await #expect(throws: StoreError.gone(.revoked)) { try await store.lease(on: blob, owner: secret(2)) }
            await #expect(throws: StoreError.gone(.revoked)) { try await store.revoke(on: blob, owner: secret(2)) }
        }
    }

    @Test(arguments: StoreKind.allCases) func `the reason a blob is gone is that of the lease that ended last`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, owner: secret(1), lifetime: .days(1))
            try await store.upload(bytes, owner: secret(2), lifetime: .days(9))
            fixture.clock.pass(seconds: 86_400)
            _ = try await store.collect()
            try await store.revoke(on: blob, owner: secret(2))
            let found = try await store.fetch(blob)
            #expect(found == .gone(.revoked))
        }
    }

    @Test(arguments: StoreKind.allCases) func `a lifetime beyond the longest is refused, the longest is not`(
        kind: StoreKind
    ) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.maximumLifetime = .days(7)
        try await fixture.withStore { store async throws in
            let stored = try await store.upload(bytes, owner: secret(1))
            #expect(stored.expires == fixture.clock.wall.advanced(by: .days(7)), "the default bows to the longest")
            try await store.upload(bytes, owner: secret(2), lifetime: .days(7))
            await #expect(throws: StoreError.lifetimeTooLong(limit: .days(7))) {
                try await store.upload(bytes, owner: secret(3), lifetime: .days(8))
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `leases on one blob and of one subject are limited, and a retry is not a new one`(kind: StoreKind) async throws
    {
        var fixture = try StoreFixture(kind)
        fixture.settings.leasesPerAddress = 2
        fixture.settings.leasesPerSubject = 3
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, owner: secret(1), lifetime: .days(1), subject: "ann")
            try await store.upload(bytes, owner: secret(2), subject: "ann")
            let onBlob = StoreError.busy(limit: "leases on this blob", retryAfterSeconds: 3600)
            await #expect(throws: onBlob) { try await store.upload(bytes, owner: secret(3), subject: "ben") }
            try await store.upload(bytes, owner: secret(2), subject: "ann")
            try await store.upload(content(12), owner: secret(3), subject: "ann")
            let ofSubject = StoreError.busy(limit: "leases of this subject", retryAfterSeconds: 3600)
            await #expect(throws: ofSubject) { try await store.upload(content(13), owner: secret(4), subject: "ann") }
            try await store.upload(content(13), owner: secret(4), subject: "ben")
            fixture.clock.pass(seconds: 86_400)
            _ = try await store.collect()
            try await store.upload(content(14), owner: secret(5), subject: "ann")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a subject has no more than its share of the leases on a blob, so that others can forward and heal it`(
        kind: StoreKind
    ) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.leasesPerAddress = 10
        fixture.settings.leasesPerSubjectAndAddress = 3
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(20), subject: "ann"))
            let kept = await withTaskGroup(of: Bool.self) { group in
                for owner in 10..<30 {
                    group.addTask {
                        let lease = terms(owner: owner, lifetime: seconds(1000), subject: "eve")
                        do throws(StoreError) {
                            _ = try await store.addLease(on: blob, terms: lease)
                            return true
                        } catch {
                            #expect(
                                error == .busy(limit: "leases of this subject on this blob", retryAfterSeconds: 1000))
                            return false
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(kept == 3)
            let full = StoreError.busy(limit: "leases of this subject on this blob", retryAfterSeconds: 1000)
            await #expect(throws: full) {
                try await store.upload(bytes, on: terms(owner: 40, subject: "eve"))
            }
            try await store.upload(content(12), on: terms(owner: 40, subject: "eve"))
            _ = try await store.addLease(on: blob, terms: terms(owner: 41, subject: "ben"))
            fixture.clock.pass(seconds: 1000)
            _ = try await store.collect()
            _ = try await store.addLease(on: blob, terms: terms(owner: 42, subject: "eve"))
        }
    }

    @Test(arguments: StoreKind.allCases) func `a tombstone tells what was there for as long as the setting says`(
        kind: StoreKind
    ) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.tombstoneLifetime = .days(3)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, owner: secret(1), lifetime: .days(1))
            fixture.clock.pass(seconds: 86_400)
            _ = try await store.collect()
            fixture.clock.pass(seconds: 3 * 86_400)
            _ = try await store.collect()
            var found = try await store.fetch(blob)
            #expect(found == .gone(.expired))
            fixture.clock.pass(seconds: 1)
            let report = try await store.collect()
            #expect(report.tombstonesDropped == 2, "the blob's and the lease's")
            found = try await store.fetch(blob)
            #expect(found == .unknown)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a clock set back brings nothing back to life that ended after a later commit`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, owner: secret(1), lifetime: .days(1))
            fixture.clock.pass(seconds: 86_400)
            try await store.upload(content(12))
            fixture.clock.setWall(by: -7200)
            let found = try await store.fetch(blob)
            #expect(found == .gone(.expired))
            #expect(store.now() > fixture.clock.wall)
        }
    }
}
