import Blobs
import Files
import GRDB
import MemoryStore
import Store
import StoreRules
import TestSupport
import Testing

@testable import Catalog

@Suite struct CatalogTests {
    private static let clocks = ClockReading(wall: Timestamp(seconds: 1000), monotonicSeconds: 5, boot: "b")

    private func made() throws -> (folder: TemporaryFolder, path: String, identity: StoreIdentity) {
        let folder = try TemporaryFolder.inMemory()
        let identity = StoreIdentity.random()
        let path = folder.path("catalog.sqlite")
        try Catalog.create(at: path, identity: identity, clocks: Self.clocks, faults: .none)
        return (folder, path, identity)
    }

    @Test func `commits are synced in full, at the start and after reopening`() async throws {
        let (folder, path, _) = try made()
        let catalog = try Catalog.open(at: path, faults: .none)
        #expect(try catalog.synchronousLevel() == 2)
        try catalog.close()
        withExtendedLifetime(folder) {}
    }

    @Test func `a new catalog knows its store and lies on disk without a log`() throws {
        let (folder, path, identity) = try made()
        #expect(try Folder.status("\(path)-wal")?.size ?? 0 == 0)
        #expect(try Catalog.identity(at: path) == identity)
        let catalog = try Catalog.open(at: path, faults: .none)
        let row = try catalog.read { try $0.store() }
        #expect(row.identity == identity && row.latest == Self.clocks.wall && row.lastPass == Self.clocks)
        try catalog.close()
        withExtendedLifetime(folder) {}
    }

    @Test func `the log is bounded and strangers wait no longer than five seconds`() throws {
        let (folder, path, _) = try made()
        let catalog = try Catalog.open(at: path, faults: .none)
        let limits = try catalog.limits()
        #expect(limits.journalSizeLimitBytes == 64 << 20)
        #expect(limits.busyTimeoutMilliseconds == 5000)
        try catalog.close()
        withExtendedLifetime(folder) {}
    }

    @Test func `opening again changes no schema, and a later schema is refused`() throws {
        let (folder, path, _) = try made()
        let before = try schema(path)
        try Catalog.open(at: path, faults: .none).close()
        #expect(try schema(path) == before)
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99 from the future')") }
        try queue.close()
        #expect { _ = try Catalog.open(at: path, faults: .none) } throws: { error in
            if case CatalogError.superseded = error { true } else { false }
        }
        withExtendedLifetime(folder) {}
    }

    @Test func `every table of the schema is there, also those that wait for their users`() throws {
        let (folder, path, _) = try made()
        let queue = try DatabaseQueue(path: path)
        let tables = try queue.read { database in
            try String.fetchAll(database, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        }
        #expect(
            tables == [
                "alias", "ban", "blob", "charge", "grdb_migrations", "lease", "orphan", "receipt", "receipt_hash",
                "scrub",
                "store", "tally", "upload",
            ])
        try queue.close()
        withExtendedLifetime(folder) {}
    }

    @Test func `a catalog of the first release gains names, and keeps what it has`() throws {
        let (folder, path, _) = try made()
        let queue = try DatabaseQueue(path: path)
        let (address, over, forgotten, gone) = (
            ChangeWalk.address(1), ChangeWalk.address(2), ChangeWalk.address(3), ChangeWalk.address(4)
        )
        try queue.write { database in
            try database.execute(
                sql: """
                    DROP TABLE alias; DROP INDEX lease_of_blob; DROP INDEX blob_unheld; DROP INDEX blob_ended;
                    CREATE INDEX blob_gone ON blob (ended) WHERE state = 4;
                    ALTER TABLE lease DROP COLUMN via; ALTER TABLE blob DROP COLUMN aliased;
                    CREATE INDEX blob_unheld ON blob (id) WHERE leases = 0 AND state IN (1, 3);
                    CREATE INDEX lease_of_blob ON lease (blob, ended, expires, delivered, subject);
                    DELETE FROM grdb_migrations WHERE identifier IN ('2 aliases', '3 former showings');
                    """)
            try database.execute(
                sql: "INSERT INTO blob VALUES (1, ?, 5000, 1, 1000, 1, 2000, NULL, NULL)", arguments: [address.data])
            for (id, address, state, ended) in [(2, over, 1, "NULL"), (3, forgotten, 1, "NULL"), (4, gone, 4, "950")] {
                try database.execute(
                    sql: "INSERT INTO blob VALUES (\(id), ?, 5000, \(state), 100, 0, NULL, 'revoked', \(ended))",
                    arguments: [address.data])
            }
            try database.execute(
                sql: """
                    INSERT INTO lease VALUES (2, 2, X'01', NULL, 100, 2000, 2000, NULL, 0, NULL, 800, 'revoked');
                    INSERT INTO lease VALUES (3, 2, X'02', NULL, 100, 2000, 2000, NULL, 0, NULL, 900, 'revoked');
                    INSERT INTO lease VALUES (1, 1, NULL, 'anna', 1000, 2000, 1000, NULL, 0, NULL, NULL, NULL);
                    INSERT INTO charge VALUES ('anna', 1, 5000, 1000, 1);
                    UPDATE tally SET count = 1, bytes = 5000 WHERE kind = 1;
                    UPDATE tally SET count = 1 WHERE kind = 5;
                    """)
        }
        try queue.close()
        let catalog = try Catalog.open(at: path, faults: .none)
        let now = Timestamp(seconds: 1500)
        let blob = try #require(try catalog.read { try $0.blob(address) })
        #expect(blob.leases == 1 && blob.aliased == 0 && blob.sunset == Timestamp(seconds: 2000) && !blob.isHidden)
        let alias = ChangeWalk.aliases[0]
        let terms = LeaseTerms(
            owner: SecretHash(bytes: alias.bytes), subject: "bert", alias: LeaseAlias(name: alias, via: "chat"))
        let change = CommitUpload(
            address: address, size: 5000, terms: terms, limits: ChangeWalk.limits, bytes: .file(5000))
        #expect(try !catalog.make(change, at: now).result.get().isNews)
        let found = try #require(try catalog.read { try $0.aliased(alias) })
        #expect(found.blob.aliased == 1 && found.blob.leases == 1 && found.lease.via == "chat")
        #expect(try catalog.make(EndDueLeases(limit: 9), at: Timestamp(seconds: 2000)).result.get() == 1)
        #expect(try catalog.read { try $0.blob(over)?.ended } == Timestamp(seconds: 900))
        #expect(try catalog.read { try $0.blob(forgotten)?.ended } == Timestamp(seconds: 0))
        #expect(try catalog.read { try $0.blob(gone)?.ended } == Timestamp(seconds: 950))
        let left = try #require(try catalog.read { try $0.blob(address) })
        #expect(left.leases == 0 && left.aliased == 1 && !left.isUnheld && left.reason == .expired)
        try catalog.close()
        withExtendedLifetime(folder) {}
    }

    @Test func `a full disk is told from a failure`() {
        #expect(Self.kind(CatalogError.full("x")) == "full")
        #expect(CatalogError.notSynchronous(level: 1).description.contains("FULL"))
    }

    private static func kind(_ error: CatalogError) -> String {
        if case .full = error { "full" } else { "other" }
    }

    private func schema(_ path: String) throws -> [String] {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { try String.fetchAll($0, sql: "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL") }
    }
}
