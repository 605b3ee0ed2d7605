import Blobs
import MemoryStore
import Store
import StoreRules
import Testing

/// Many changes on one page.
@Suite struct BatchPageTests {
    @Test func `each change sees those before it, and one that is refused leaves nothing`() throws {
        var limits = Sample.limits
        limits.bytesPerSubject = 12_000
        var catalog = MemoryCatalog()
        let uploads = (1...4).map { Sample.upload($0, Sample.terms(owner: $0, subject: "anna"), limits: limits) }
        let results = catalog.commit(at: Timestamp(seconds: 0)) { page, transaction in
            for upload in uploads { upload.request(on: &page) }
            transaction.load(&page)
            let results = uploads.map { transaction.apply($0, to: &page) }
            #expect(page.touched.count == 2 && page.sums.leases == 2)
            return results
        }
        #expect(results.map { (try? $0.get()) != nil } == [true, true, false, false])
        #expect(catalog.blobs.count == 2 && catalog.usages["anna"] == Usage(leases: 2, bytes: 10_000))
        #expect(catalog.isConsistent)
    }

    @Test func `a change that the disk refused behind it is undone alone`() throws {
        var catalog = MemoryCatalog()
        catalog.commit(at: Timestamp(seconds: 0)) { page, transaction in
            for number in 1...3 {
                let upload = Sample.upload(number, Sample.terms(subject: "anna", receipts: [number]))
                upload.request(on: &page)
                transaction.load(&page)
                _ = transaction.apply(upload, to: &page)
                if number == 2 { page.undo() }
            }
        }
        #expect(Set(catalog.blobs.keys) == [Sample.address(1), Sample.address(3)])
        #expect(catalog.leases.count == 2 && catalog.isConsistent)
    }

    @Test func `a change gets rows that it did not ask for before, and those of others are not forgotten`() throws {
        var catalog = MemoryCatalog()
        try catalog.made(Sample.upload(1, Sample.terms(owner: 1)), at: 0)
        catalog.commit(at: Timestamp(seconds: 10)) { page, transaction in
            // Nobody asks for anything before.
            let upload = transaction.apply(Sample.upload(1, Sample.terms(owner: 2), fileSize: 5000), to: &page)
            #expect((try? upload.get())?.isNew == false)
            let revoke = RevokeLease(on: Sample.address(1), owner: Sample.secret(1))
            _ = transaction.apply(revoke, to: &page)
            #expect(page.blobs.peek(Sample.address(1))?.leases == 1)
        }
        #expect(catalog.blob(1)?.leases == 1 && catalog.lease(1, owner: 1)?.reason == .revoked)
        #expect(catalog.lease(1, owner: 2)?.reason == nil && catalog.isConsistent)
    }

    @Test func `a lease can come, end and come again within one batch`() throws {
        var catalog = MemoryCatalog()
        let upload = Sample.upload(1, Sample.terms(subject: "anna"), fileSize: 5000)
        try catalog.made(upload, at: 0)
        catalog.commit(at: Timestamp(seconds: 5)) { page, transaction in
            let takeDown = TakeDownBlob(Sample.address(1), banning: false)
            for _ in 0..<2 {
                _ = transaction.apply(takeDown, to: &page)
                _ = transaction.apply(upload, to: &page)
            }
        }
        #expect(catalog.blob(1)?.leases == 1 && catalog.sums.endedLeases == 2 && catalog.isConsistent)
    }

    @Test func `secrets that say the same within one batch count once, and room for more is not exceeded`() throws {
        var catalog = MemoryCatalog()
        try catalog.made(Sample.upload(1, Sample.terms(owner: 1, recipients: 3, receipts: [7])), at: 0)
        func delivery(_ recipient: Int) -> ConfirmDelivery {
            ConfirmDelivery(
                DeliveryKey(
                    address: Sample.address(1), hash: Sample.secret(7), recipient: Sample.recipient(recipient)),
                sharedGrace: .days(1))
        }
        let news = catalog.commit(at: Timestamp(seconds: 100)) { page, transaction in
            let deliveries = [1, 1, 2, 2, 3, 4].map(delivery)
            for delivery in deliveries { delivery.request(on: &page) }
            transaction.load(&page)
            return deliveries.map { (try? transaction.apply($0, to: &page).get()).map { $0 != .pass } }
        }
        #expect(news == [true, false, true, false, true, false])
        let lease = try #require(catalog.leases.values.first)
        #expect(lease.receipts.count == 3 && lease.row.delivered?.seconds == 100)
        #expect(lease.row.expires.seconds == 100 + 86_400 && catalog.blob(1)?.reason == .delivered)
        #expect(throws: StoreError.wrongSecret) {
            try catalog.made(
                ConfirmDelivery(
                    DeliveryKey(
                        address: Sample.address(1), hash: Sample.secret(8), recipient: Sample.recipient(1)),
                    sharedGrace: .days(1)), at: 100)
        }
    }

    @Test func `what is only judged changes nothing`() throws {
        var catalog = MemoryCatalog()
        try catalog.made(Sample.upload(1, Sample.terms(owner: 1)), at: 0)
        let revoke = RevokeLease(on: Sample.address(1), owner: Sample.secret(1))
        _ = try catalog.judge(revoke, at: Timestamp(seconds: 1)).get()
        #expect(catalog.lease(1, owner: 1)?.reason == nil)
        let admission = AdmitLease(
            address: nil, size: 10_000, terms: Sample.terms(subject: "somebody"), bytesUnderWay: 5000,
            limits: LeaseLimits(
                defaultLifetime: .days(1), maximumLifetime: .days(1), leasesPerAddress: 1, leasesPerSubject: 5,
                leasesPerSubjectAndAddress: 5, leasesPerSubjectAndDay: 5, bytesPerSubject: 19_999))
        #expect(throws: StoreError.busy(limit: "bytes of this subject", retryAfterSeconds: 3600)) {
            try catalog.judge(admission, at: Timestamp(seconds: 1)).get()
        }
    }
}
