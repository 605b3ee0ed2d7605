package import Blobs
import Foundation
import GRDB
import Store

/// Questions to one consistent state of the catalogue; it must not leave the closure that it was given to.
package struct CatalogReader {
    let database: Database

    /// The row about the store.
    package func store() throws -> StoreRow {
        guard let row = try database.row("SELECT * FROM store") else {
            throw CatalogError.failed("catalogue: it has no store row")
        }
        return try StoreRow(row)
    }

    // MARK: Blobs

    /// The row of `address`; nil for one never held, or forgotten.
    package func blob(_ address: BlobAddress) throws -> BlobRow? {
        try database.row("SELECT \(BlobRow.columns) FROM blob WHERE address = ?", [address.data]).map(BlobRow.init)
    }

    /// The next rows in the order of their addresses, at most `pageRows`; from the first where `address` is nil.
    package func blobs(after address: BlobAddress?) throws -> [BlobRow] {
        try database.rows(
            "SELECT \(BlobRow.columns) FROM blob WHERE address > ? ORDER BY address LIMIT ?",
            [address?.data ?? Data(), Catalog.pageRows]
        ).map(BlobRow.init)
    }

    /// Blobs that no lease holds any more and whose removal has not begun, from row `id` on.
    package func unheldBlobs(after id: Int64, limit: Int) throws -> [BlobRow] {
        try database.rows(
            """
            SELECT \(BlobRow.columns) FROM blob INDEXED BY blob_unheld
            WHERE leases = 0 AND state IN (1, 3) AND id > ? ORDER BY id LIMIT ?
            """, [id, limit]
        ).map(BlobRow.init)
    }

    /// Blobs whose removal has begun.
    package func removals(limit: Int) throws -> [BlobRow] {
        try database.rows("SELECT \(BlobRow.columns) FROM blob WHERE state = 2 ORDER BY id LIMIT ?", [limit])
            .map(BlobRow.init)
    }

    /// Those of at most `pageRows` addresses whose file a row accounts for.
    package func accounted(_ addresses: [BlobAddress]) throws -> Set<BlobAddress> {
        var found: Set<BlobAddress> = []
        for address in addresses {
            if try database.number("SELECT state FROM blob WHERE address = ? AND state <> 4", [address.data]) != nil {
                found.insert(address)
            }
        }
        return found
    }

    // MARK: Leases

    /// The lease that `owner` names on the blob of row `blob`, ended or not.
    package func lease(on blob: Int64, owner: SecretHash) throws -> LeaseRow? {
        try database.row("SELECT \(LeaseRow.columns) FROM lease WHERE blob = ? AND owner = ?", [blob, owner.data])
            .map(LeaseRow.init)
    }

    /// The lease without owner that `subject` has on the blob of row `blob`, if it has not been ended.
    package func unownedLease(on blob: Int64, subject: String) throws -> LeaseRow? {
        try database.row(
            """
            SELECT \(LeaseRow.columns) FROM lease
            WHERE blob = ? AND subject = ? AND owner IS NULL AND ended IS NULL
            """, [blob, subject]
        ).map(LeaseRow.init)
    }

    /// Leases whose time is up at `now` and that nobody has ended yet, soonest first, from behind `previous` on.
    package func dueLeases(at now: Timestamp, after previous: LeaseRow?, limit: Int) throws -> [LeaseRow] {
        try database.rows(
            """
            SELECT \(LeaseRow.columns) FROM lease
            WHERE ended IS NULL AND expires <= ? AND (expires, id) > (?, ?) ORDER BY expires, id LIMIT ?
            """, [now.seconds, previous?.expires.seconds ?? .min, previous?.id ?? .min, limit]
        ).map(LeaseRow.init)
    }

    /// What `subject` holds.
    package func charge(of subject: String) throws -> Charge {
        guard let row = try database.row("SELECT leases, bytes FROM charge WHERE subject = ?", [subject]) else {
            return Charge(leases: 0, bytes: 0)
        }
        return Charge(leases: row["leases"], bytes: row["bytes"])
    }

    /// When the next lease of `subject` is over.
    package func nextEnd(ofSubject subject: String) throws -> Timestamp? {
        try database.number("SELECT min(expires) FROM lease WHERE subject = ? AND ended IS NULL", [subject])
            .map { Timestamp(seconds: $0) }
    }

    /// When the next lease on the blob of row `blob` is over.
    package func nextEnd(ofBlob blob: Int64) throws -> Timestamp? {
        try database.number("SELECT min(expires) FROM lease WHERE blob = ? AND ended IS NULL", [blob])
            .map { Timestamp(seconds: $0) }
    }

    // MARK: What the sweep remembers

    /// How many tombstones and ended leases are older than `end`, counting at most `pageRows` of each.
    package func forgettable(endedBefore end: Timestamp) throws -> Int {
        let arguments: StatementArguments = [end.seconds, Catalog.pageRows]
        let gone = try database.number(
            "SELECT count(*) FROM (SELECT 1 FROM blob WHERE state = 4 AND ended < ? LIMIT ?)", arguments)
        let ended = try database.number(
            "SELECT count(*) FROM (SELECT 1 FROM lease WHERE ended IS NOT NULL AND ended < ? LIMIT ?)", arguments)
        return Int((gone ?? 0) + (ended ?? 0))
    }

    /// Files without a row that were first seen no later than `end`, in the order of their addresses.
    package func orphans(after address: BlobAddress?, seenBy end: Timestamp, limit: Int) throws -> [BlobAddress] {
        try database.rows(
            "SELECT address FROM orphan WHERE address > ? AND first_seen <= ? ORDER BY address LIMIT ?",
            [address?.data ?? Data(), end.seconds, limit]
        ).map { try $0.address() }
    }
}
