import Blobs
import MemoryStore
import Store
import StoreRules
import Testing

/// What sweeps do to rows, without a database.
@Suite struct SweepChangeTests {
    private static let day: Int64 = 86_400

    @Test func `due leases end in the order of their ends, so many at a time, and blobs keep what is left`() throws {
        var catalog = MemoryCatalog()
        for owner in 1...4 {
            let terms = Sample.terms(owner: owner, subject: "anna", lifetime: .days(Int32(owner)))
            try catalog.made(Sample.upload(1, terms, fileSize: 5000), at: 0)
        }
        #expect(try catalog.made(EndDueLeases(limit: 2), at: 3 * Self.day) == 2)
        #expect(catalog.lease(1, owner: 2)?.reason == .expired && catalog.lease(1, owner: 3)?.reason == nil)
        #expect(catalog.blob(1)?.leases == 2 && catalog.blob(1)?.sunset?.seconds == 4 * Self.day)
        #expect(try catalog.made(EndDueLeases(limit: 2), at: 3 * Self.day) == 1)
        #expect(try catalog.made(EndDueLeases(limit: 2), at: 3 * Self.day) == 0)
        #expect(catalog.usages["anna"] == Usage(leases: 1, bytes: 5000) && catalog.isConsistent)
        try catalog.made(EndDueLeases(limit: 2), at: 4 * Self.day)
        #expect(catalog.blob(1)?.sunset == nil && catalog.usages.isEmpty && catalog.isConsistent)
    }

    @Test func `removal marks what nobody holds, and leaves a tombstone that goes behind its leases`() throws {
        var catalog = MemoryCatalog()
        for number in 1...3 { try catalog.made(Sample.upload(number, Sample.terms(owner: number)), at: 0) }
        for number in [1, 3] {
            try catalog.made(RevokeLease(on: Sample.address(number), owner: Sample.secret(number)), at: 10)
        }
        let all = (1...4).map(Sample.address)
        let marked = try catalog.made(MarkForRemoval(all), at: 20)
        #expect(marked.map(\.address) == [Sample.address(1), Sample.address(3)])
        #expect(catalog.sums.removing == .init(count: 2, bytes: 10_000))
        #expect(try catalog.made(MarkForRemoval(all), at: 20).count == 2, "what was begun is finished")
        try catalog.made(FinishRemovals(all), at: 30)
        #expect(catalog.blob(1)?.end(at: Timestamp(seconds: 30)) == .revoked && catalog.blob(2)?.state == .held)
        #expect(catalog.blob(1)?.ended?.seconds == 10, "when its last lease ended, not when the file went")
        #expect(try catalog.made(DropForgotten(endedBefore: Timestamp(seconds: 10), limit: 10), at: 40) == 0)
        #expect(try catalog.made(DropForgotten(endedBefore: Timestamp(seconds: 11), limit: 10), at: 40) == 2)
        #expect(try catalog.made(DropForgotten(endedBefore: Timestamp(seconds: 11), limit: 10), at: 40) == 2)
        #expect(catalog.blobs.count == 1 && catalog.leases.count == 1 && catalog.isConsistent)
    }

    @Test func `a tombstone that comes alive in the batch that forgets it stays`() throws {
        var catalog = MemoryCatalog()
        try catalog.made(Sample.upload(1, Sample.terms(owner: 1)), at: 0)
        try catalog.made(RevokeLease(on: Sample.address(1), owner: Sample.secret(1)), at: 10)
        try catalog.made(MarkForRemoval([Sample.address(1)]), at: 10)
        try catalog.made(FinishRemovals([Sample.address(1)]), at: 10)
        try catalog.made(DropForgotten(endedBefore: Timestamp(seconds: 11), limit: 10), at: 20)
        let drop = DropForgotten(endedBefore: Timestamp(seconds: 11), limit: 10)
        let upload = Sample.upload(1, Sample.terms(owner: 1))
        for isFirst in [true, false] {
            var copy = catalog
            copy.commit(at: Timestamp(seconds: 20)) { page, transaction in
                drop.request(on: &page)
                upload.request(on: &page)
                transaction.load(&page)
                if isFirst { _ = transaction.apply(drop, to: &page) }
                #expect((try? transaction.apply(upload, to: &page).get())?.isNew == true)
                if !isFirst { _ = transaction.apply(drop, to: &page) }
            }
            #expect(copy.blob(1)?.state == .held && copy.blob(1)?.leases == 1 && copy.isConsistent)
        }
    }

    @Test func `a blob that names keep forgets that it was shown, as a tombstone of its age would go`() throws {
        var catalog = MemoryCatalog()
        let name = AliasName(hashing: [1])
        let slot = LeaseTerms(
            lifetime: .days(9), owner: SecretHash(bytes: name.bytes), subject: "anna",
            alias: LeaseAlias(name: name, via: "chat"))
        try catalog.made(Sample.upload(1, Sample.terms(owner: 1)), at: 0)
        try catalog.made(Sample.upload(1, slot, fileSize: 5000), at: 0)
        try catalog.made(RevokeLease(on: Sample.address(1), owner: Sample.secret(1)), at: 10)
        #expect(catalog.blob(1)?.ended?.seconds == 10 && catalog.blob(1)?.isHidden == false)
        #expect(try catalog.made(DropForgotten(endedBefore: Timestamp(seconds: 10), limit: 10), at: 20) == 0)
        #expect(try catalog.made(DropForgotten(endedBefore: Timestamp(seconds: 11), limit: 10), at: 20) == 2)
        #expect(catalog.blob(1)?.isHidden == true && catalog.blob(1)?.ended == nil)
        #expect(try catalog.made(DropForgotten(endedBefore: Timestamp(seconds: 11), limit: 10), at: 20) == 0)
        #expect(try catalog.made(Sample.upload(1, Sample.terms(owner: 2), fileSize: 5000), at: 30).isNews)
        #expect(catalog.blob(1)?.isHidden == false && catalog.blob(1)?.ended == nil)
        // A tombstone that a name's lease keeps forgets it too.
        try catalog.made(RevokeLease(on: Sample.address(1), owner: Sample.secret(2)), at: 40)
        try catalog.made(EndDueLeases(limit: 10), at: 9 * Self.day)
        try catalog.made(MarkForRemoval([Sample.address(1)]), at: 9 * Self.day)
        try catalog.made(FinishRemovals([Sample.address(1)]), at: 9 * Self.day)
        #expect(catalog.blob(1)?.state == .gone && catalog.blob(1)?.ended?.seconds == 40)
        #expect(try catalog.made(DropForgotten(endedBefore: Timestamp(seconds: 41), limit: 10), at: 9 * Self.day) == 2)
        #expect(catalog.blob(1)?.isHidden == true && catalog.leases.count == 1 && catalog.isConsistent)
        let end = Timestamp(seconds: 9 * Self.day + 1)
        #expect(try catalog.made(DropForgotten(endedBefore: end, limit: 10), at: 10 * Self.day) == 1)
        #expect(try catalog.made(DropForgotten(endedBefore: end, limit: 10), at: 10 * Self.day) == 1)
        #expect(catalog.blobs.isEmpty && catalog.leases.isEmpty && catalog.aliases.isEmpty)
    }

    @Test func `damage is marked once, and new bytes heal it`() throws {
        var catalog = MemoryCatalog()
        try catalog.made(Sample.upload(1, Sample.terms(owner: 1)), at: 0)
        #expect(try catalog.made(MarkDamaged(Sample.address(1)), at: 5))
        #expect(try !catalog.made(MarkDamaged(Sample.address(1)), at: 5))
        #expect(catalog.sums.damaged.count == 1 && catalog.isConsistent)
        #expect(try catalog.made(Sample.upload(1, Sample.terms(owner: 1), fileSize: 5000), at: 9).isNew)
        #expect(catalog.blob(1)?.state == .held && catalog.blob(1)?.uploaded.seconds == 9 && catalog.isConsistent)
    }

    @Test func `sightings of files without a row start anew where a pass did not confirm them`() throws {
        var catalog = MemoryCatalog()
        try catalog.made(SightOrphans([Sample.address(1), Sample.address(2)], pass: 1), at: 10)
        try catalog.made(SightOrphans([Sample.address(2)], pass: 2), at: 20)
        #expect(try catalog.made(DropOldSightings(notOf: 2, limit: 10), at: 20) == 1)
        #expect(
            catalog.sightings == [Sample.address(2): OrphanSighting(firstSeen: Timestamp(seconds: 10), lastPass: 2)])
        try catalog.made(DropSightings(of: [Sample.address(1), Sample.address(2)]), at: 30)
        #expect(catalog.sightings.isEmpty)
    }

    @Test func `uploads that outlive their requests go on, end, and are not found then`() throws {
        var catalog = MemoryCatalog()
        let id = UploadID.random()
        let announcement = UploadAnnouncement(size: nil, address: nil, terms: Sample.terms(owner: 1))
        #expect(
            try catalog.made(CreateUpload(id: id, announcement: announcement, lifetime: .days(1)), at: 0).seconds
                == Self.day)
        try catalog.made(AdvanceUpload(id: id, offset: 5000, length: 5000, lifetime: .days(1)), at: 10)
        #expect(catalog.uploads[id]?.offset == 5000 && catalog.uploads[id]?.length == 5000)
        let commit = CommitUpload(
            address: Sample.address(1), size: 5000, terms: announcement.terms, limits: Sample.limits, bytes: .file(nil),
            resumable: (id, .days(1)))
        #expect(try catalog.made(commit, at: 20).isNew)
        #expect(throws: StoreError.notFound) { try catalog.made(commit, at: 30) }
        #expect(throws: StoreError.notFound) {
            try catalog.made(AdvanceUpload(id: id, offset: 1, length: nil, lifetime: .days(1)), at: 30)
        }
        #expect(catalog.blob(1)?.leases == 1 && catalog.isConsistent)
        try catalog.made(DropUpload(id: id), at: 40)
        #expect(catalog.uploads.isEmpty)
    }
}
