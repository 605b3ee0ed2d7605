package import Blobs
package import Files
import Foundation
import GRDB
package import Store
package import StoreRules

/// Who holds what, until when, and what ended: an SQLite database in WAL mode.
///
/// Every call blocks its thread. Reads run beside each other and beside one write.
package final class Catalog: Sendable {
    private let pool: DatabasePool
    private let faults: FaultPoints

    /// How long a write waits for another process before it gives up.
    static let busyTimeoutSeconds = 5.0
    /// What of the write-ahead log stays on disk after a checkpoint.
    static let journalSizeLimitBytes = 64 << 20
    /// The greatest number of rows that one read of a sweep, a check or a backup looks at.
    package static let pageRows = 1000
    /// The most reads at once; others wait for their turn.
    package static let readerLimit = 8

    private init(pool: DatabasePool, faults: FaultPoints) {
        self.pool = pool
        self.faults = faults
    }

    /// Makes a new catalog at `path` for the store `identity`, all of it on disk when this returns.
    package static func create(
        at path: String, identity: StoreIdentity, clocks: ClockReading, faults: FaultPoints
    ) throws(CatalogError) {
        // SQLite would make it readable for all, and gives its log the same permissions.
        try withCatalogErrors { _ = try OpenFile(path, .create(permissions: 0o600)) }
        let catalog = try open(at: path, faults: faults)
        try withCatalogErrors {
            _ = try catalog.pool.write { database in
                try database.run(
                    "INSERT INTO store VALUES (1, ?, 0, ?, 0, ?, ?, ?)",
                    [
                        Data(identity.bytes), clocks.wall.seconds, clocks.wall.seconds, clocks.monotonicSeconds,
                        clocks.boot,
                    ])
            }
        }
        // The file is about to be renamed without its log, so nothing may be left in that.
        try catalog.checkpoint()
        try catalog.close()
    }

    /// Opens the catalog at `path`, brings its schema up to date, and makes sure that commits are durable.
    package static func open(at path: String, faults: FaultPoints) throws(CatalogError) -> Catalog {
        QuotaWrites.areFullDisks
        let pool = try withCatalogErrors { () throws -> DatabasePool in
            let pool = try DatabasePool(path: path, configuration: configuration)
            // GRDB leaves the writer of a pool at NORMAL, which loses acknowledged commits at a power cut.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            if try pool.read({ try migrator.hasBeenSuperseded($0) }) { throw CatalogError.superseded }
            try migrator.migrate(pool)
            try faults.reach(.catalogMigrated)
            return pool
        }
        let catalog = Catalog(pool: pool, faults: faults)
        let level = try catalog.synchronousLevel()
        guard level == fullySynchronous else { throw .notSynchronous(level: level) }
        return catalog
    }

    /// Opens the catalog at `path`, whose schema is up to date, where nothing can be written: for reading alone.
    package static func openToRead(at path: String, faults: FaultPoints) throws(CatalogError) -> Catalog {
        let pool = try withCatalogErrors { () throws -> DatabasePool in
            var configuration = configuration
            configuration.readonly = true
            return try DatabasePool(path: path, configuration: configuration)
        }
        return Catalog(pool: pool, faults: faults)
    }

    /// The identity in the catalog at `path`, read without changing anything.
    package static func identity(at path: String) throws(CatalogError) -> StoreIdentity {
        try withCatalogErrors {
            var configuration = Configuration()
            configuration.readonly = true
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            return try queue.read { database in
                let bytes = try Data.fetchOne(database, sql: "SELECT identity FROM store")
                guard let identity = bytes.flatMap({ StoreIdentity(bytes: $0) }) else {
                    throw CatalogError.failed("catalog: it has no store identity")
                }
                return identity
            }
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(busyTimeoutSeconds)
        configuration.maximumReaderCount = readerLimit
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_size_limit = \(journalSizeLimitBytes)")
            // What a statement of many rows might have to undo stays in memory: a batch is bounded.
            try database.execute(sql: "PRAGMA temp_store = MEMORY")
        }
        return configuration
    }

    // MARK: Access

    /// Looks at one consistent state. `body` reads at most `pageRows` rows.
    package func read<Value>(_ body: (CatalogReader) throws -> Value) throws(CatalogError) -> Value {
        try withCatalogErrors { try pool.read { try body(CatalogReader(database: $0)) } }
    }

    /// Changes rows in one transaction that is durable when this returns.
    ///
    /// On `.full`, `.busy` and `.conflict` nothing was changed; after any other error the outcome is unknown.
    package func write<Value>(
        at now: Timestamp, _ body: (SQLiteTransaction) throws(CatalogError) -> Value
    ) throws(CatalogError) -> (value: Value, commits: Int64) {
        try withCatalogErrors {
            try pool.writeWithoutTransaction { database in
                let result = try database.transaction {
                    let value = try body(SQLiteTransaction(database))
                    let commits = try database.noteCommit(at: now)
                    try faults.reach(.rowsChanged)
                    return (value, commits)
                }
                try faults.reach(.rowsCommitted)
                return result
            }
        }
    }

    /// Makes one change by itself, durable when this returns.
    package func make<Change: CatalogChange>(
        _ change: Change, at now: Timestamp
    ) throws(CatalogError) -> (result: Result<Change.Outcome, StoreError>, commits: Int64) {
        let (result, commits) = try write(at: now) { transaction throws(CatalogError) in
            var page = CatalogPage(now: now)
            change.request(on: &page)
            try transaction.load(&page)
            let result = try transaction.apply(change, to: &page)
            try transaction.write(page)
            return result
        }
        return (result, commits)
    }

    /// How the writer syncs: SQLite's number for it, 2 being FULL.
    package func synchronousLevel() throws(CatalogError) -> Int {
        try withCatalogErrors {
            try pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") ?? 0 }
        }
    }

    static let fullySynchronous = 2

    /// What the writer's connection is bounded by, as SQLite itself tells it.
    package func limits() throws(CatalogError) -> (journalSizeLimitBytes: Int, busyTimeoutMilliseconds: Int) {
        try withCatalogErrors {
            try pool.writeWithoutTransaction { database in
                (
                    try Int.fetchOne(database, sql: "PRAGMA journal_size_limit") ?? -1,
                    try Int.fetchOne(database, sql: "PRAGMA busy_timeout") ?? -1
                )
            }
        }
    }

    /// Moves everything from the log into the database file and syncs that.
    package func checkpoint() throws(CatalogError) {
        try withCatalogErrors {
            _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        }
    }

    /// Closes every connection once its work is done; whoever asks later gets `.closed`.
    package func close() throws(CatalogError) {
        // A checkpoint saves the next start some work; without one nothing is lost.
        try? checkpoint()
        try withCatalogErrors { try pool.close() }
    }

    /// Closes without a checkpoint, for a catalog whose disk has just failed.
    package func abandon() {
        try? pool.close()
    }
}

/// Runs `body` and turns whatever it throws into this room's error.
func withCatalogErrors<Value>(_ body: () throws -> Value) throws(CatalogError) -> Value {
    do { return try body() } catch { throw CatalogError(error) }
}

/// Why the catalog could not do what it was asked: what was tried, and why it failed.
package enum CatalogError: Error, Sendable, CustomStringConvertible {
    /// The disk had no room; nothing was changed.
    case full(String)
    /// Somebody else held the catalog for longer than the busy timeout; nothing was changed.
    case busy(String)
    /// Rows would have contradicted each other; nothing was changed.
    case conflict(String)
    /// This connection was closed so that the catalog could be opened afresh; ask the new one.
    case closed
    /// The catalog has a schema that this program does not know: another version wrote it.
    case superseded
    /// The catalog would not sync on every commit, so nothing it acknowledged would be durable.
    case notSynchronous(level: Int)
    /// Anything else. After a commit that failed so, nobody knows whether it happened.
    case failed(String)

    init(_ error: any Error) {
        switch error {
        case let error as CatalogError: self = error
        case let error as FileError:
            self = error.isFullDisk ? .full(error.description) : .failed(error.description)
        case let error as DatabaseError: self = Self.classify(error)
        default: self = .failed(String(describing: error))
        }
    }

    private static func classify(_ error: DatabaseError) -> CatalogError {
        let text = "catalog: \(error.message ?? "SQLite error \(error.extendedResultCode.rawValue)")"
        if error.resultCode == .SQLITE_FULL || error.extendedResultCode == .SQLITE_IOERR_SHMSIZE { return .full(text) }
        if error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_LOCKED { return .busy(text) }
        if error.resultCode == .SQLITE_CONSTRAINT { return .conflict(text) }
        if error.resultCode == .SQLITE_MISUSE { return .closed }
        return .failed(text)
    }

    package var description: String {
        switch self {
        case .full(let what), .busy(let what), .conflict(let what), .failed(let what): what
        case .closed: "the catalog has been closed"
        case .superseded:
            "the catalog was written by another version of satcheld, and this one does not know its schema; use that one"
        case .notSynchronous(let level):
            "the catalog runs with synchronous = \(level) instead of 2 (FULL): its commits would not be durable"
        }
    }
}
