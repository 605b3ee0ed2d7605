import Blobs
import Files
import GRDB
import MemoryStore
import Store
import StoreRules
import TestSupport
import Testing

@testable import Catalog

/// The database against a catalog in memory: the same batches of changes, taken by chance, come to the same outcomes
/// and the same rows.
@Suite struct EngineTests {
    @Test(arguments: 1...8 as ClosedRange<UInt64>) func `database and memory never differ`(seed: UInt64) throws {
        let store = try CatalogInFolder()
        var walk = ChangeWalk(seed: seed)
        var memory = MemoryCatalog()
        for _ in 0..<40 {
            let (now, steps) = walk.batch()
            try memory.commit(at: now) { page, transaction in
                _ = try store.catalog.write(at: now) { other throws(CatalogError) in
                    var otherPage = CatalogPage(now: now)
                    for step in steps {
                        step.change.request(on: &page)
                        step.change.request(on: &otherPage)
                    }
                    transaction.load(&page)
                    try other.load(&otherPage)
                    for step in steps {
                        let one = transaction.outcome(of: step.change, on: &page)
                        let two = try other.outcome(of: step.change, on: &otherPage)
                        #expect(one == two, "\(step.change)")
                        if step.isUndone {
                            page.undo()
                            otherPage.undo()
                        }
                    }
                    #expect(Set(page.touched) == Set(otherPage.touched) && page.sums == otherPage.sums)
                    try other.write(otherPage)
                }
            }
            try compare(memory, store.catalog)
        }
        #expect(memory.sums == memory.recount && memory.usages == memory.owed)
        #expect(memory.leases.count > 9 && !memory.aliases.isEmpty, "the walk has gone somewhere")
        try store.catalog.close()
        let recount = try store.recount()
        #expect(recount == memory.recount)
    }

    private func compare(_ memory: MemoryCatalog, _ catalog: Catalog) throws {
        let read = try catalog.read { reader in
            (
                sums: try reader.sums(), blobs: try reader.blobs(after: nil), store: try reader.store(),
                subjects: try ChangeWalk.subjects.map { try reader.usage(of: $0) },
                days: try ChangeWalk.subjects.map { try reader.day(of: $0) },
                uploads: try ChangeWalk.uploads.map { try reader.upload($0).map(ChangeWalk.describe) }
            )
        }
        #expect(read.sums == memory.sums)
        #expect(read.blobs.sorted { $0.address < $1.address } == memory.blobs.values.sorted { $0.address < $1.address })
        #expect(read.subjects == ChangeWalk.subjects.map { memory.usages[$0] ?? Usage() })
        #expect(read.days == ChangeWalk.subjects.map { memory.days[$0] })
        #expect(read.uploads == ChangeWalk.uploads.map { memory.uploads[$0].map(ChangeWalk.describe) })
        #expect(
            read.store.commits == memory.commits && read.store.lastPass == memory.store.lastPass ?? read.store.lastPass)
        for alias in ChangeWalk.aliases {
            let lease = try catalog.read { try $0.aliased(alias)?.lease }
            #expect(lease == memory.aliases[alias].flatMap { memory.leases[$0]?.row })
        }
        for lease in memory.leases.values {
            guard let owner = lease.row.owner else { continue }
            let (row, receipts) = try catalog.read {
                (
                    try $0.lease(on: lease.row.address, owner: owner),
                    try $0.receipts(on: lease.row.address, owner: owner)
                )
            }
            #expect(row == lease.row && Set(receipts.map(\.recipient)) == Set(lease.receipts.map(\.recipient)))
        }
    }

    @Test func `more rows than the longest table of a statement are one batch`() throws {
        let store = try CatalogInFolder()
        let count = 1100
        let uploads = (0..<count).map { number in
            CommitUpload(
                address: ChangeWalk.address(number), size: 10,
                terms: LeaseTerms(
                    lifetime: .days(1), owner: ChangeWalk.secret(number), receipts: [ChangeWalk.secret(-number - 1)],
                    subject: "subject \(number % 700)"),
                limits: ChangeWalk.limits, bytes: .file(nil))
        }
        let now = Timestamp(seconds: 0)
        _ = try store.catalog.write(at: now) { transaction throws(CatalogError) in
            var page = CatalogPage(now: now)
            for upload in uploads { upload.request(on: &page) }
            try transaction.load(&page)
            for upload in uploads { _ = try transaction.apply(upload, to: &page) }
            try transaction.write(page)
        }
        let addresses = uploads.map(\.address)
        #expect(try store.catalog.read { try $0.accounted(addresses) }.count == count)
        for number in [0, 511, 512, 1023, 1024, 1099] {
            let delivery = ConfirmDelivery(
                DeliveryKey(
                    address: ChangeWalk.address(number), hash: ChangeWalk.secret(-number - 1),
                    recipient: ChangeWalk.recipient(1)), sharedGrace: .days(1))
            #expect(try store.catalog.make(delivery, at: now).result.get() == .note)
            let address = ChangeWalk.address(number)
            let (lease, receipts) = try store.catalog.read {
                (
                    try $0.lease(on: address, owner: ChangeWalk.secret(number)),
                    try $0.receipts(on: address, owner: ChangeWalk.secret(number))
                )
            }
            #expect(lease?.subject == "subject \(number % 700)" && receipts.count == 1)
        }
        let later = Timestamp(seconds: 86_400)
        #expect(try store.catalog.make(EndDueLeases(limit: 2000), at: later).result.get() == count)
        #expect(try store.catalog.make(MarkForRemoval(addresses), at: later).result.get().count == count)
        _ = try store.catalog.make(FinishRemovals(addresses), at: later)
        let end = Timestamp(seconds: 86_401)
        #expect(try store.catalog.make(DropForgotten(endedBefore: end, limit: 2000), at: end).result.get() == count)
        #expect(try store.catalog.make(DropForgotten(endedBefore: end, limit: 2000), at: end).result.get() == count)
        #expect(try store.catalog.read { try $0.sums() } == StoreSums())
        #expect(try store.catalog.read { try $0.usage(of: "subject 5") } == Usage())
        try store.catalog.close()
    }

    @Test func `leases with many receipt hashes are forgotten a few at a time`() throws {
        let store = try CatalogInFolder()
        let day = Timestamp(seconds: 86_400)
        for number in 0..<6 {
            let terms = LeaseTerms(
                lifetime: .days(1), owner: ChangeWalk.secret(number),
                receipts: (0..<100).map { ChangeWalk.secret(1000 + 100 * number + $0) }, subject: "subject \(number)")
            let upload = CommitUpload(
                address: ChangeWalk.address(1), size: 10, terms: terms, limits: ChangeWalk.limits, bytes: .file(10))
            _ = try store.catalog.make(upload, at: Timestamp(seconds: 0)).result.get()
        }
        _ = try store.catalog.make(TakeDownBlob(ChangeWalk.address(1), banning: false), at: day)
        let end = Timestamp(seconds: 86_401)
        // 16 hashes for each of ten: those of the second lease are more.
        let dropped = try (0..<4).map { _ in
            try store.catalog.make(DropForgotten(endedBefore: end, limit: 10), at: end).result.get()
        }
        #expect(dropped == [3, 2, 2, 0], "with the first it is forgotten that the blob was shown")
        #expect(try store.catalog.read { try $0.sums().endedLeases } == 0)
        try store.catalog.close()
    }

    @Test func `rows that contradict each other change nothing, and say so`() throws {
        let store = try CatalogInFolder()
        let now = Timestamp(seconds: 0)
        let upload = CommitUpload(
            address: ChangeWalk.address(1), size: 10, terms: LeaseTerms(owner: ChangeWalk.secret(1), subject: "anna"),
            limits: ChangeWalk.limits, bytes: .file(nil))
        _ = try store.catalog.write(at: now) { transaction throws(CatalogError) in
            var page = CatalogPage(now: now)
            upload.request(on: &page)
            try transaction.load(&page)
            _ = try transaction.apply(upload, to: &page)
            try transaction.write(page)
        }
        #expect {
            try store.catalog.write(at: now) { transaction throws(CatalogError) in
                // A page that believes the blob to be unknown.
                var page = CatalogPage(now: now)
                upload.request(on: &page)
                _ = page.blobs.takeRequests()
                try transaction.load(&page)
                _ = try transaction.apply(upload, to: &page)
                try transaction.write(page)
            }
        } throws: { error in
            if case CatalogError.conflict = error { true } else { false }
        }
        #expect(try store.catalog.read { try $0.sums().leases } == 1)
        try store.catalog.close()
    }
}

/// A catalog in a folder of its own.
struct CatalogInFolder {
    let folder: TemporaryFolder
    let catalog: Catalog

    init() throws {
        folder = try TemporaryFolder.inMemory()
        let path = folder.path("catalog.sqlite")
        try Catalog.create(
            at: path, identity: .random(),
            clocks: ClockReading(wall: Timestamp(seconds: 0), monotonicSeconds: 5, boot: "b"), faults: .none)
        catalog = try Catalog.open(at: path, faults: .none)
    }

    /// What the rows come to, by statements of their own; the catalog is closed.
    func recount() throws -> StoreSums {
        let queue = try DatabaseQueue(path: folder.path("catalog.sqlite"))
        defer { try? queue.close() }
        return try queue.read { database in
            var sums = StoreSums()
            for row in try Row.fetchAll(database, sql: "SELECT state, count(*), sum(size) FROM blob GROUP BY state") {
                guard let state = BlobState(rawValue: row[0]) else { continue }
                sums[state] = .init(count: row[1], bytes: row[2])
            }
            sums.leases = try Int64.fetchOne(database, sql: "SELECT count(*) FROM lease WHERE ended IS NULL") ?? 0
            sums.endedLeases = try Int64.fetchOne(database, sql: "SELECT count(*) FROM lease WHERE ended > 0") ?? 0
            return sums
        }
    }
}
