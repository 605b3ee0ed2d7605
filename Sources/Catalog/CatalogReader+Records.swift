package import Blobs
import Foundation
import GRDB
package import Store
package import StoreRules

/// Whole rows, for moving a store.
extension CatalogReader {
    /// The next records in the order of their addresses: `blobs` of them, and no more once they have so many leases.
    package func records(after address: BlobAddress?, blobs: Int, leases: Int) throws -> [BlobRecord] {
        var records: [BlobRecord] = []
        var left = leases
        let rows = try database.rows(
            "SELECT \(BlobRow.columns) FROM blob WHERE address > ? ORDER BY address LIMIT ?",
            [address?.data ?? Data(), blobs])
        for row in rows where left > 0 {
            let blob = try BlobRow(row)
            let leases = try leaseRecords(ofBlob: row[0], at: blob.address)
            left -= max(leases.count, 1)
            records.append(BlobRecord(row: blob, leases: leases))
        }
        return records
    }

    private func leaseRecords(ofBlob id: Int64, at address: BlobAddress) throws -> [LeaseRecord] {
        let rows = try database.rows("SELECT \(LeaseRow.columns) FROM lease WHERE blob = ? ORDER BY id", [id])
        if rows.isEmpty { return [] }
        var hashes: [Int64: [SecretHash]] = [:]
        var receipts: [Int64: [ReceiptRecord]] = [:]
        var aliases: [Int64: AliasName] = [:]
        try database.forEachRow("SELECT lease, hash FROM receipt_hash WHERE blob = ?", [id]) { row in
            hashes[row[0], default: []].append(try row.secretHash(1))
        }
        try database.forEachRow(
            "SELECT lease, hash, recipient, at FROM receipt WHERE lease IN (SELECT id FROM lease WHERE blob = ?)", [id]
        ) { row in
            let recipient = try row.required(row.bytes(2).flatMap { Recipient(bytes: $0) }, "recipient")
            receipts[row[0], default: []].append(
                ReceiptRecord(hash: try row.secretHash(1), recipient: recipient, at: Timestamp(seconds: row[3])))
        }
        try database.forEachRow(
            "SELECT lease, name FROM alias WHERE lease IN (SELECT id FROM lease WHERE blob = ? AND via IS NOT NULL)",
            [id]
        ) { row in
            aliases[row[0]] = try row.required(row.bytes(1).flatMap { AliasName(bytes: $0) }, "name")
        }
        return try rows.map { row in
            let id: Int64 = row[0]
            return LeaseRecord(
                row: try LeaseRow(row, on: address), alias: aliases[id], hashes: hashes[id] ?? [],
                receipts: receipts[id] ?? [])
        }
    }

    /// The next finished uploads in the order of their ids, at most `pageRows`; from the first where `id` is nil.
    package func finishedUploads(after id: UploadID?) throws -> [ResumableUpload] {
        try database.rows(
            "SELECT \(UploadColumns.all) FROM upload WHERE state <> 1 AND id > ? ORDER BY id LIMIT ?",
            [id?.data ?? Data(), Catalog.pageRows]
        ).map { try ResumableUpload($0) }
    }

    /// The next bans in the order of their addresses, at most `pageRows`; from the first where `address` is nil.
    package func bans(after address: BlobAddress?) throws -> [BanRecord] {
        try database.rows(
            "SELECT address, since FROM ban WHERE address > ? ORDER BY address LIMIT ?",
            [address?.data ?? Data(), Catalog.pageRows]
        ).map { BanRecord(address: try $0.address(0), since: Timestamp(seconds: $0[1])) }
    }

    /// Whether nobody may hold `address`.
    package func isBanned(_ address: BlobAddress) throws -> Bool {
        try database.number("SELECT 1 FROM ban WHERE address = ?", [address.data]) != nil
    }

    /// The next subjects that have made leases in a day that is remembered, at most `pageRows`, in the order of the bytes of
    /// their names.
    package func subjects(after subject: String?) throws -> [SubjectRecord] {
        try database.rows(
            """
            SELECT subject, day, made FROM charge
            WHERE (?1 IS NULL OR subject > ?1) AND made > 0 ORDER BY subject LIMIT ?2
            """, [subject, Catalog.pageRows]
        ).map { row in
            SubjectRecord(subject: row[0], day: LeaseDay(began: Timestamp(seconds: row[1]), made: row[2]))
        }
    }
}

extension RowValues {
    fileprivate func secretHash(_ index: Int) throws -> SecretHash {
        try required(bytes(index).flatMap { SecretHash(bytes: $0) }, "hash")
    }
}
