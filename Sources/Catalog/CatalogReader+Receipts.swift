package import Blobs
import Foundation
import GRDB
import Store

/// Who may say "delivered" for a lease, and who has.
extension CatalogReader {
    /// The newest leases on the blob of row `blob` that admit the secret with this hash, ended or not: at most
    /// `pageRows`.
    package func leases(on blob: Int64, admitting hash: SecretHash) throws -> [LeaseRow] {
        try database.rows(
            """
            SELECT \(LeaseRow.columns) FROM lease WHERE id IN (
                SELECT lease FROM receipt_hash WHERE blob = ? AND hash = ? ORDER BY lease DESC LIMIT ?)
            """, [blob, hash.data, Catalog.pageRows]
        ).map(LeaseRow.init)
    }

    /// Whether the secret with this hash has said "delivered" for a lease: for `recipient`, or for anybody.
    package func hasReceipt(of lease: Int64, by hash: SecretHash, from recipient: Recipient?) throws -> Bool {
        guard let recipient else {
            return try database.number(
                "SELECT 1 FROM receipt WHERE lease = ? AND hash = ? LIMIT 1", [lease, hash.data]) != nil
        }
        return try database.number(
            "SELECT 1 FROM receipt WHERE lease = ? AND hash = ? AND recipient = ?",
            [lease, hash.data, recipient.data]) != nil
    }

    /// How many have said "delivered" for a lease.
    package func receiptCount(of lease: Int64) throws -> Int {
        Int(try database.number("SELECT count(*) FROM receipt WHERE lease = ?", [lease]) ?? 0)
    }

    /// Who has said "delivered" for a lease, in the order they did.
    package func receipts(of lease: Int64) throws -> [Lease.Receipt] {
        try database.rows("SELECT recipient, at FROM receipt WHERE lease = ? ORDER BY at, recipient", [lease]).map {
            let recipient = try $0.required(($0["recipient"] as Data?).flatMap { Recipient(bytes: $0) }, "recipient")
            return Lease.Receipt(recipient: recipient, at: Timestamp(seconds: $0["at"]))
        }
    }
}
