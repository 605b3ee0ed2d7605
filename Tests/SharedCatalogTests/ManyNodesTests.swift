import Blobs
import MemoryStore
import Store
import StoreRules
import TestEngines
import TestSupport
import Testing

@testable import SharedCatalog

/// Several nodes at the same few rows at once.
@Suite(hasPostgres) struct ManyNodesTests {
    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `whatever nodes do at once, rows agree and nobody waits in a circle`(seed: UInt64) async throws {
        let schema = try TestSchema { $0.lanes = 2 }
        let time = TestTime()
        let nodes = try await Self.nodes(3, schema, time)
        var walk = ChangeWalk(seed: seed, keepsSightings: false)
        for _ in 0..<40 {
            let (now, steps) = walk.batch()
            time.now = now
            await withTaskGroup(of: Void.self) { group in
                for (number, step) in (steps + steps).enumerated() {
                    let node = nodes[number % nodes.count]
                    let change = step.change
                    group.addTask { await Self.make(change, isUndone: step.isUndone, on: node) }
                }
            }
        }
        for node in nodes { await node.close() }
        try Self.expectAgreement(schema, limits: ChangeWalk.limits)
        #expect(try Self.deadlocks(schema) == 0)
    }

    private static func make<Change: CatalogChange>(
        _ change: Change, isUndone: Bool, on node: SharedCatalog
    ) async {
        do throws(StoreError) {
            _ = try await node.perform({ change }) { outcome, page throws(StoreError) in
                if let stored = outcome as? StoredBlob {
                    page.hold(stored.address, by: BlobObject(id: .random(), isList: false))
                }
                if isUndone { throw .superseded }
            }
        } catch {
            switch error {
            case .io, .unavailable, .outcomeUnknown, .diskFull: Issue.record("\(change): \(error)")
            default: break
            }
        }
    }

    @Test func `a quota is kept to the byte, however many nodes upload for a subject`() async throws {
        let schema = try TestSchema { $0.lanes = 2 }
        let nodes = try await Self.nodes(3, schema, TestTime())
        var limits = LeaseLimits.generous
        limits.bytesPerSubject = 100 * 5000
        let counts = Counts()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<300 {
                group.addTask { [limits] in
                    do throws(StoreError) {
                        try await nodes[number % 3].upload(
                            ChangeWalk.address(number), LeaseTerms(owner: ChangeWalk.secret(number), subject: "anna"),
                            limits: limits)
                        counts.note("taken")
                    } catch {
                        guard case .busy = error else {
                            Issue.record("\(error)")
                            return
                        }
                    }
                }
            }
        }
        #expect(counts["taken"] == 100)
        let usage = try await nodes[0].read { reader throws(SharedCatalogError) in try reader.usage(of: "anna") }
        #expect(usage == Usage(leases: 100, bytes: 500_000))
        for node in nodes { await node.close() }
        try Self.expectAgreement(schema, limits: limits)
        #expect(try Self.deadlocks(schema) == 0)
    }

    @Test func `a name, a receipt and an owner are given away once`() async throws {
        let schema = try TestSchema { $0.lanes = 2 }
        let nodes = try await Self.nodes(3, schema, TestTime())
        let counts = Counts()
        @Sendable func upload(_ node: SharedCatalog, _ what: String, _ address: BlobAddress, _ terms: LeaseTerms) async
        {
            do throws(StoreError) {
                try await node.upload(address, terms)
                counts.note(what)
            } catch {
                guard error == .aliasTaken || error == .receiptTaken else {
                    Issue.record("\(error)")
                    return
                }
                counts.note("\(error)")
            }
        }
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<60 {
                let node = nodes[number % 3]
                let owner = ChangeWalk.secret(number)
                let alias = LeaseAlias(name: ChangeWalk.aliases[0], via: "chat")
                group.addTask {
                    await upload(
                        node, "alias", ChangeWalk.address(100 + number),
                        LeaseTerms(owner: owner, subject: "a\(number)", alias: alias))
                }
                group.addTask {
                    await upload(
                        node, "receipt", ChangeWalk.address(1),
                        LeaseTerms(owner: owner, receipts: [ChangeWalk.secret(-1)], subject: "b\(number)"))
                }
                group.addTask {
                    await upload(
                        node, "owner", ChangeWalk.address(2),
                        LeaseTerms(owner: ChangeWalk.secret(-2), subject: "c\(number)"))
                }
            }
        }
        let expected = ["alias": 1, "\(StoreError.aliasTaken)": 59, "receipt": 1, "\(StoreError.receiptTaken)": 59]
        for (what, count) in expected { #expect(counts[what] == count, "\(what)") }
        #expect(counts["owner"] == 60, "whoever has the lease gets it again")
        let leases = try await nodes[0].read { reader throws(SharedCatalogError) in try reader.sums() }.leases
        #expect(leases == 3)
        for node in nodes { await node.close() }
        try Self.expectAgreement(schema, limits: .generous)
    }

    @Test func `nobody holds what has been banned at the same time`() async throws {
        let schema = try TestSchema { $0.lanes = 2 }
        let nodes = try await Self.nodes(3, schema, TestTime())
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                let address = ChangeWalk.address(number)
                group.addTask {
                    _ = try? await nodes[number % 3].upload(
                        address, LeaseTerms(owner: ChangeWalk.secret(number), subject: "anna"))
                }
                group.addTask {
                    do throws(StoreError) {
                        _ = try await nodes[(number + 1) % 3].perform(TakeDownBlob(address, banning: true))
                    } catch { Issue.record("\(error)") }
                }
            }
        }
        for node in nodes { await node.close() }
        #expect(try schema.number("SELECT count(*) FROM satchel.ban") == 200)
        let held = try schema.number(
            "SELECT count(*) FROM satchel.ban JOIN satchel.lease USING (address) WHERE ended IS NULL")
        #expect(held == 0)
        try Self.expectAgreement(schema, limits: .generous)
    }

    // MARK: Rows

    static func nodes(_ count: Int, _ schema: TestSchema, _ time: TestTime) async throws -> [SharedCatalog] {
        var nodes: [SharedCatalog] = []
        for number in 0..<count { nodes.append(try await schema.open("node \(number)", now: { time.now })) }
        return nodes
    }

    static func deadlocks(_ schema: TestSchema) throws -> Int64 {
        try schema.number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    }

    /// What is kept beside rows is what follows from them.
    static func expectAgreement(_ schema: TestSchema, limits: LeaseLimits) throws {
        let disagreements = [
            "sums of blobs": """
            SELECT count(*) FROM (
                SELECT kind, sum(count) AS c, sum(bytes) AS b FROM satchel.tally WHERE kind < 5 GROUP BY kind) t
            FULL JOIN (SELECT state, count(*) AS c, sum(size) AS b FROM satchel.blob GROUP BY state) r
            ON t.kind = r.state
            WHERE coalesce(t.c, 0) <> coalesce(r.c, 0) OR coalesce(t.b, 0) <> coalesce(r.b, 0)
            """,
            "sums of leases": """
            SELECT abs((SELECT coalesce(sum(count), 0) FROM satchel.tally WHERE kind = 5)
                - (SELECT count(*) FROM satchel.lease WHERE ended IS NULL))::bigint
            """,
            "charges": """
            SELECT count(*) FROM satchel.charge c FULL JOIN (
                SELECT subject, count(*) AS l, sum(greatest(size, 4096)) AS b
                FROM satchel.lease JOIN satchel.blob USING (address)
                WHERE lease.subject IS NOT NULL GROUP BY subject) r
            ON c.subject = r.subject
            WHERE coalesce(c.leases, 0) <> coalesce(r.l, 0) OR coalesce(c.bytes, 0) <> coalesce(r.b, 0)
            """,
            "leases of blobs": """
            SELECT count(*) FROM satchel.blob b WHERE leases <> (
                SELECT count(*) FROM satchel.lease l
                WHERE l.address = b.address AND l.ended IS NULL AND l.via IS NULL)
            OR aliased <> (SELECT count(*) FROM satchel.lease l
                WHERE l.address = b.address AND l.ended IS NULL AND l.via IS NOT NULL)
            """,
            "leases without blobs": """
            SELECT count(*) FROM satchel.lease l WHERE NOT EXISTS (
                SELECT FROM satchel.blob b WHERE b.address = l.address AND (b.state <> 4 OR l.ended IS NOT NULL))
            """,
            "garbage that blobs name": """
            SELECT count(*) FROM satchel.garbage g JOIN satchel.blob b ON b.object = g.id
            """,
            "idle subjects": "SELECT count(*) FROM satchel.charge WHERE idle <> (leases = 0)",
            "parts of leases": """
            SELECT (SELECT count(*) FROM satchel.receipt_hash h
                    WHERE NOT EXISTS (SELECT FROM satchel.lease l WHERE l.id = h.lease))
                + (SELECT count(*) FROM satchel.alias a
                    WHERE NOT EXISTS (SELECT FROM satchel.lease l WHERE l.id = a.lease AND l.via IS NOT NULL))
                + (SELECT count(*) FROM satchel.receipt r
                    WHERE NOT EXISTS (SELECT FROM satchel.lease l WHERE l.id = r.lease))
            """,
            "more bytes than a subject may have": """
            SELECT count(*) FROM satchel.charge WHERE bytes > \(limits.bytesPerSubject ?? .max)
            """,
        ]
        for (what, sql) in disagreements {
            #expect(try schema.number(sql) == 0, "\(what)")
        }
    }
}
