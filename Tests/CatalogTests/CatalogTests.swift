import Blobs
import Files
import GRDB
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
                "alias", "ban", "blob", "charge", "grdb_migrations", "lease", "orphan", "receipt", "receipt_hash", "scrub",
                "store", "tally", "upload",
            ])
        try queue.close()
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
