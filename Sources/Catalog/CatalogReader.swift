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
