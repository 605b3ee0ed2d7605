import Blobs
import MemoryStore
import Store
import StoreRules
import TestSupport
import Testing

@testable import SharedCatalog

@Suite(hasPostgres) struct BatchTests {
    @Test func `64 uploads are one batch, two round trips and few statements`() async throws {
        let schema = try TestSchema { $0.lanes = 1 }
        let catalog = try await schema.open()
        // Twice, so that every statement is known already.
        for round in 0..<2 {
            let gate = try await Gate(catalog)
            let before = catalog.commitFigures
            let uploads = (0..<64).map { number in
                Task {
                    try await catalog.upload(
                        ChangeWalk.address(round * 64 + number),
                        LeaseTerms(
                            owner: ChangeWalk.secret(number), receipts: [ChangeWalk.secret(1000 + number)],
                            subject: "subject \(number % 7)"))
                }
            }
            try await gate.open(catalog, whenWaiting: 64)
            for upload in uploads { #expect(try await upload.value.outcome.isNew) }
            let after = catalog.commitFigures
            #expect(after.batches - before.batches == 2, "the one that held the lane, and the uploads")
            #expect(after.changes - before.changes == 65)
            // BEGIN, setting and ROLLBACK of the first.
            #expect(after.roundTrips - before.roundTrips == 2 + 2)
            #expect(after.statements - before.statements <= 3 + 18)
        }
        await catalog.close()
    }

    @Test func `changes that may wait share a batch once they are many, or with one that may not`() async throws {
        let schema = try TestSchema { settings in
            settings.lanes = 2
            // However slow the machine.
            settings.patience = .seconds(900)
        }
        let catalog = try await schema.open()
        let terms = LeaseTerms(owner: ChangeWalk.secret(1), subject: "anna")
        for (round, count) in [16, 3].enumerated() {
            let isMany = count == 16
            let before = catalog.commitFigures
            let patient = (0..<count).map { number in
                Task {
                    try await catalog.upload(
                        ChangeWalk.address(round * 64 + number), terms, patience: .seconds(10_000))
                }
            }
            if !isMany {
                try await eventually { catalog.waitingChanges == count }
                try await catalog.upload(ChangeWalk.address(round * 64 + count), terms)
            }
            for task in patient { _ = try await task.value }
            let after = catalog.commitFigures
            #expect(after.batches - before.batches == 1, "\(count)")
            #expect(after.changes - before.changes == (isMany ? 16 : 4))
        }
        // One by itself goes on when its time is up.
        try await catalog.upload(ChangeWalk.address(200), terms, patience: .milliseconds(20))
        await catalog.close()
    }

    @Test func `one change that cannot be made does not spoil those of others`() async throws {
        let schema = try TestSchema { $0.lanes = 1 }
        let catalog = try await schema.open()
        let gate = try await Gate(catalog)
        // PostgreSQL takes no text with a NUL in it.
        let bad = Task {
            try await catalog.upload(ChangeWalk.address(0), LeaseTerms(owner: ChangeWalk.secret(0), subject: "a\0b"))
        }
        let good = (1..<20).map { number in
            Task {
                try await catalog.upload(
                    ChangeWalk.address(number), LeaseTerms(owner: ChangeWalk.secret(number), subject: "anna"))
            }
        }
        try await gate.open(catalog, whenWaiting: 20)
        for upload in good { #expect(try await upload.value.outcome.isNew) }
        await #expect {
            _ = try await bad.value
        } throws: { error in
            if case StoreError.io = error { true } else { false }
        }
        #expect(try await catalog.read { reader throws(SharedCatalogError) in try reader.sums() }.leases == 19)
        await catalog.close()
    }

    @Test func `what the objects' part of a change refuses is undone with it`() async throws {
        let schema = try TestSchema()
        let catalog = try await schema.open()
        let (address, object) = (ChangeWalk.address(1), ObjectID.random())
        let terms = LeaseTerms(owner: ChangeWalk.secret(1), subject: "anna")
        await #expect(throws: StoreError.superseded) {
            _ = try await catalog.perform {
                CommitUpload(address: address, size: 5000, terms: terms, limits: .generous, bytes: .asRecorded)
            } objects: { _, page throws(StoreError) in
                page.hold(address, by: BlobObject(id: object, isList: false))
                throw .superseded
            }
        }
        #expect(try await catalog.find(address) == nil)
        #expect(try await catalog.read { reader throws(SharedCatalogError) in try reader.known([object]) }.isEmpty)
        #expect(try schema.number("SELECT count(*) FROM satchel.charge") == 0)
        await #expect {
            // A blob that is held names its bytes.
            _ = try await catalog.perform(
                CommitUpload(address: address, size: 5000, terms: terms, limits: .generous, bytes: .asRecorded))
        } throws: { error in
            if case StoreError.io = error { true } else { false }
        }
        await catalog.close()
    }

    @Test func `a change is judged without being made`() async throws {
        let schema = try TestSchema()
        let catalog = try await schema.open()
        let terms = LeaseTerms(owner: ChangeWalk.secret(1), subject: "anna")
        let admission = AdmitLease(
            address: ChangeWalk.address(1), size: 5000, terms: terms, bytesUnderWay: 0, limits: ChangeWalk.limits)
        try await catalog.judge(admission)
        _ = try await catalog.perform(TakeDownBlob(ChangeWalk.address(1), banning: true))
        await #expect(throws: StoreError.banned) { try await catalog.judge(admission) }
        #expect(try schema.number("SELECT count(*) FROM satchel.charge") == 0)
        #expect(try schema.number("SELECT count(*) FROM satchel.blob") == 0)
        await catalog.close()
    }

    @Test func `a change that ends findings says so, and the node hears of it before anybody`() async throws {
        let schema = try TestSchema()
        let told = Told()
        let catalog = try await schema.open(changed: { told.note($0, $1) })
        let (one, other) = (ChangeWalk.address(1), ChangeWalk.address(2))
        let owner = ChangeWalk.secret(1)
        for address in [one, other] {
            let made = try await catalog.upload(address, LeaseTerms(owner: owner, subject: "anna"))
            #expect(made.endsFindings.isEmpty)
        }
        #expect(told.shortened.isEmpty && Set(told.touched) == [one, other])
        let revoked = try await catalog.perform(RevokeLease(on: one, owner: owner))
        #expect(revoked.endsFindings == [AddressPrefix(one)] && told.shortened == [one])
        let again = try await catalog.perform(RevokeLease(on: one, owner: owner))
        #expect(again.endsFindings.isEmpty)
        let renewed = try await catalog.perform(
            RenewLease(on: other, owner: owner, terms: RenewalTerms(lifetime: .days(20)), standard: .days(2)))
        #expect(renewed.endsFindings.isEmpty)
        let shortened = try await catalog.perform(
            RenewLease(on: other, owner: owner, terms: RenewalTerms(lifetime: .days(1)), standard: .days(2)))
        #expect(shortened.endsFindings == [AddressPrefix(other)])
        await catalog.close()
    }
}
