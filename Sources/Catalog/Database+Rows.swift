import Blobs
import Foundation
import GRDB
import Store
import StoreRules

/// The few shapes of statement that the catalog uses; each is compiled once for a connection.
extension Database {
    /// Runs `body` in a transaction that writes, and commits it; undone where anything throws. GRDB's own would compile
    /// BEGIN and COMMIT each time.
    func transaction<Value>(_ body: () throws -> Value) throws -> Value {
        try forEachRow("BEGIN IMMEDIATE TRANSACTION") { _ in }
        do {
            let value = try body()
            try forEachRow("COMMIT TRANSACTION") { _ in }
            return value
        } catch {
            // The first error is the one that counts; SQLite has undone everything by itself where this fails.
            if isInsideTransaction { try? rollback() }
            throw error
        }
    }

    /// Counts a transaction that is about to be committed, and returns how many there have been then. RETURNING would cost
    /// as much as all rows of an upload.
    func noteCommit(at now: Timestamp) throws -> Int64 {
        var commits: Int64 = 0
        try forEachRow("UPDATE store SET commits = commits + 1, latest = max(latest, ?1)", .of(now)) { _ in }
        try forEachRow("SELECT commits FROM store") { commits = $0[0] }
        return commits
    }

    /// Runs one statement with few values, and calls `body` with each row.
    private func forEachRow(_ sql: String, _ values: SQLValue..., body: (StatementRow) throws -> Void) throws {
        let statement = try cachedStatement(sql: sql)
        statement.clear()
        defer { statement.reset() }
        for (index, value) in values.enumerated() { try value.bind(to: statement, at: index + 1) }
        let row = StatementRow(statement)
        while try statement.next() { try body(row) }
    }

    /// Runs one statement.
    func run(_ sql: String, _ arguments: StatementArguments = []) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }

    /// The first row, if there is one.
    func row(_ sql: String, _ arguments: StatementArguments = []) throws -> Row? {
        try Row.fetchOne(cachedStatement(sql: sql), arguments: arguments)
    }

    /// All rows of a statement that bounds them itself.
    func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Row] {
        try Row.fetchAll(cachedStatement(sql: sql), arguments: arguments)
    }

    /// Calls `body` with each row of a statement that bounds them itself; what it is given keeps for one call.
    func forEachRow(_ sql: String, _ arguments: StatementArguments, _ body: (Row) throws -> Void) throws {
        let rows = try Row.fetchCursor(cachedStatement(sql: sql), arguments: arguments)
        while let row = try rows.next() { try body(row) }
    }

    /// The number in the first column of the first row.
    func number(_ sql: String, _ arguments: StatementArguments = []) throws -> Int64? {
        try Int64.fetchOne(cachedStatement(sql: sql), arguments: arguments)
    }
}

extension BlobAddress {
    var data: Data { Data(bytes) }
}

extension SecretHash {
    var data: Data { Data(bytes) }
}

extension Recipient {
    var data: Data { Data(bytes) }
}

extension UploadID {
    var data: Data { Data(bytes) }
}

extension RowValues {
    func timestamp(_ index: Int) -> Timestamp? {
        (self[index] as Int64?).map { Timestamp(seconds: $0) }
    }

    func required<Value>(_ value: Value?, _ column: String) throws -> Value {
        guard let value else { throw CatalogError.failed("catalog: column \(column) holds what it cannot hold") }
        return value
    }

    func address(_ index: Int) throws -> BlobAddress {
        try required(bytes(index).flatMap { BlobAddress(bytes: $0) }, "address")
    }

    func reason(_ index: Int) -> EndReason? {
        (self[index] as String?).flatMap { EndReason(rawValue: $0) }
    }
}

extension Row {
    func timestamp(_ column: String) -> Timestamp? {
        (self[column] as Int64?).map { Timestamp(seconds: $0) }
    }

    func address(_ column: String = "address") throws -> BlobAddress {
        try required((self[column] as Data?).flatMap { BlobAddress(bytes: $0) }, column)
    }
}

extension BlobRow {
    /// As they stand in a row that `init(_:from:)` reads; the id comes first.
    static let columns = "id, address, size, state, uploaded, leases, aliased, sunset, reason, ended"

    /// The same in a statement that has those of leases too, which begin at `columnCount`.
    static let columnsBesideLeases = columns.split(separator: ", ").map { "blob.\($0)" }.joined(separator: ", ")
    static let columnCount = 10

    init(_ row: some RowValues, from column: Int = 0) throws {
        self.init(
            address: try row.address(column + 1),
            size: row[column + 2], state: try row.required(BlobState(rawValue: row[column + 3]), "state"),
            uploaded: Timestamp(seconds: row[column + 4]), leases: row[column + 5],
            aliased: row[column + 6], sunset: row.timestamp(column + 7), reason: row.reason(column + 8),
            ended: row.timestamp(column + 9))
    }
}

extension LeaseRow {
    /// As they stand in a row that `init(_:from:on:)` reads; the id comes first.
    static let columns = """
        lease.id, owner, subject, created, expires, limit_seconds, recipients, hashes, delivered, via, \
        lease.ended, lease.reason
        """

    init(_ row: some RowValues, from column: Int = 0, on address: BlobAddress) throws {
        self.init(
            address: address, owner: row.bytes(column + 1).flatMap { SecretHash(bytes: $0) },
            subject: row[column + 2], created: Timestamp(seconds: row[column + 3]),
            expires: Timestamp(seconds: row[column + 4]),
            limit: try row.required(Lifetime(seconds: row[column + 5]), "limit_seconds"),
            recipients: row[column + 6], hashes: row[column + 7], delivered: row.timestamp(column + 8),
            via: row[column + 9], ended: row.timestamp(column + 10), reason: row.reason(column + 11))
    }
}

extension StoreRow {
    init(_ row: Row) throws {
        self.init(
            identity: try row.required((row["identity"] as Data?).flatMap { StoreIdentity(bytes: $0) }, "identity"),
            commits: row["commits"], latest: Timestamp(seconds: row["latest"]),
            isRestored: (row["restored"] as Int) != 0,
            lastPass: ClockReading(
                wall: Timestamp(seconds: row["pass_wall"]), monotonicSeconds: row["pass_monotonic"],
                boot: row["pass_boot"]))
    }
}

extension OrphanSighting {
    init(_ row: some RowValues, from column: Int) {
        self.init(firstSeen: Timestamp(seconds: row[column]), lastPass: row[column + 1])
    }
}

extension ScrubRow {
    init(_ row: Row) throws {
        self.init(began: Timestamp(seconds: row["began"]))
        latest = Timestamp(seconds: row["latest"])
        cursor = row["cursor"] == nil ? nil : try row.address("cursor")
        blobs = row["blobs"]
        bytes = row["bytes"]
        damaged = row["damaged"]
    }
}
