import Blobs
import Foundation
import GRDB
import Store

/// The few shapes of statement that the catalogue uses; each is compiled once for a connection.
extension Database {
    /// Runs one statement and tells how many rows it changed.
    @discardableResult
    func run(_ sql: String, _ arguments: StatementArguments = []) throws -> Int {
        try cachedStatement(sql: sql).execute(arguments: arguments)
        return changesCount
    }

    /// The first row, if there is one.
    func row(_ sql: String, _ arguments: StatementArguments = []) throws -> Row? {
        try Row.fetchOne(cachedStatement(sql: sql), arguments: arguments)
    }

    /// All rows of a statement that bounds them itself.
    func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Row] {
        try Row.fetchAll(cachedStatement(sql: sql), arguments: arguments)
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

extension Row {
    func timestamp(_ column: String) -> Timestamp? {
        (self[column] as Int64?).map { Timestamp(seconds: $0) }
    }

    func required<Value>(_ value: Value?, _ column: String) throws -> Value {
        guard let value else { throw CatalogError.failed("catalogue: column \(column) holds what it cannot hold") }
        return value
    }

    func address(_ column: String = "address") throws -> BlobAddress {
        try required((self[column] as Data?).flatMap { BlobAddress(bytes: $0) }, column)
    }
}

extension BlobRow {
    static let columns = "id, address, size, state, leases, sunset, reason"

    init(_ row: Row) throws {
        id = row["id"]
        address = try row.address()
        size = row["size"]
        state = try row.required(BlobState(rawValue: row["state"]), "state")
        leases = row["leases"]
        sunset = row.timestamp("sunset")
        reason = (row["reason"] as String?).flatMap { EndReason(rawValue: $0) }
    }
}

extension LeaseRow {
    static let columns =
        "id, blob, subject, created, expires, limit_seconds, recipients, hashes, delivered, reason"

    init(_ row: Row) throws {
        id = row["id"]
        blob = row["blob"]
        subject = row["subject"]
        created = Timestamp(seconds: row["created"])
        expires = Timestamp(seconds: row["expires"])
        limit = try row.required(Lifetime(seconds: row["limit_seconds"]), "limit_seconds")
        recipients = row["recipients"]
        hashes = row["hashes"]
        delivered = row.timestamp("delivered")
        reason = (row["reason"] as String?).flatMap { EndReason(rawValue: $0) }
    }
}

extension StoreRow {
    init(_ row: Row) throws {
        identity = try row.required((row["identity"] as Data?).flatMap { StoreIdentity(bytes: $0) }, "identity")
        commits = row["commits"]
        latest = Timestamp(seconds: row["latest"])
        isRestored = (row["restored"] as Int) != 0
        lastPass = ClockReading(
            wall: Timestamp(seconds: row["pass_wall"]), monotonicSeconds: row["pass_monotonic"],
            boot: row["pass_boot"])
    }
}
