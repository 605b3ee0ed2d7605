package import Blobs
import Store
package import StoreRules

/// Questions to the shared catalog, each a round trip of its own; it must not leave the closure that it was given to.
package struct SharedReader {
    let session: Session

    func ask(
        _ statement: PostgresStatement, _ parameters: PostgresParameter...
    ) throws(SharedCatalogError) -> PostgresRows {
        session.deadline = .now + session.patience
        try session.queue(statement, parameters)
        guard let rows = try session.run()[0] else { throw .failed("the database: no rows for \(statement.name)") }
        return rows
    }

    /// The only row that a question has.
    func one(
        _ statement: PostgresStatement, _ parameters: PostgresParameter...
    ) throws(SharedCatalogError) -> ResultRow {
        session.deadline = .now + session.patience
        try session.queue(statement, parameters)
        guard let row = try session.run()[0]?.first else { throw .failed("the database: no row for \(statement.name)") }
        return row
    }

    func limit(_ limit: Int) -> PostgresParameter { .init(.of(min(max(limit, 0), SharedCatalog.pageRows))) }

    /// The row about the store.
    package func store() throws(SharedCatalogError) -> SharedStoreRow {
        let row = try one(.store)
        return SharedStoreRow(
            identity: try row.value(0), latest: try row.time(1), isRestored: try row.flag(2),
            lastPass: ClockReading(
                wall: try row.time(3), monotonicSeconds: try row.number(4), boot: try row.text(5)),
            passToken: row.bytes(6) ?? [], acceptedSeconds: try row.number(7), scannedHour: row.optionalNumber(8))
    }

    /// Whether nothing was ever kept here, as far as is remembered.
    package func isEmpty() throws(SharedCatalogError) -> Bool { try one(.isEmpty).flag(0) }

    // MARK: Blobs

    /// The row of `address`; nil for one never held, or forgotten.
    package func blob(_ address: BlobAddress) throws(SharedCatalogError) -> BlobRow? {
        guard let row = try ask(.lookAtBlobs, .addresses([address])).first else { return nil }
        return try BlobRow(row)
    }

    /// The rows of at most `pageRows` addresses, in their order, with their objects; nil for one never held, or forgotten.
    package func blobs(_ addresses: [BlobAddress]) throws(SharedCatalogError) -> [FoundBlob?] {
        var found: [BlobAddress: FoundBlob] = [:]
        for row in try ask(.findBlobs, .addresses(addresses)).all {
            let blob = try FoundBlob(row)
            found[blob.row.address] = blob
        }
        return addresses.map { found[$0] }
    }

    /// The next rows in the order of their addresses, at most `limit` (up to `pageRows`), with their objects; from the
    /// first where `address` is nil.
    package func blobs(after address: BlobAddress?, limit: Int) throws(SharedCatalogError) -> [FoundBlob] {
        try found(.blobsAfter, after: address, limit: limit)
    }

    /// The same of blobs that are held, or damaged.
    package func presentBlobs(after address: BlobAddress?, limit: Int) throws(SharedCatalogError) -> [FoundBlob] {
        try found(.presentBlobsAfter, after: address, limit: limit)
    }

    /// The same, without their objects: these may be very many.
    package func presentRows(after address: BlobAddress?, limit count: Int) throws(SharedCatalogError) -> [BlobRow] {
        var rows: [BlobRow] = []
        for row in try ask(.presentRowsAfter, .init(.bytes(address?.bytes ?? [])), limit(count)).all {
            rows.append(try BlobRow(row))
        }
        return rows
    }

    private func found(
        _ statement: PostgresStatement, after address: BlobAddress?, limit count: Int
    ) throws(SharedCatalogError) -> [FoundBlob] {
        var found: [FoundBlob] = []
        for row in try ask(statement, .init(.bytes(address?.bytes ?? [])), limit(count)).all {
            found.append(try FoundBlob(row))
        }
        return found
    }

    /// The objects of a list, in its order.
    package func parts(of list: ObjectID) throws(SharedCatalogError) -> [ObjectRow] {
        var parts: [ObjectRow] = []
        while true {
            let next = try ask(.parts, .init(.of(list as ObjectID?)), .init(.of(parts.last.map { $0.number })))
            for row in next.all {
                parts.append(
                    ObjectRow(
                        id: try row.value(0), list: list, number: try row.int(1),
                        size: ObjectRow.possible(try row.number(2)), digest: try row.address(3)))
            }
            if next.count < SharedCatalog.pageRows { return parts }
        }
    }

    // MARK: Aliases

    /// The address of the blob that `alias` leads to; nil where it leads nowhere.
    package func address(of alias: AliasName) throws(SharedCatalogError) -> BlobAddress? {
        try ask(.addressOfAlias, .init(.of(alias))).first?.optionalAddress(0)
    }

    /// How many live leases have an alias, by where that comes from, among those behind lease number `last`, at most
    /// `pageRows` of them; with the number of the last one, nil at the end.
    package func aliases(
        at now: Timestamp, after last: Int64
    ) throws(SharedCatalogError) -> (counts: [String: Int], last: Int64?) {
        var (counts, next) = ([String: Int](), Int64?.none)
        for row in try ask(.aliases, .init(.of(now)), .init(.number(last)), limit(SharedCatalog.pageRows)).all {
            next = try row.number(0)
            if try row.flag(2) { counts[row.optionalText(1) ?? "", default: 0] += 1 }
        }
        return (counts, next)
    }

    // MARK: Leases

    /// The lease that `owner` names on `address`, ended or not.
    package func lease(on address: BlobAddress, owner: SecretHash) throws(SharedCatalogError) -> LeaseRow? {
        guard let row = try ask(.leaseOfOwner, .init(.of(address)), .init(.of(owner as SecretHash?))).first else {
            return nil
        }
        return try LeaseRow(row, from: 0)
    }

    /// Who has said "delivered" for the lease that `owner` names on `address`, in the order they did.
    package func receipts(
        on address: BlobAddress, owner: SecretHash
    ) throws(SharedCatalogError) -> [Lease.Receipt] {
        var receipts: [Lease.Receipt] = []
        for row in try ask(.receiptsOfOwner, .init(.of(address)), .init(.of(owner as SecretHash?))).all {
            receipts.append(Lease.Receipt(recipient: try row.value(0), at: try row.time(1)))
        }
        return receipts
    }

    /// What `subject` holds.
    package func usage(of subject: String) throws(SharedCatalogError) -> Usage {
        guard let row = try ask(.lookAtCharges, .texts([subject])).first else { return Usage() }
        return Usage(leases: try row.int(1), bytes: try row.number(2))
    }

    /// How many leases `subject` has made in the day that it made the last one in; nil where that is forgotten.
    package func day(of subject: String) throws(SharedCatalogError) -> LeaseDay? {
        guard let row = try ask(.lookAtCharges, .texts([subject])).first else { return nil }
        let day = LeaseDay(began: try row.time(3), made: try row.int(4))
        return day.made > 0 ? day : nil
    }

    /// When the next lease of `subject` is over.
    package func nextEnd(ofSubject subject: String) throws(SharedCatalogError) -> Timestamp? {
        try one(.nextEndOfSubject, .init(.text(subject))).optionalTime(0)
    }
}

extension PostgresStatement {
    fileprivate static let store = PostgresStatement(
        "store",
        """
        SELECT identity, latest, restored, pass_wall, pass_monotonic, pass_boot, pass_token, accepted, scanned_hour
        FROM satchel.store
        """)
    fileprivate static let isEmpty = PostgresStatement(
        "is empty",
        """
        SELECT NOT EXISTS (SELECT FROM satchel.blob) AND NOT EXISTS (SELECT FROM satchel.object)
            AND NOT EXISTS (SELECT FROM satchel.upload) AND NOT EXISTS (SELECT FROM satchel.garbage)
        """)
    fileprivate static let blobsAfter = PostgresStatement(
        "blobs after",
        """
        SELECT \(FoundBlob.columns) FROM satchel.blob b \(FoundBlob.join)
        WHERE b.address > $1::bytea ORDER BY b.address LIMIT $2::bigint
        """)
    fileprivate static let presentBlobsAfter = PostgresStatement(
        "present blobs after",
        """
        SELECT \(FoundBlob.columns) FROM satchel.blob b \(FoundBlob.join)
        WHERE b.address > $1::bytea AND b.state IN (1, 3) ORDER BY b.address LIMIT $2::bigint
        """)
    fileprivate static let presentRowsAfter = PostgresStatement(
        "present rows after",
        """
        SELECT \(BlobRow.columns) FROM satchel.blob b
        WHERE b.address > $1::bytea AND b.state IN (1, 3) ORDER BY b.address LIMIT $2::bigint
        """)
    fileprivate static let parts = PostgresStatement(
        "parts",
        """
        SELECT id, nr, size, digest FROM satchel.object
        WHERE list = $1::uuid AND nr > coalesce($2::bigint, -1) ORDER BY nr LIMIT \(SharedCatalog.pageRows)
        """)
    fileprivate static let addressOfAlias = PostgresStatement(
        "address of alias",
        """
        SELECT l.address FROM satchel.alias a JOIN satchel.lease l ON l.id = a.lease WHERE a.name = $1::bytea
        """)
    fileprivate static let aliases = PostgresStatement(
        "aliases",
        """
        SELECT l.id, l.via, l.ended IS NULL AND l.expires > $1::bigint
        FROM satchel.alias a JOIN satchel.lease l ON l.id = a.lease
        WHERE a.lease > $2::bigint ORDER BY a.lease LIMIT $3::bigint
        """)
    fileprivate static let leaseOfOwner = PostgresStatement(
        "lease of owner",
        "SELECT \(LeaseRow.columns) FROM satchel.lease l WHERE l.address = $1::bytea AND l.owner = $2::bytea")
    fileprivate static let receiptsOfOwner = PostgresStatement(
        "receipts of owner",
        """
        SELECT recipient, at FROM satchel.receipt WHERE lease = (
            SELECT id FROM satchel.lease WHERE address = $1::bytea AND owner = $2::bytea)
        ORDER BY at, recipient
        """)
    fileprivate static let nextEndOfSubject = PostgresStatement(
        "next end of subject",
        "SELECT min(expires) FROM satchel.lease WHERE subject = $1::text AND ended IS NULL AND expires > 0")
}
