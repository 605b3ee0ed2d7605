import Blobs
import MemoryStore
import Store
import StoreRules
import TestEngines
import TestSupport
import Testing

@testable import SharedCatalog

/// What nodes and sweeps write beside changes.
@Suite(hasPostgres) struct NodeTests {
    @Test func `one node has a duty, until it gives it up or is silent for too long`() async throws {
        let schema = try TestSchema()
        let (one, other) = (try await schema.open("one"), try await schema.open("other"))
        #expect(try await one.takeDuty("sweep", for: .days(1)))
        #expect(try await !other.takeDuty("sweep", for: .days(1)))
        #expect(try await one.takeDuty("sweep", for: .days(1)), "kept")
        #expect(try await other.takeDuty("scrub", for: .days(1)))
        let duty = try await other.read { reader throws(SharedCatalogError) in try reader.duty("sweep") }
        #expect(duty?.node == one.node.id)
        try await other.dropDuty("sweep")
        #expect(try await !other.takeDuty("sweep", for: .days(1)), "only its own")
        try schema.ask("UPDATE satchel.duty SET until = clock_timestamp() WHERE name = 'sweep'")
        #expect(try await other.read { reader throws(SharedCatalogError) in try reader.duty("sweep") } == nil)
        #expect(try await other.takeDuty("sweep", for: .days(1)))
        try await other.dropDuty("sweep")
        #expect(try await one.takeDuty("sweep", for: .days(1)))
        await one.close()
        await other.close()
    }

    @Test func `nodes are alive while they beat, and are forgotten with their sums kept`() async throws {
        let schema = try TestSchema()
        let (one, other) = (try await schema.open("one"), try await schema.open("other"))
        func rows() async throws -> [String: NodeRow] {
            let rows = try await one.read { reader throws(SharedCatalogError) in try reader.nodes() }
            return Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0) })
        }
        try await other.beat(wall: Timestamp(seconds: 77))
        #expect(try await rows()["other"]?.wall == Timestamp(seconds: 77))
        for (number, node) in [one, other].enumerated() {
            try await node.upload(
                ChangeWalk.address(number), LeaseTerms(owner: ChangeWalk.secret(number), subject: "anna"))
        }
        let sums = try await one.read { reader throws(SharedCatalogError) in try reader.sums() }
        #expect(sums.leases == 2 && sums.held == BlobTotal(count: 2, bytes: 10_000))
        try schema.ask("UPDATE satchel.node SET beat = beat - interval '25 seconds' WHERE name = 'other'")
        #expect(try await rows()["other"]?.isAlive == false)
        #expect(try await one.forgetOld() == 0, "nodes of late are remembered")
        try schema.ask("UPDATE satchel.node SET beat = beat - interval '2 days' WHERE name = 'other'")
        try schema.ask("INSERT INTO satchel.change (prefix, at) VALUES (1, clock_timestamp() - interval '11 minutes')")
        try schema.ask("INSERT INTO satchel.change (prefix) VALUES (2)")
        #expect(try await one.forgetOld() == 2)
        #expect(try await rows()["other"] == nil)
        #expect(try await one.read { reader throws(SharedCatalogError) in try reader.sums() } == sums)
        #expect(try schema.number("SELECT count(*) FROM satchel.lane") == 1)
        // It goes on all the same.
        try await eventually {
            try await other.beat(wall: Timestamp(seconds: 78))
            return try await rows()["other"]?.isAlive == true
        }
        try await other.upload(ChangeWalk.address(5), LeaseTerms(owner: ChangeWalk.secret(5), subject: "anna"))
        #expect(try await one.read { reader throws(SharedCatalogError) in try reader.sums() }.leases == 3)
        await one.close()
        await other.close()
        try ManyNodesTests.expectAgreement(schema, limits: .generous)
    }

    @Test func `what a sweep writes down is there for the next one`() async throws {
        let schema = try TestSchema()
        let catalog = try await schema.open()
        func row() async throws -> SharedStoreRow {
            try await catalog.read { reader throws(SharedCatalogError) in try reader.store() }
        }
        #expect(try await catalog.setPass([1, 2], after: []))
        #expect(try await !catalog.setPass([3], after: []))
        #expect(try await catalog.setPass([1, 2], after: []), "again, as where an answer was lost")
        #expect(try await catalog.setPass([3], after: [1, 2]))
        try await catalog.setScannedHour(10)
        try await catalog.setScannedHour(9)
        try await catalog.setAccepted(seconds: 700)
        let row1 = try await row()
        #expect(row1.passToken == [3] && row1.scannedHour == 10 && row1.acceptedSeconds == 700)
        let clocks = ClockReading(wall: Timestamp(seconds: 5), monotonicSeconds: 6, boot: "b")
        _ = try await catalog.perform(RecordPass(clocks))
        _ = try await catalog.perform(SetRestored(true))
        let row2 = try await row()
        #expect(row2.lastPass == clocks && row2.isRestored)
        _ = try await catalog.perform(ResetLatest(Timestamp(seconds: 3)))
        #expect(try await row().latest == Timestamp(seconds: 3))
        var scrub = ScrubRow(began: Timestamp(seconds: 1))
        scrub.cursor = ChangeWalk.address(1)
        _ = try await catalog.perform(NoteScrub(scrub, isEnd: false))
        let noted = try await catalog.read { reader throws(SharedCatalogError) in try reader.scrub(.underWay) }
        #expect(noted == scrub)
        _ = try await catalog.perform(NoteScrub(scrub, isEnd: true))
        let ended = try await catalog.read { reader throws(SharedCatalogError) in
            [try reader.scrub(.underWay), try reader.scrub(.finished)]
        }
        #expect(ended == [nil, scrub])
        await catalog.close()
    }

    @Test func `garbage waits for its time, and goes with its lists`() async throws {
        let schema = try TestSchema { $0.removalDelaySeconds = 100 }
        let time = TestTime()
        let catalog = try await schema.open(now: { time.now })
        let (single, list) = (ObjectID.random(), ObjectID.random())
        let parts = (0..<3).map { number in
            ObjectRow(id: .random(), list: list, number: number, size: 10, digest: ChangeWalk.address(number))
        }
        _ = try await catalog.perform({ NoChange() }) { _, page throws(StoreError) in
            page.dispose(BlobObject(id: single, isList: false))
            for part in parts { page.add(part) }
            page.dispose(BlobObject(id: list, isList: true))
        }
        func due(at seconds: Int64) async throws -> [ObjectID] {
            try await catalog.read { reader throws(SharedCatalogError) in
                try reader.garbage(dueBy: Timestamp(seconds: seconds), after: nil, limit: 10)
            }.map(\.object.id)
        }
        #expect(try await due(at: 1_000_099).isEmpty)
        #expect(try await Set(due(at: 1_000_100)) == [single, list])
        try await catalog.hasten([single], due: Timestamp(seconds: 1_000_000))
        #expect(try await due(at: 1_000_000) == [single])
        let (first, rest) = try await catalog.read { reader throws(SharedCatalogError) in
            let first = try reader.garbage(dueBy: Timestamp(seconds: 1_000_100), after: nil, limit: 1)
            return (first, try reader.garbage(dueBy: Timestamp(seconds: 1_000_100), after: first.first, limit: 10))
        }
        #expect(first.map(\.object) == [BlobObject(id: single, isList: false)])
        #expect(rest.map(\.object) == [BlobObject(id: list, isList: true)])
        let ids = try await catalog.read { reader throws(SharedCatalogError) in try reader.partIDs(of: [list]) }
        #expect(ids == [list: parts.map(\.id)])
        #expect(try await catalog.read { reader throws(SharedCatalogError) in try reader.parts(of: list) } == parts)
        let known = try await catalog.read { [parts] reader throws(SharedCatalogError) in
            try reader.known([single, list, .random()] + parts.map(\.id))
        }
        #expect(known == Set([single, list] + parts.map(\.id)))
        try await catalog.dropGarbage([single, list])
        #expect(try await catalog.read { reader throws(SharedCatalogError) in try reader.isEmpty() })
        await catalog.close()
    }
}
