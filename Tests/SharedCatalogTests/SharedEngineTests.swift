import Blobs
import MemoryStore
import Store
import StoreRules
import Synchronization
import TestSupport
import Testing

@testable import SharedCatalog

/// The database against a catalog in memory: the same batches of changes, taken by chance, come to the same outcomes
/// and the same rows.
@Suite(hasPostgres) struct SharedEngineTests {
    private struct Undone: Error {}

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func `the shared database and memory never differ`(seed: UInt64)
        throws
    {
        let schema = try TestSchema()
        let session = try schema.connect()
        let migrator = Migrator(session: session)
        try migrator.migrate(schema.settings.schema, mayCreate: true)
        _ = try migrator.open(at: Timestamp(seconds: 0))
        let lane = SharedTransaction.Lane(
            node: .random(), place: 0, slot: 8, numbers: LeaseNumbers(), removalDelaySeconds: 900)
        var walk = ChangeWalk(seed: seed, keepsSightings: false)
        var memory = MemoryCatalog()
        memory.countsKeptUploads = true
        var objects: Set<ObjectID> = []
        for _ in 0..<40 {
            let (now, steps) = walk.batch()
            session.deadline = .now + .seconds(600)
            try memory.commit(at: now) { page, inMemory in
                let inDatabase = SharedTransaction(session, lane)
                var otherPage = CatalogPage(now: now)
                for step in steps {
                    step.change.request(on: &page)
                    step.change.request(on: &otherPage)
                }
                inMemory.load(&page)
                try inDatabase.load(&otherPage)
                for step in steps {
                    let one = inMemory.outcome(of: step.change, on: &page)
                    let made = try Self.make(step.change, step.isUndone, inDatabase, &otherPage)
                    #expect(made.outcome == one, "\(step.change)")
                    if step.isUndone { page.undo() } else if let object = made.object { objects.insert(object) }
                }
                #expect(Set(page.touched) == Set(otherPage.touched) && page.sums == otherPage.sums)
                try inDatabase.write(otherPage)
                try session.queue(.commit)
                _ = try session.run()
                #expect(session.lastCommand == "COMMIT")
            }
            try compare(memory, SharedReader(session: session))
        }
        #expect(memory.leases.count > 9 && !memory.aliases.isEmpty, "the walk has gone somewhere")
        let recount = try Self.recount(schema)
        #expect(recount == memory.recount && memory.sums == memory.recount)
        let known = try SharedReader(session: session).known(Array(objects))
        #expect(known == objects, "every object is named by a blob, or garbage")
        let unnamed = try schema.number("SELECT count(*) FROM satchel.garbage g JOIN satchel.blob b ON b.object = g.id")
        #expect(unnamed == 0, "no garbage is a blob's")
        #expect(try schema.number("SELECT count(*) FROM satchel.charge WHERE leases = 0 AND made = 0") == 0)
        #expect(try schema.number("SELECT count(*) FROM satchel.charge WHERE idle <> (leases = 0)") == 0)
    }

    /// Makes a change as a batch does, with a new object for what it uploads.
    private static func make<Change: CatalogChange>(
        _ change: Change, _ isUndone: Bool, _ transaction: SharedTransaction, _ page: inout CatalogPage
    ) throws -> (outcome: String, object: ObjectID?) {
        let made = Collected()
        let waiting = WaitingChange({ change }) { outcome, objects throws(StoreError) in
            made.outcome = "\(Result<Change.Outcome, StoreError>.success(outcome))"
            if let stored = outcome as? StoredBlob {
                let object = ObjectID.random()
                objects.hold(stored.address, by: BlobObject(id: object, isList: false))
                made.object = object
            }
            if isUndone { throw .notFound }
        } completion: { _ in
        }
        let result = try waiting.apply(transaction, &page)
        if case .failure(let error) = result, made.outcome.isEmpty {
            return ("\(Result<Change.Outcome, StoreError>.failure(error))", nil)
        }
        return (made.outcome, made.object)
    }

    private final class Collected: Sendable {
        private let state = Mutex((outcome: "", object: ObjectID?.none))

        var outcome: String {
            get { state.withLock { $0.outcome } }
            set { state.withLock { $0.outcome = newValue } }
        }
        var object: ObjectID? {
            get { state.withLock { $0.object } }
            set { state.withLock { $0.object = newValue } }
        }
    }

    private func compare(_ memory: MemoryCatalog, _ reader: SharedReader) throws {
        #expect(try reader.sums() == memory.sums)
        let blobs = try reader.blobs(after: nil, limit: 1000)
        #expect(blobs.map(\.row) == memory.blobs.values.sorted { $0.address < $1.address })
        #expect(blobs.allSatisfy { ($0.object == nil) == ($0.row.state == .gone) })
        for subject in ChangeWalk.subjects {
            #expect(try reader.usage(of: subject) == memory.usages[subject] ?? Usage())
            #expect(try reader.day(of: subject) == memory.days[subject])
        }
        for id in ChangeWalk.uploads {
            let upload = try reader.upload(id)?.upload
            #expect(upload.map(ChangeWalk.describe) == memory.uploads[id].map(ChangeWalk.describe))
        }
        let store = try reader.store()
        #expect(store.lastPass == memory.store.lastPass ?? store.lastPass)
        for alias in ChangeWalk.aliases {
            let address = try reader.address(of: alias)
            #expect(address == memory.aliases[alias].flatMap { memory.leases[$0]?.row.address })
        }
        for lease in memory.leases.values {
            guard let owner = lease.row.owner else { continue }
            #expect(try reader.lease(on: lease.row.address, owner: owner) == lease.row)
            let receipts = try reader.receipts(on: lease.row.address, owner: owner)
            #expect(Set(receipts.map(\.recipient)) == Set(lease.receipts.map(\.recipient)))
        }
    }

    /// What the rows come to, by statements of their own.
    private static func recount(_ schema: TestSchema) throws -> StoreSums {
        var sums = StoreSums()
        for row in try schema.ask("SELECT state, count(*), sum(size)::bigint FROM satchel.blob GROUP BY state") {
            let state = try #require(row[0].flatMap { BlobState(rawValue: Int($0)) })
            sums[state] = BlobTotal(count: row[1] ?? 0, bytes: row[2] ?? 0)
        }
        sums.leases = try schema.number("SELECT count(*) FROM satchel.lease WHERE ended IS NULL")
        sums.endedLeases = try schema.number("SELECT count(*) FROM satchel.lease WHERE ended IS NOT NULL")
        return sums
    }
}
