package import Blobs
import Foundation
import GRDB
package import Store
package import StoreRules

/// Questions to one consistent state of the catalog; it must not leave the closure that it was given to.
package struct CatalogReader {
    let database: Database

    /// What a change would come to, without making it.
    package func judge<Change: CatalogChange>(
        _ change: Change, at now: Timestamp
    ) throws(CatalogError) -> Result<Change.Outcome, StoreError> {
        try SQLiteTransaction(database).judge(change, at: now)
    }

    /// The row about the store.
    package func store() throws -> StoreRow {
        guard let row = try database.row("SELECT * FROM store") else {
            throw CatalogError.failed("catalog: it has no store row")
        }
        return try StoreRow(row)
    }

    // MARK: Blobs

    /// The row of `address`; nil for one never held, or forgotten.
    package func blob(_ address: BlobAddress) throws -> BlobRow? {
        try database.row("SELECT \(BlobRow.columns) FROM blob WHERE address = ?", [address.data])
            .map { try BlobRow($0) }
    }

    /// The rows of at most `pageRows` addresses, in their order; nil for one never held, or forgotten.
    package func blobs(_ addresses: [BlobAddress]) throws -> [BlobRow?] {
        var keys = RowBatch(.findBlobs)
        for (index, address) in addresses.enumerated() { keys.append([.of(index), .of(address)]) }
        var rows = [BlobRow?](repeating: nil, count: addresses.count)
        try keys.forEachRow(in: database) { rows[$0[0]] = try BlobRow($0, from: 1) }
        return rows
    }

    /// The next rows in the order of their addresses, at most `pageRows`; from the first where `address` is nil.
    package func blobs(after address: BlobAddress?) throws -> [BlobRow] {
        try database.rows(
            "SELECT \(BlobRow.columns) FROM blob WHERE address > ? ORDER BY address LIMIT ?",
            [address?.data ?? Data(), Catalog.pageRows]
        ).map { try BlobRow($0) }
    }

    /// Those of at most `pageRows` addresses whose file a row accounts for.
    package func accounted(_ addresses: [BlobAddress]) throws -> Set<BlobAddress> {
        var keys = RowBatch(.findAccounted)
        for (index, address) in addresses.enumerated() { keys.append([.of(index), .of(address)]) }
        var found: Set<BlobAddress> = []
        try keys.forEachRow(in: database) { found.insert(addresses[$0[0]]) }
        return found
    }

    // MARK: Aliases

    /// The blob of the lease that `alias` leads to, and that lease; nil where it leads nowhere.
    package func aliased(_ alias: AliasName) throws -> (blob: BlobRow, lease: LeaseRow)? {
        let row = try database.row(
            """
            SELECT \(BlobRow.columnsBesideLeases), \(LeaseRow.columns)
            FROM alias CROSS JOIN lease CROSS JOIN blob
            WHERE alias.name = ? AND lease.id = alias.lease AND blob.id = lease.blob
            """, [Data(alias.bytes)])
        guard let row else { return nil }
        let blob = try BlobRow(row)
        return (blob, try LeaseRow(row, from: BlobRow.columnCount, on: blob.address))
    }

    /// The address of the blob that `alias` leads to; nil where it leads nowhere.
    package func address(of alias: AliasName) throws -> BlobAddress? {
        try database.row(
            """
            SELECT blob.address FROM alias CROSS JOIN lease CROSS JOIN blob
            WHERE alias.name = ? AND lease.id = alias.lease AND blob.id = lease.blob
            """, [Data(alias.bytes)]
        ).map { try $0.address(0) }
    }

    /// How many live leases have an alias, by where that comes from, among those behind lease number `last`, at most
    /// `pageRows` of them; with the number of the last one, nil at the end.
    package func aliases(
        at now: Timestamp, after last: Int64
    ) throws -> (counts: [String: Int], last: Int64?) {
        var (counts, next) = ([String: Int](), Int64?.none)
        try database.forEachRow(
            """
            SELECT lease.id, via, lease.ended IS NULL AND expires > ? FROM alias CROSS JOIN lease
            WHERE alias.lease > ? AND lease.id = alias.lease ORDER BY alias.lease LIMIT ?
            """, [now.seconds, last, Catalog.pageRows]
        ) { row in
            next = row[0]
            if row[2] { counts[row[1] ?? "", default: 0] += 1 }
        }
        return (counts, next)
    }

    // MARK: Leases

    /// The lease that `owner` names on `address`, ended or not.
    package func lease(on address: BlobAddress, owner: SecretHash) throws -> LeaseRow? {
        try database.row(
            """
            SELECT \(LeaseRow.columns) FROM lease WHERE blob = (SELECT id FROM blob WHERE address = ?) AND owner = ?
            """, [address.data, owner.data]
        ).map { try LeaseRow($0, on: address) }
    }

    /// Who has said "delivered" for the lease that `owner` names on `address`, in the order they did.
    package func receipts(on address: BlobAddress, owner: SecretHash) throws -> [Lease.Receipt] {
        try database.rows(
            """
            SELECT recipient, at FROM receipt WHERE lease = (
                SELECT id FROM lease WHERE blob = (SELECT id FROM blob WHERE address = ?) AND owner = ?)
            ORDER BY at, recipient
            """, [address.data, owner.data]
        ).map {
            let recipient = try $0.required(($0["recipient"] as Data?).flatMap { Recipient(bytes: $0) }, "recipient")
            return Lease.Receipt(recipient: recipient, at: Timestamp(seconds: $0["at"]))
        }
    }

    /// What `subject` holds.
    package func usage(of subject: String) throws -> Usage {
        guard let row = try database.row("SELECT leases, bytes FROM charge WHERE subject = ?", [subject]) else {
            return Usage()
        }
        return Usage(leases: row["leases"], bytes: row["bytes"])
    }

    /// How many leases `subject` has made in the day that it made the last one in; nil where that is forgotten.
    package func day(of subject: String) throws -> LeaseDay? {
        try database.row("SELECT day, made FROM charge WHERE subject = ? AND made > 0", [subject])
            .map { LeaseDay(began: Timestamp(seconds: $0["day"]), made: $0["made"]) }
    }

    /// When the next lease of `subject` is over.
    package func nextEnd(ofSubject subject: String) throws -> Timestamp? {
        try database.number("SELECT min(expires) FROM lease WHERE subject = ? AND ended IS NULL", [subject])
            .map { Timestamp(seconds: $0) }
    }
}
