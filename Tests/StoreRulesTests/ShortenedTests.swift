import Blobs
import MemoryStore
import Store
import StoreRules
import Testing

/// Of which blobs an answer given before may be wrong before its Sunset.
@Suite struct ShortenedTests {
    /// A row at second 100: `held 200` is held until second 200, `held` by nobody.
    private static func row(_ text: String) throws -> BlobRow? {
        if text == "none" { return nil }
        let words = text.split(separator: " ")
        let states: [Substring: BlobState] = [
            "held": .held, "removing": .removing, "damaged": .damaged, "gone": .gone,
        ]
        let state = try #require(states[words[0]])
        let sunset = words.count > 1 ? Int64(words[1]).map { Timestamp(seconds: $0) } : nil
        return BlobRow(
            address: Sample.address(1), size: 5000, state: state, uploaded: Timestamp(seconds: 0),
            leases: sunset == nil ? 0 : 1, sunset: sunset)
    }

    @Test(arguments: [
        // It ended, was shortened, or is not what was served.
        ("held 200", "held", true), ("held 200", "held 199", true), ("held 200", "held 100", true),
        ("held 200", "held 50", true), ("held 200", "damaged 200", true), ("held 200", "damaged 300", true),
        ("held 200", "removing", true), ("held 200", "gone", true), ("held 200", "none", true),
        ("held 101", "held", true),
        // It lasts as long or longer.
        ("held 200", "held 200", false), ("held 200", "held 300", false),
        // Its time was up anyway.
        ("held 100", "held", false), ("held 99", "held", false), ("held 99", "removing", false),
        ("held 100", "held 50", false),
        // Nobody was told that it is held.
        ("none", "held 200", false), ("none", "none", false), ("held", "held 200", false), ("held", "removing", false),
        ("removing", "gone", false), ("removing", "held 200", false), ("gone", "none", false),
        ("gone", "held 200", false), ("damaged 200", "damaged 150", false), ("damaged 200", "held 150", false),
        ("damaged 200", "removing", false),
    ])
    func `what was told of a held blob is wrong where it ends earlier`(before: String, after: String, isShortened: Bool)
        throws
    {
        let stored = try Self.row(before)
        let current = try Self.row(after)
        #expect((stored?.isShortened(to: current, at: Timestamp(seconds: 100)) ?? false) == isShortened)
    }

    /// What one batch of changes at second 100 shortens, by the numbers of the blobs. Blob 1 has two leases, of owner 1
    /// for a day and of owner 2 for two; blob 2 has one of owner 1, for a day, that one receipt ends.
    private func shortened(_ body: (inout CatalogPage, MemoryTransaction) -> Void) throws -> Set<BlobAddress> {
        var catalog = MemoryCatalog()
        try catalog.made(Sample.upload(1, Sample.terms(owner: 1, lifetime: .days(1))), at: 0)
        try catalog.made(Sample.upload(1, Sample.terms(owner: 2, lifetime: .days(2)), fileSize: 5000), at: 0)
        try catalog.made(
            Sample.upload(2, Sample.terms(owner: 1, lifetime: .days(1), recipients: 1, receipts: [7])), at: 0)
        return catalog.commit(at: Timestamp(seconds: 100)) { page, transaction in
            body(&page, transaction)
            return Set(page.shortened)
        }
    }

    private func revoke(_ blob: Int, _ owner: Int) -> RevokeLease {
        RevokeLease(on: Sample.address(blob), owner: Sample.secret(owner))
    }

    @Test func `of several leases only the last one's end counts`() throws {
        #expect(try shortened { page, transaction in _ = transaction.apply(revoke(1, 1), to: &page) } == [])
        #expect(
            try shortened { page, transaction in _ = transaction.apply(revoke(1, 2), to: &page) } == [Sample.address(1)]
        )
        #expect(
            try shortened { page, transaction in
                for owner in [1, 2] { _ = transaction.apply(revoke(1, owner), to: &page) }
            } == [Sample.address(1)])
    }

    @Test func `what is made good within the batch was never wrong`() throws {
        let found = try shortened { page, transaction in
            _ = transaction.apply(revoke(2, 1), to: &page)
            let again = Sample.upload(2, Sample.terms(owner: 3, lifetime: .days(1)), fileSize: 5000)
            _ = transaction.apply(again, to: &page)
        }
        #expect(found == [])
    }

    @Test func `a receipt that completes shortens, and a change that is undone does not`() throws {
        let delivery = ConfirmDelivery(
            DeliveryKey(address: Sample.address(2), hash: Sample.secret(7), recipient: Sample.recipient(1)),
            sharedGrace: seconds(60))
        #expect(
            try shortened { page, transaction in _ = transaction.apply(delivery, to: &page) } == [Sample.address(2)])
        #expect(
            try shortened { page, transaction in
                _ = transaction.apply(delivery, to: &page)
                page.undo()
            } == [])
    }

    @Test func `a sweep of leases whose time is up shortens nothing`() throws {
        var catalog = MemoryCatalog()
        for blob in 1...3 { try catalog.made(Sample.upload(blob, Sample.terms(owner: 1, lifetime: .days(1))), at: 0) }
        let found = catalog.commit(at: Timestamp(seconds: 86_400)) { page, transaction in
            let ended = transaction.apply(EndDueLeases(limit: 10), to: &page)
            #expect((try? ended.get()) == 3)
            let marked = transaction.apply(MarkForRemoval((1...3).map { Sample.address($0) }), to: &page)
            #expect((try? marked.get().count) == 3)
            return page.shortened
        }
        #expect(found == [])
    }

    private func seconds(_ count: Int64) -> Lifetime { Lifetime(seconds: count) ?? .days(1) }
}
