import Blobs
import MemoryStore
import Store
import StoreRules
import Testing

/// What can happen to leases, without a database.
@Suite struct LeaseChangeTests {
    private static let day: Int64 = 86_400

    @Test func `an upload makes a blob, a lease and a charge, and the same bytes again a second lease`() throws {
        var catalog = MemoryCatalog()
        let first = try catalog.made(Sample.upload(1, Sample.terms(owner: 1, subject: "anna")), at: 100)
        #expect(first.isNew && first.uploaded.seconds == 100 && first.expires.seconds == 100 + 2 * Self.day)
        let second = try catalog.made(
            Sample.upload(1, Sample.terms(owner: 2, subject: "bert", lifetime: .days(1)), fileSize: 5000), at: 200)
        #expect(!second.isNew)
        let blob = try #require(catalog.blob(1))
        #expect(blob.leases == 2 && blob.sunset == first.expires && blob.uploaded.seconds == 100)
        #expect(catalog.usages == ["anna": Usage(leases: 1, bytes: 5000), "bert": Usage(leases: 1, bytes: 5000)])
        #expect(catalog.sums.held == .init(count: 1, bytes: 5000) && catalog.sums.leases == 2 && catalog.isConsistent)
    }

    /// Whether the bytes were here already is said by row and file together.
    @Test(arguments: [(5000, false), (nil, true), (4999, true)])
    func `bytes count as held only while their file is whole`(fileSize: Int64?, isNew: Bool) throws {
        var catalog = MemoryCatalog()
        try catalog.made(Sample.upload(1, Sample.terms(owner: 1)), at: 100)
        let again = try catalog.made(Sample.upload(1, Sample.terms(owner: 2), fileSize: fileSize), at: 100)
        #expect(again.isNew == isNew)
        let over = Timestamp(seconds: 100 + 2 * Self.day)
        let late = Sample.upload(1, Sample.terms(owner: 3), fileSize: 5000)
        #expect(try catalog.make(late, at: over).get().isNews, "a file that nobody was shown any more is news")
        let unknown = try catalog.made(Sample.upload(2, Sample.terms(owner: 2), fileSize: 5000), at: 100)
        #expect(unknown.isNew, "a file without a row is not held")
    }

    @Test func `the same owner keeps its lease while it lives, and what ended stays ended`() throws {
        var catalog = MemoryCatalog()
        let upload = Sample.upload(1, Sample.terms(owner: 1), fileSize: 5000)
        let first = try catalog.made(upload, at: 100)
        let again = try catalog.made(upload, at: 500)
        #expect(again.expires == first.expires && catalog.blob(1)?.leases == 1)
        try catalog.made(RevokeLease(on: Sample.address(1), owner: Sample.secret(1)), at: 600)
        #expect(throws: StoreError.leaseEnded(.revoked)) { try catalog.made(upload, at: 700) }
        #expect(catalog.blob(1)?.leases == 0 && catalog.usages.isEmpty && catalog.isConsistent)
    }

    @Test func `without an owner a subject has one lease, and after its end another`() throws {
        var catalog = MemoryCatalog()
        let upload = Sample.upload(1, Sample.terms(lifetime: .days(1)), fileSize: 5000)
        try catalog.made(upload, at: 0)
        try catalog.made(upload, at: Self.day - 1)
        #expect(catalog.leases.count == 1)
        try catalog.made(upload, at: Self.day)
        let rows = catalog.leases.values.map(\.row)
        #expect(rows.count == 2 && rows.contains { $0.reason == .expired && $0.subject == nil })
        #expect(catalog.blob(1)?.leases == 1 && catalog.blob(1)?.sunset?.seconds == 2 * Self.day)
        #expect(catalog.isConsistent)
    }

    @Test func `a revoked lease leaves its blob the latest end and the reason of those that stay`() throws {
        var catalog = MemoryCatalog()
        for owner in 1...3 {
            let terms = Sample.terms(owner: owner, lifetime: .days(Int32(owner)), recipients: 1, receipts: [owner])
            try catalog.made(Sample.upload(1, terms, fileSize: 5000), at: 0)
        }
        try catalog.made(
            ConfirmDelivery(
                DeliveryKey(address: Sample.address(1), hash: Sample.secret(2), recipient: Sample.recipient(2)),
                sharedGrace: .days(1)), at: 1000)
        #expect(catalog.blob(1)?.sunset?.seconds == 3 * Self.day && catalog.blob(1)?.reason == nil)
        try catalog.made(RevokeLease(on: Sample.address(1), owner: Sample.secret(3)), at: 1000)
        #expect(catalog.blob(1)?.sunset?.seconds == Self.day && catalog.blob(1)?.reason == nil)
        try catalog.made(RevokeLease(on: Sample.address(1), owner: Sample.secret(1)), at: 1000)
        #expect(catalog.blob(1)?.sunset?.seconds == 1600 && catalog.blob(1)?.reason == .delivered)
        try catalog.made(RevokeLease(on: Sample.address(1), owner: Sample.secret(2)), at: 2000)
        #expect(catalog.blob(1)?.end(at: Timestamp(seconds: 2000)) == .delivered, "its time was up before the word")
        #expect(catalog.lease(1, owner: 2)?.reason == .delivered && catalog.isConsistent)
    }

    @Test func `a renewal moves the end of the blob both ways`() throws {
        var catalog = MemoryCatalog()
        try catalog.made(Sample.upload(1, Sample.terms(owner: 1, lifetime: .days(1))), at: 0)
        try catalog.made(Sample.upload(1, Sample.terms(owner: 2, lifetime: .days(2)), fileSize: 5000), at: 0)
        func renewal(_ owner: Int, _ lifetime: Lifetime?) -> RenewLease {
            RenewLease(
                on: Sample.address(1), owner: Sample.secret(owner), terms: RenewalTerms(lifetime: lifetime),
                standard: .days(2))
        }
        try catalog.made(renewal(1, .days(5)), at: 0)
        #expect(catalog.blob(1)?.sunset?.seconds == 5 * Self.day)
        try catalog.made(renewal(1, Lifetime(seconds: 60)), at: 0)
        #expect(catalog.blob(1)?.sunset?.seconds == 2 * Self.day)
        #expect(throws: StoreError.leaseEnded(.expired)) { try catalog.made(renewal(1, nil), at: 60) }
        #expect(throws: StoreError.wrongSecret) { try catalog.made(renewal(7, nil), at: 60) }
        #expect(catalog.isConsistent)
    }

    @Test func `a blob that is taken down says so, but for what was over by time`() throws {
        var catalog = MemoryCatalog()
        for (owner, days) in [(1, 1), (2, 3), (3, 4)] as [(Int, Int32)] {
            try catalog.made(
                Sample.upload(1, Sample.terms(owner: owner, lifetime: .days(days)), fileSize: 5000), at: 0)
        }
        let ended = try catalog.made(TakeDownBlob(Sample.address(1), banning: true), at: Self.day)
        #expect(ended == 2 && catalog.lease(1, owner: 1)?.reason == .expired)
        #expect(catalog.blob(1)?.reason == .removed && catalog.blob(1)?.sunset == nil)
        #expect(throws: StoreError.banned) {
            try catalog.made(Sample.upload(1, Sample.terms(owner: 9)), at: Self.day)
        }
        #expect(try catalog.made(LiftBan(Sample.address(1)), at: Self.day))
        #expect(try !catalog.made(LiftBan(Sample.address(1)), at: Self.day))
        try catalog.made(Sample.upload(1, Sample.terms(owner: 9)), at: Self.day)
        #expect(try catalog.made(TakeDownBlob(Sample.address(5), banning: false), at: Self.day) == nil)
        #expect(catalog.isConsistent)
    }

    @Test func `a lease on what is held needs its whole file, and hears what find would say`() throws {
        var catalog = MemoryCatalog()
        func adding(_ number: Int, fileSize: Int64?) -> AddLease {
            AddLease(
                address: Sample.address(number), terms: Sample.terms(owner: 2), limits: Sample.limits,
                bytes: .file(fileSize))
        }
        #expect(throws: StoreError.notFound) { try catalog.made(adding(1, fileSize: 5000), at: 0) }
        try catalog.made(Sample.upload(1, Sample.terms(owner: 1, lifetime: .days(1))), at: 0)
        #expect(throws: StoreError.damaged) { try catalog.made(adding(1, fileSize: 4000), at: 0) }
        #expect(throws: StoreError.damaged) { try catalog.made(adding(1, fileSize: nil), at: 0) }
        #expect(try catalog.made(adding(1, fileSize: 5000), at: 0).isNew)
        #expect(try !catalog.made(adding(1, fileSize: 5000), at: 0).isNew)
        #expect(throws: StoreError.gone(.expired)) { try catalog.made(adding(1, fileSize: 5000), at: 2 * Self.day) }
    }

    /// Limits are exact, and the wait is that until the next lease is over.
    @Test func `what is refused says for how long`() throws {
        var limits = Sample.limits
        limits.leasesPerSubject = 2
        limits.leasesPerAddress = 2
        var catalog = MemoryCatalog()
        func upload(_ number: Int, owner: Int, subject: String) -> CommitUpload {
            Sample.upload(
                number, Sample.terms(owner: owner, subject: subject, lifetime: Lifetime(seconds: 1000)), limits: limits,
                fileSize: 5000)
        }
        try catalog.made(upload(1, owner: 1, subject: "anna"), at: 0)
        try catalog.made(upload(2, owner: 2, subject: "anna"), at: 100)
        #expect(throws: StoreError.busy(limit: "leases of this subject", retryAfterSeconds: 800)) {
            try catalog.made(upload(3, owner: 3, subject: "anna"), at: 200)
        }
        try catalog.made(upload(1, owner: 4, subject: "bert"), at: 200)
        #expect(throws: StoreError.busy(limit: "leases on this blob", retryAfterSeconds: 800)) {
            try catalog.made(upload(1, owner: 5, subject: "carl"), at: 200)
        }
        #expect(catalog.blobs.count == 2 && catalog.isConsistent)
    }
}
