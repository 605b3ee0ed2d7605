package import Blobs
import GRDB
import Store

/// What sweeps change: many rows by one statement, so that a batch holds up no upload for long.
extension CatalogWriter {
    /// Ends at most `limit` leases whose time is up, those first that are due longest, each as `endLease` would; tells
    /// how many.
    package func endDueLeases(at now: Timestamp, limit: Int) throws -> Int {
        let due = try database.rows(
            """
            SELECT lease.id, lease.blob, lease.subject, lease.delivered, blob.size, blob.address
            FROM lease JOIN blob ON blob.id = lease.blob
            WHERE lease.ended IS NULL AND lease.expires <= ? ORDER BY lease.expires, lease.id LIMIT ?
            """, [now.seconds, limit])
        if due.isEmpty { return 0 }
        for row in due { touched.insert(try row.address()) }
        try database.run(
            """
            UPDATE lease SET ended = ?, reason = iif(delivered IS NULL, 'expired', 'delivered'), subject = NULL
            WHERE id IN (SELECT value FROM json_each(?))
            """, [now.seconds, Self.list(due.map { $0["id"] })])
        try discharge(due)
        try sumUp(due)
        return due.count
    }

    /// Takes what ended leases cost off their subjects' charges.
    private func discharge(_ ended: [Row]) throws {
        var charges: [String: Charge] = [:]
        for row in ended {
            guard let subject = row["subject"] as String? else { continue }
            var charge = charges[subject] ?? Charge(leases: 0, bytes: 0)
            charge.leases += 1
            charge.bytes += Charge.bytes(for: row["size"])
            charges[subject] = charge
        }
        for (subject, charge) in charges {
            try database.run(
                "UPDATE charge SET leases = leases - ?, bytes = bytes - ? WHERE subject = ?",
                [charge.leases, charge.bytes, subject])
            try database.run("DELETE FROM charge WHERE subject = ? AND leases <= 0", [subject])
        }
    }

    /// Brings the rows of blobs up to date with their leases, some of which have just ended in this order.
    private func sumUp(_ ended: [Row]) throws {
        var reasons: [Int64: EndReason] = [:]
        for row in ended { reasons[row["blob"]] = row["delivered"] as Int64? == nil ? .expired : .delivered }
        let all = Self.list(Array(reasons.keys))
        try database.run(
            """
            UPDATE blob SET
                leases = (SELECT count(*) FROM lease WHERE lease.blob = blob.id AND lease.ended IS NULL),
                sunset = (SELECT max(expires) FROM lease WHERE lease.blob = blob.id AND lease.ended IS NULL),
                reason = (
                    SELECT CASE WHEN delivered IS NULL THEN NULL ELSE 'delivered' END FROM lease
                    WHERE lease.blob = blob.id AND lease.ended IS NULL ORDER BY expires DESC, id DESC LIMIT 1)
            WHERE id IN (SELECT value FROM json_each(?))
            """, [all])
        for reason in Set(reasons.values) {
            try database.run(
                "UPDATE blob SET reason = ? WHERE leases = 0 AND id IN (SELECT value FROM json_each(?))",
                [reason.rawValue, Self.list(reasons.filter { $0.value == reason }.map(\.key))])
        }
    }

    /// Begins the removal of those of these blobs that no lease holds, and gives them.
    ///
    /// Rows are named by their ids: only a sweep drops a row, a tombstone at that, and one sweep runs at a time.
    package func markForRemoval(_ ids: [Int64]) throws -> [BlobRow] {
        let list = Self.list(ids)
        try database.run(
            """
            UPDATE blob SET state = 2
            WHERE leases = 0 AND state IN (1, 3) AND id IN (SELECT value FROM json_each(?))
            """, [list])
        let marked = try database.rows(
            "SELECT \(BlobRow.columns) FROM blob WHERE state = 2 AND id IN (SELECT value FROM json_each(?))", [list]
        ).map(BlobRow.init)
        for blob in marked { touched.insert(blob.address) }
        return marked
    }

    /// Ends removals: what stays of each is a tombstone with the reason.
    package func forget(_ ids: [Int64], now: Timestamp) throws {
        try database.run(
            """
            UPDATE blob SET state = 4, ended = ? WHERE state = 2 AND id IN (SELECT value FROM json_each(?))
            """, [now.seconds, Self.list(ids)])
    }

    /// Drops at most `limit` each of the tombstones and of the ended leases that are older than `end`; tells how many.
    package func dropForgotten(endedBefore end: Timestamp, limit: Int) throws -> Int {
        let ended = try database.rows(
            "SELECT id FROM lease WHERE ended IS NOT NULL AND ended < ? ORDER BY ended LIMIT ?", [end.seconds, limit])
        let list = Self.list(ended.map { $0["id"] })
        for table in ["receipt", "receipt_hash"] {
            try database.run("DELETE FROM \(table) WHERE lease IN (SELECT value FROM json_each(?))", [list])
        }
        try database.run("DELETE FROM lease WHERE id IN (SELECT value FROM json_each(?))", [list])
        // A tombstone is no older than the last of its leases, so it goes after them.
        let gone = try database.run(
            """
            DELETE FROM blob WHERE id IN (
                SELECT b.id FROM blob b WHERE b.state = 4 AND b.ended < ?
                AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.blob = b.id) ORDER BY b.ended LIMIT ?)
            """, [end.seconds, limit])
        return ended.count + gone
    }

    /// Ids as SQLite's `json_each` takes them: one statement, compiled once, for any number.
    private static func list(_ ids: [Int64]) -> String { "[\(ids.map(String.init).joined(separator: ","))]" }
}
