import Blobs
import Store
import StoreRules
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
            // Announced ones are judged in the order of their commits.
            if announced { #expect(kept == room) }
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
            await #expect(throws: StoreError.noPlaceOfSubject) { _ = try await begin("ann", bytes: 1) }
            let third = try await begin("ben", bytes: 1)
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

    /// What ends is remembered, so that leases made and ended without end would fill the catalog.
    @Test(arguments: StoreKind.allCases)
    func `a subject makes no more leases in a day than it may, those that have ended included`(kind: StoreKind)
        async throws
    {
        var fixture = try fixture(kind, bytesPerSubject: nil)
        fixture.settings.leasesPerSubjectAndDay = 3
        let bytes = content(1)
        func full(_ seconds: Int64) -> StoreError {
            .busy(limit: "leases made by this subject in a day", retryAfterSeconds: seconds)
        }
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, owner: secret(100), subject: "ann")
            for owner in 1...3 {
                fixture.clock.pass(seconds: 1000)
                _ = try await store.addLease(on: address(of: bytes), terms: terms(owner: owner, subject: "eve"))
                _ = try await store.addLease(on: address(of: bytes), terms: terms(owner: owner, subject: "eve"))
                try await store.revoke(on: address(of: bytes), owner: secret(owner))
            }
            _ = try await store.collect()
            await #expect(throws: full(3600)) { try await store.upload(content(2), owner: secret(4), subject: "eve") }
            await #expect(throws: full(3600)) {
                _ = try await store.addLease(on: address(of: bytes), terms: terms(owner: 4, subject: "eve"))
            }
            try await store.upload(content(2), owner: secret(101), subject: "ann")
        }
        // The first of the three was made 2000 seconds ago.
        fixture.clock.pass(seconds: 86_400 - 2001)
        try await fixture.withStore { store async throws in
            _ = try await store.collect()
            let usage = try await store.quotaUsage(of: "eve")
            #expect(usage.leases == 0 && usage.leasesMade == 3 && usage.leasesMadeLimit == 3)
            await #expect(throws: full(60), "a restart and a sweep forget nothing") {
                try await store.upload(content(3), owner: secret(5), subject: "eve")
            }
            fixture.clock.pass(seconds: 1)
            try await store.upload(content(3), owner: secret(5), subject: "eve")
            let next = try await store.quotaUsage(of: "eve")
            #expect(next.leases == 1 && next.leasesMade == 1)
        }
        try fixture.expectExactCharges()
    }

    /// Their rows stay as long as those of uploads that made one.
    @Test(arguments: StoreKind.allCases)
    func `kept uploads that end without a new lease count as leases made, and cancelled ones do not`(kind: StoreKind)
        async throws
    {
        var fixture = try fixture(kind, bytesPerSubject: nil)
        fixture.settings.leasesPerSubjectAndDay = 3
        fixture.settings.acceptance = .sealedOnly
        let held = SealedShape.magic + content(1)
        try await fixture.withStore { store async throws in
            try await store.upload(held, owner: secret(1), subject: "eve")
            for _ in 0..<5 {
                try await store.cancel(try await store.create(held, owner: secret(1), subject: "eve").id)
            }
            let refused = try await store.create(content(2), subject: "eve").id
            await #expect(throws: StoreError.notSealed) { _ = try await store.bring(content(2), to: refused, at: 0) }
            let again = try await store.create(held, owner: secret(1), subject: "eve").id
            let session = try await store.session(again, at: 0)
            try await session.append(held)
            #expect(try await session.commit().isNew == false)
            let usage = try await store.quotaUsage(of: "eve")
            #expect(usage.leases == 1 && usage.leasesMade == 3 && usage.uploads == 0)
            // Others lose no place to one that is refused, and no more are begun than could be made.
            #expect(try await store.quotaUsage(of: "eve").uploads == 0)
            // For the lease that is there a plain upload can be repeated, since it leaves nothing.
            await #expect(
                throws: StoreError.busy(limit: "leases made by this subject in a day", retryAfterSeconds: 3600)
            ) {
                _ = try await store.create(held, owner: secret(1), subject: "eve")
            }
            try await store.upload(held, owner: secret(1), subject: "eve")
        }
        try fixture.expectExactCharges()
    }

    @Test(arguments: StoreKind.allCases)
    func `bytes that nobody announced are charged before they are written, however many requests bring them`(
        kind: StoreKind
    ) async throws {
        let limit: Int64 = 1 << 20
        let fixture = try fixture(kind, bytesPerSubject: limit)
        try await fixture.withStore { store async throws in
            var ids: [UploadID] = []
            for seed in 0..<20 { ids.append(try await store.create(content(seed), announcesLength: false).id) }
            let offsets = try await withThrowingTaskGroup(of: Int64.self) { group in
                for (seed, id) in ids.enumerated() {
                    group.addTask {
                        let bytes = content(seed, count: 1 << 16)
                        // One of them alone comes near the limit.
                        for _ in 0..<15 {
                            do {
                                let session = try await store.session(id, at: store.offset(of: id))
                                try await session.append(bytes)
                                _ = try await session.pause()
                            } catch {
                                let full = StoreError.busy(limit: "bytes of this subject", retryAfterSeconds: 60)
                                #expect(error as? StoreError == full)
                                break
                            }
                        }
                        return try await store.offset(of: id)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(offsets.reduce(0, +) <= limit && offsets.contains { $0 > 0 }, "\(offsets)")
            #expect(try await store.quotaUsage(of: "somebody").reservedBytes <= limit)
            await #expect(throws: StoreError.self, "what was brought counts") {
                try await store.upload(content(99, count: Int(limit)), owner: secret(99))
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what others have reserved is theirs: small uploads and forwards do without it`(kind: StoreKind) async throws {
        let fixture = try fixture(kind, bytesPerSubject: 600_000)
        let (large, held) = (content(1, count: 500_000), content(2, count: 100_001))
        let full = StoreError.busy(limit: "bytes of this subject", retryAfterSeconds: 60)
        try await fixture.withStore { store async throws in
            try await store.upload(held, owner: secret(2), subject: "else")
            let id = try await store.create(large, owner: secret(1)).id
            _ = try await store.bring(large[..<100_000], to: id, at: 0)
            await #expect(throws: full) { try await store.upload(held, owner: secret(3)) }
            await #expect(throws: full) {
                try await store.addLease(on: address(of: held), terms: terms(owner: 4))
            }
            try await store.upload(content(3, count: 100_000), owner: secret(5))
            let session = try await store.session(id, at: 100_000)
            try await session.append(Array(large[100_000...]))
            _ = try await session.commit()
            let usage = try await store.quotaUsage(of: "somebody")
            #expect(usage.bytes == 600_000 && usage.reservedBytes == 0)
        }
        try fixture.expectExactCharges()
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
