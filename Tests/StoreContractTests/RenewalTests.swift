import Blobs
import Store
import StoreTestSupport
import Testing

@Suite struct RenewalTests {
    private let bytes = content(41)
    private var blob: BlobAddress { address(of: bytes) }

    @Test(arguments: StoreKind.allCases)
    func `an owner moves the end of a lease later or earlier, and the blob lives by it`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let made = try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(2)))
            fixture.clock.pass(seconds: 86_400)
            var lease = try await store.renew(on: blob, owner: secret(1), lifetime: .days(5), subject: nil)
            #expect(lease.expires == fixture.clock.wall.advanced(by: .days(5)) && lease.created == made.uploaded)
            guard case .held(let held) = try await store.find(blob) else {
                Issue.record("the blob is not held")
                return
            }
            #expect(held.sunset == lease.expires)
            lease = try await store.renew(on: blob, owner: secret(1), lifetime: seconds(60), subject: nil)
            #expect(lease.expires == fixture.clock.wall.advanced(by: seconds(60)) && lease.state == .held)
            fixture.clock.pass(seconds: 60)
            let found = try await store.fetch(blob)
            #expect(found == .gone(.expired))
        }
    }

    @Test(arguments: StoreKind.allCases) func `without a lifetime it is the default one, and never less than was left`(
        kind: StoreKind
    ) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.defaultLifetime = .days(3)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(1)))
            var lease = try await store.renew(on: blob, owner: secret(1), lifetime: nil, subject: nil)
            #expect(lease.expires == fixture.clock.wall.advanced(by: .days(3)))
            _ = try await store.renew(on: blob, owner: secret(1), lifetime: .days(9), subject: nil)
            lease = try await store.renew(on: blob, owner: secret(1), lifetime: nil, subject: nil)
            #expect(lease.expires == fixture.clock.wall.advanced(by: .days(9)))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a lease is never renewed past what its maker was entitled to, whatever is allowed now`(kind: StoreKind)
        async throws
    {
        var fixture = try StoreFixture(kind)
        try await fixture.withStore { try await $0.upload(bytes, on: terms(owner: 1, lifetime: .days(2))) }
        fixture.settings.maximumLifetime = .days(60)
        try await fixture.withStore { store async throws in
            await #expect(throws: StoreError.lifetimeTooLong(limit: .days(30))) {
                try await store.renew(on: blob, owner: secret(1), lifetime: .days(31), subject: nil)
            }
            let lease = try await store.renew(on: blob, owner: secret(1), lifetime: .days(30), subject: nil)
            #expect(lease.expires == fixture.clock.wall.advanced(by: .days(30)))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what ended stays ended, and only its owner and its subject renew a lease`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            func renew(_ owner: Int, subject: String? = nil) async throws {
                _ = try await store.renew(on: blob, owner: secret(owner), lifetime: .days(1), subject: subject)
            }
            await #expect(throws: StoreError.notFound) { try await renew(1) }
            try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(1), subject: "ann"))
            await #expect(throws: StoreError.wrongSecret) { try await renew(2) }
            await #expect(throws: StoreError.wrongSubject) { try await renew(1, subject: "ben") }
            try await renew(1, subject: "ann")
            fixture.clock.pass(seconds: 86_400)
            await #expect(throws: StoreError.leaseEnded(.expired)) { try await renew(1, subject: "ann") }
            _ = try await store.collect()
            await #expect(throws: StoreError.leaseEnded(.expired)) { try await renew(1, subject: "ann") }
            await #expect(throws: StoreError.gone(.expired)) { try await renew(2) }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `whoever renews asks for no more than they are entitled to now, whoever made the lease`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(
                bytes, on: terms(owner: 1, lifetime: .days(1), recipients: 3, receipts: [secret(9)]))
            try await store.upload(bytes, on: terms(owner: 2, lifetime: .days(1), receipts: [secret(10), secret(11)]))
            func renew(
                _ lifetime: Lifetime?, owner: Int = 1, bytes: Int64 = 1000, seconds: Lifetime = .days(4),
                recipients: Int = 3
            ) async throws -> Lease {
                try await store.renew(
                    on: blob, owner: secret(owner),
                    terms: RenewalTerms(
                        lifetime: lifetime, entitlement: Entitlement(largestBytes: bytes, longestLifetime: seconds),
                        mostRecipients: recipients))
            }
            await #expect(throws: StoreError.sizeNotEntitled(limitBytes: 999)) { try await renew(nil, bytes: 999) }
            await #expect(throws: StoreError.recipientsNotEntitled(limit: 2)) { try await renew(nil, recipients: 2) }
            await #expect(throws: StoreError.recipientsNotEntitled(limit: 1)) {
                try await renew(nil, owner: 2, recipients: 1)
            }
            await #expect(throws: StoreError.lifetimeNotEntitled(limit: .days(4))) { try await renew(.days(5)) }
            var lease = try await store.lease(on: blob, owner: secret(1))
            #expect(lease.expires == fixture.clock.wall.advanced(by: .days(1)), "nothing has changed")
            lease = try await renew(nil)
            #expect(lease.expires == fixture.clock.wall.advanced(by: .days(4)), "the default bows to the ticket")
            lease = try await renew(.days(2))
            #expect(lease.expires == fixture.clock.wall.advanced(by: .days(2)))
            lease = try await renew(nil, seconds: .days(1))
            #expect(lease.expires == fixture.clock.wall.advanced(by: .days(2)), "and never shortens")
        }
    }

    @Test(arguments: StoreKind.allCases) func `before the grace is over an owner may still keep what all have received`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, recipients: 1, receipts: [secret(9)]))
            try await store.confirmDelivery(of: blob, to: recipient(1), secret: secret(9))
            let lease = try await store.renew(on: blob, owner: secret(1), lifetime: .days(2), subject: nil)
            #expect(lease.state == .held && lease.expires == fixture.clock.wall.advanced(by: .days(2)))
            fixture.clock.pass(seconds: 2 * 86_400)
            let found = try await store.fetch(blob)
            #expect(found == .gone(.delivered))
        }
    }
}
