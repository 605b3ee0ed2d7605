import Blobs
import Store
import StoreTestSupport
import Testing

@Suite struct QuotaTests {
    /// A blob is charged at least 4 KiB.
    private static let charge: Int64 = 4096

    private func fixture(_ kind: StoreKind, bytesPerSubject: Int64?) throws -> StoreFixture {
        var fixture = try StoreFixture(kind)
        fixture.settings.bytesPerSubject = bytesPerSubject
        return fixture
    }

    @Test(arguments: StoreKind.allCases)
    func `what can never fit is too large, what does not fit now is refused until a lease ends`(kind: StoreKind)
        async throws
    {
        let fixture = try fixture(kind, bytesPerSubject: 10_000)
        try await fixture.withStore { store async throws in
            await #expect(throws: StoreError.tooLarge(limitBytes: 10_000)) {
                try await store.upload(content(1, count: 10_001), owner: secret(1))
            }
            try await store.upload(content(2, count: 5905), owner: secret(2), lifetime: .days(1))
            let full = StoreError.busy(limit: "bytes of this subject", retryAfterSeconds: 3600)
            for announced in [true, false] {
                await #expect(throws: full, "a small blob is charged 4096 bytes") {
                    try await store.upload(content(3, count: 1), owner: secret(3), announced: announced)
                }
            }
            try await store.upload(content(3, count: 1), owner: secret(3), subject: "ben")
            try await store.upload(content(2, count: 5905), owner: secret(2), lifetime: .days(1))
            fixture.clock.pass(seconds: 86_400)
            _ = try await store.collect()
            try await store.upload(content(4, count: 10_000), owner: secret(4))
        }
        try fixture.expectExactCharges()
    }

    @Test(arguments: StoreKind.allCases) func `equal bytes are charged to everybody who holds them, and forwarding too`(
        kind: StoreKind
    ) async throws {
        let fixture = try fixture(kind, bytesPerSubject: 9000)
        let bytes = content(1, count: 8000)
        try await fixture.withStore { store async throws in
            for (subject, seed) in [("ann", 1), ("ben", 2)] {
                try await store.upload(bytes, owner: secret(seed), subject: subject)
                let holdings = try await store.quotaUsage(of: subject)
                #expect(holdings.bytes == 8000 && holdings.leases == 1 && holdings.limitBytes == 9000)
                let terms = LeaseTerms(owner: secret(seed + 10).hash, subject: subject)
                await #expect(throws: StoreError.busy(limit: "bytes of this subject", retryAfterSeconds: 3600)) {
                    try await store.addLease(on: address(of: bytes), terms: terms)
                }
            }
            let none = try await store.quotaUsage(of: "nobody")
            #expect(none.bytes == 0 && none.leases == 0 && none.nextEnd == nil)
        }
        try fixture.expectExactCharges()
    }

    @Test(arguments: StoreKind.allCases, [true, false])
    func `of many uploads at once never more are kept than fit`(kind: StoreKind, announced: Bool) async throws {
        let room = 10
        let fixture = try fixture(kind, bytesPerSubject: Int64(room) * Self.charge)
        try await fixture.withStore { store async throws in
            var kept = await withTaskGroup(of: Bool.self) { group in
                for seed in 0..<100 {
                    group.addTask {
                        do throws(StoreError) {
                            try await store.upload(content(seed), owner: secret(seed), announced: announced)
                            return true
                        } catch {
                            if case .busy = error { return false }
                            Issue.record("\(error)")
                            return false
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            // An upload that ends while another asks is counted twice for a moment, so that one may be refused that
            // would have fitted; never the other way round.
            while kept < room {
                try await store.upload(content(100 + kept), owner: secret(100 + kept), announced: announced)
                kept += 1
            }
            await #expect(throws: StoreError.self) { try await store.upload(content(999), owner: secret(999)) }
            let holdings = try await store.quotaUsage(of: "somebody")
            #expect(holdings.bytes == Int64(room) * Self.charge && holdings.leases == room)
            #expect(kept == room)
            #expect(holdings.reservedBytes == 0 && holdings.uploads == 0)
        }
        try fixture.expectExactCharges()
    }

    @Test(arguments: StoreKind.allCases)
    func `uploads under way count against their subject, and are given back however they end`(kind: StoreKind)
        async throws
    {
        // Small uploads are judged when they end; these are not small.
        let size: Int64 = 200_000
        var fixture = try fixture(kind, bytesPerSubject: 3 * size)
        fixture.settings.openUploads = 3
        fixture.settings.openUploadsPerSubject = 2
        try await fixture.withStore { store async throws in
            func begin(_ subject: String, bytes: Int64) async throws -> any UploadSession {
                let terms = LeaseTerms(owner: Secret.random().hash, subject: subject)
                return try await store.begin(UploadAnnouncement(size: bytes, address: nil, terms: terms))
            }
            let first = try await begin("ann", bytes: 2 * size)
            await #expect(throws: StoreError.busy(limit: "bytes of this subject", retryAfterSeconds: 60)) {
                _ = try await begin("ann", bytes: size + 1)
            }
            let second = try await begin("ann", bytes: size)
            var holdings = try await store.quotaUsage(of: "ann")
            #expect(holdings.reservedBytes == 3 * size && holdings.uploads == 2 && holdings.bytes == 0)
            await #expect(throws: StoreError.busy(limit: "uploads open of this subject", retryAfterSeconds: 5)) {
                _ = try await begin("ann", bytes: 1)
            }
            let third = try await begin("ben", bytes: 1)
            await #expect(throws: StoreError.busy(limit: "uploads open", retryAfterSeconds: 5)) {
                _ = try await begin("eve", bytes: 1)
            }
            await first.abandon()
            await first.abandon()
            try await second.append([1, 2, 3])
            await #expect(throws: StoreError.self, "too few bytes") { _ = try await second.commit() }
            try await third.append([1])
            _ = try await third.commit()
            for subject in ["ann", "ben", "eve"] {
                holdings = try await store.quotaUsage(of: subject)
                #expect(holdings.reservedBytes == 0 && holdings.uploads == 0, "\(subject)")
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a limit can be left off, and the lifetime a subject is entitled to is kept for renewals`(kind: StoreKind)
        async throws
    {
        let fixture = try fixture(kind, bytesPerSubject: nil)
        try await fixture.withStore { store async throws in
            var terms = LeaseTerms(owner: secret(1).hash, subject: "ann")
            terms.entitlement = Entitlement(largestBytes: 5000, longestLifetime: .days(2))
            func upload(_ bytes: [UInt8], lifetime: Lifetime?) async throws(StoreError) -> StoredBlob {
                terms.lifetime = lifetime
                let session = try await store.begin(UploadAnnouncement(size: nil, address: nil, terms: terms))
                try await session.append(bytes)
                return try await session.commit()
            }
            await #expect(throws: StoreError.lifetimeNotEntitled(limit: .days(2))) {
                try await upload(content(1), lifetime: .days(3))
            }
            await #expect(throws: StoreError.sizeNotEntitled(limitBytes: 5000), "though it was not announced") {
                try await upload(content(2, count: 5001), lifetime: nil)
            }
            let stored = try await upload(content(3, count: 5000), lifetime: nil)
            #expect(stored.expires == stored.uploaded.advanced(by: .days(2)))
            await #expect(throws: StoreError.lifetimeTooLong(limit: .days(2))) {
                try await store.renew(on: stored.address, owner: secret(1), lifetime: .days(3), subject: "ann")
            }
        }
    }
}
