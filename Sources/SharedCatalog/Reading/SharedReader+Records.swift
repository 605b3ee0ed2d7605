package import Blobs
package import Store
package import StoreRules

/// Whole rows, for moving a store. Each is right by itself where nobody changes it meanwhile.
extension SharedReader {
    /// The next records in the order of their addresses: `blobs` of them (up to `pageRows`), and no more once they have so
    /// many leases.
    package func records(
        after address: BlobAddress?, blobs limit: Int, leases most: Int
    ) throws(SharedCatalogError) -> [BlobRecord] {
        var blobs = try self.blobs(after: address, limit: limit).map(\.row)
        if blobs.isEmpty { return [] }
        var rows = try leases(on: blobs.map(\.address), most: most + 1)
        if rows.count > most, let last = rows.last?.lease.address {
            // Those of the last one are not all here.
            blobs = blobs.filter { $0.address < last }
            rows = rows.filter { $0.lease.address < last }
            if blobs.isEmpty {
                guard let blob = try self.blob(last) else {
                    return try records(after: last, blobs: limit, leases: most)
                }
                blobs = [blob]
                rows = try leases(on: [last], most: .max)
            }
        }
        let parts = try parts(of: rows)
        var leases: [BlobAddress: [LeaseRecord]] = [:]
        for (number, lease) in rows {
            leases[lease.address, default: []].append(
                LeaseRecord(
                    row: lease, alias: parts.aliases[number], hashes: parts.hashes[number] ?? [],
                    receipts: parts.receipts[number] ?? []))
        }
        return blobs.map { BlobRecord(row: $0, leases: leases[$0.address] ?? []) }
    }

    /// Leases in the order of their addresses and then of their numbers.
    private func leases(
        on addresses: [BlobAddress], most: Int
    ) throws(SharedCatalogError) -> [(number: Int64, lease: LeaseRow)] {
        var leases: [(number: Int64, lease: LeaseRow)] = []
        for row in try ask(.leasesOn, .addresses(addresses), .init(.of(most))).all {
            leases.append((try row.number(0), try LeaseRow(row, from: 0)))
        }
        return leases
    }

    /// What belongs to leases, by their numbers.
    private struct LeaseParts {
        var aliases: [Int64: AliasName] = [:]
        var hashes: [Int64: [SecretHash]] = [:]
        var receipts: [Int64: [ReceiptRecord]] = [:]
    }

    private func parts(
        of leases: [(number: Int64, lease: LeaseRow)]
    ) throws(SharedCatalogError) -> LeaseParts {
        var parts = LeaseParts()
        for start in stride(from: 0, to: leases.count, by: SharedCatalog.pageRows) {
            let some = leases[start..<min(start + SharedCatalog.pageRows, leases.count)]
            let numbers = PostgresParameter.numbers(some.map(\.number))
            for row in try ask(.aliasesOf, numbers).all {
                parts.aliases[try row.number(0)] = try row.required(
                    row.bytes(1).flatMap { AliasName(bytes: $0) }, 1)
            }
            for row in try ask(.hashesOf, numbers).all {
                parts.hashes[try row.number(0), default: []].append(try row.value(1))
            }
            for row in try ask(.receiptsOf, numbers).all {
                parts.receipts[try row.number(0), default: []].append(
                    ReceiptRecord(hash: try row.value(1), recipient: try row.value(2), at: try row.time(3)))
            }
        }
        return parts
    }

    // MARK: The rest

    /// The next finished uploads in the order of their ids, at most `pageRows`; from the first where `id` is nil.
    package func finishedUploads(after id: UploadID?) throws(SharedCatalogError) -> [ResumableUpload] {
        try uploads(ask(.finishedUploads, .init(.bytes(id?.bytes ?? [])), limit(SharedCatalog.pageRows))).map(\.upload)
    }

    /// The next bans in the order of their addresses, at most `pageRows`; from the first where `address` is nil.
    package func bans(after address: BlobAddress?) throws(SharedCatalogError) -> [BanRecord] {
        var bans: [BanRecord] = []
        for row in try ask(.bansAfter, .init(.bytes(address?.bytes ?? [])), limit(SharedCatalog.pageRows)).all {
            bans.append(BanRecord(address: try row.address(0), since: try row.time(1)))
        }
        return bans
    }

    /// Whether nobody may hold `address`.
    package func isBanned(_ address: BlobAddress) throws(SharedCatalogError) -> Bool {
        try ask(.findBans, .addresses([address])).count > 0
    }

    /// The next subjects that have made leases in a day that is remembered, at most `pageRows`, in the order of the bytes of
    /// their names.
    package func subjects(after subject: String?) throws(SharedCatalogError) -> [SubjectRecord] {
        var subjects: [SubjectRecord] = []
        for row in try ask(.subjectsAfter, .init(.of(subject)), limit(SharedCatalog.pageRows)).all {
            subjects.append(
                SubjectRecord(
                    subject: try row.text(0), day: LeaseDay(began: try row.time(1), made: try row.int(2))))
        }
        return subjects
    }
}

extension PostgresStatement {
    fileprivate static let leasesOn = PostgresStatement(
        "leases on",
        """
        SELECT \(LeaseRow.columns) FROM satchel.lease l WHERE l.address = ANY ($1::bytea[])
        ORDER BY l.address, l.id LIMIT $2::bigint
        """)
    fileprivate static let aliasesOf = PostgresStatement(
        "aliases of", "SELECT lease, name FROM satchel.alias WHERE lease = ANY ($1::bigint[])")
    fileprivate static let hashesOf = PostgresStatement(
        "hashes of", "SELECT lease, hash FROM satchel.receipt_hash WHERE lease = ANY ($1::bigint[])")
    fileprivate static let receiptsOf = PostgresStatement(
        "receipts of", "SELECT lease, hash, recipient, at FROM satchel.receipt WHERE lease = ANY ($1::bigint[])")
    fileprivate static let finishedUploads = PostgresStatement(
        "finished uploads",
        """
        SELECT \(UploadRow.columns) FROM satchel.upload
        WHERE state <> 1 AND id > $1::bytea ORDER BY id LIMIT $2::bigint
        """)
    fileprivate static let bansAfter = PostgresStatement(
        "bans after",
        "SELECT address, since FROM satchel.ban WHERE address > $1::bytea ORDER BY address LIMIT $2::bigint")
    fileprivate static let subjectsAfter = PostgresStatement(
        "subjects after",
        """
        SELECT subject, day, made FROM satchel.charge
        WHERE ($1::text IS NULL OR subject > $1::text) AND made > 0 ORDER BY subject LIMIT $2::bigint
        """)
}
