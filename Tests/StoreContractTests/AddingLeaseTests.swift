import Blobs
import Store
import StoreTestSupport
import Testing

/// Leases on bytes that are held already.
@Suite struct AddingLeaseTests {
    private let bytes = content(51)
    private var blob: BlobAddress { address(of: bytes) }

    @Test(arguments: StoreKind.allCases)
    func `a forward holds the blob on after the first lease has ended, and a retry makes no second one`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(1)))
            fixture.clock.pass(seconds: 3600)
            let forward = terms(owner: 2, lifetime: .days(9), recipients: 1, receipts: [secret(9)], subject: "ben")
            let first = try await store.addLease(on: blob, terms: forward)
            #expect(first.isNew && first.size == 1000 && first.uploaded == fixture.clock.wall)
            #expect(first.expires == fixture.clock.wall.advanced(by: .days(9)))
            fixture.clock.pass(seconds: 60)
            let again = try await store.addLease(on: blob, terms: forward)
            #expect(!again.isNew && again.uploaded == first.uploaded && again.expires == first.expires)
            try await store.revoke(on: blob, owner: secret(1))
            _ = try await store.collect()
            var found = try await store.fetch(blob)
            #expect(found == .held(bytes))
            try await store.confirmDelivery(of: blob, to: recipient(1), secret: secret(9))
            fixture.clock.pass(seconds: 600)
            found = try await store.fetch(blob)
            #expect(found == .gone(.delivered))
        }
    }

    @Test(arguments: StoreKind.allCases) func `nothing is held that is not there, and what ended stays ended`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            await #expect(throws: StoreError.notFound) { try await store.addLease(on: blob, terms: terms(owner: 1)) }
            try await store.upload(bytes, on: terms(owner: 1))
            _ = try await store.addLease(on: blob, terms: terms(owner: 2))
            try await store.revoke(on: blob, owner: secret(1))
            await #expect(throws: StoreError.leaseEnded(.revoked)) {
                _ = try await store.addLease(on: blob, terms: terms(owner: 1))
            }
            try await store.revoke(on: blob, owner: secret(2))
            for isSwept in [false, true] {
                if isSwept { _ = try await store.collect() }
                await #expect(throws: StoreError.gone(.revoked)) {
                    try await store.addLease(on: blob, terms: terms(owner: 3))
                }
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `bytes that are missing or cut short are not held on, though a lease lives`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1))
            try fixture.inflict(.gone, on: blob)
            if kind.hasOwnRoom {
                await #expect(throws: StoreError.damaged, "others have to be told by a check") {
                    try await store.addLease(on: blob, terms: terms(owner: 2))
                }
            }
            _ = try await store.check(CheckOptions(repair: true))
            await #expect(throws: StoreError.damaged) { try await store.addLease(on: blob, terms: terms(owner: 2)) }
            let damaged = try await store.renew(on: blob, owner: secret(1), lifetime: .days(1), subject: nil)
            #expect(damaged.state == .damaged, "a lease without its bytes can be renewed until they come")
            try await store.upload(bytes, on: terms(owner: 3))
            let held = try await store.addLease(on: blob, terms: terms(owner: 2))
            #expect(held.isNew)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a forward that races the last revocation and a sweep holds the bytes or is refused`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            for round in 0..<60 {
                let (first, second) = (2 * round, 2 * round + 1)
                try await store.upload(bytes, on: terms(owner: first))
                async let isHeld = holds(store, owner: second)
                try await store.revoke(on: blob, owner: secret(first))
                _ = try await store.collect(CollectOptions(searchesForOrphans: false))
                let found: Fetched = try await isHeld ? .held(bytes) : .gone(.revoked)
                let fetched = try await store.fetch(blob)
                #expect(fetched == found, "round \(round)")
                if fetched == .held(bytes) { try await store.revoke(on: blob, owner: secret(second)) }
            }
        }
    }

    /// Whether a forward came in time.
    private func holds(_ store: AnyStore, owner: Int) async throws -> Bool {
        do {
            return try await store.addLease(on: blob, terms: terms(owner: owner)).isNew
        } catch StoreError.gone(.revoked) {
            return false
        }
    }

    @Test(arguments: StoreKind.allCases) func `the limits of an upload are those of a forward`(kind: StoreKind)
        async throws
    {
        var fixture = try StoreFixture(kind)
        fixture.settings.leasesPerAddress = 2
        fixture.settings.leasesPerSubject = 2
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, subject: "ann"))
            await #expect(throws: StoreError.lifetimeTooLong(limit: .days(30))) {
                _ = try await store.addLease(on: blob, terms: terms(owner: 2, lifetime: .days(31), subject: "ann"))
            }
            _ = try await store.addLease(on: blob, terms: terms(owner: 2, subject: "ann"))
            await #expect(throws: StoreError.busy(limit: "leases on this blob", retryAfterSeconds: 3600)) {
                _ = try await store.addLease(on: blob, terms: terms(owner: 3, subject: "ben"))
            }
            try await store.upload(content(52), on: terms(owner: 4, subject: "ben"))
            await #expect(throws: StoreError.busy(limit: "leases of this subject", retryAfterSeconds: 3600)) {
                _ = try await store.addLease(on: address(of: content(52)), terms: terms(owner: 5, subject: "ann"))
            }
        }
    }
}
