package import Blobs
import GRDB
import Store

/// What happens to a lease between its making and its end.
extension CatalogWriter {
    /// Lets the secrets with these hashes say "delivered" for a new lease.
    func admit(_ hashes: [SecretHash], to lease: Int64, on blob: Int64) throws {
        for hash in hashes {
            try database.run("INSERT INTO receipt_hash VALUES (?, ?, ?)", [lease, hash.data, blob])
        }
    }

    /// Notes a "delivered".
    package func addReceipt(
        of lease: Int64, by hash: SecretHash, from recipient: Recipient, at now: Timestamp
    ) throws {
        try database.run(
            "INSERT INTO receipt VALUES (?, ?, ?, ?)", [lease, hash.data, recipient.data, now.seconds])
    }

    /// Notes that everybody expected has said "delivered" for a live lease, which therefore ends at `expires`.
    package func completeDelivery(of lease: LeaseRow, expires: Timestamp, at now: Timestamp) throws {
        try database.run(
            "UPDATE lease SET delivered = ?, expires = ? WHERE id = ?", [now.seconds, expires.seconds, lease.id])
        try sumUp(lease.blob)
    }

    /// Moves the end of a live lease.
    package func renewLease(_ lease: LeaseRow, expires: Timestamp) throws {
        try database.run("UPDATE lease SET expires = ? WHERE id = ?", [expires.seconds, lease.id])
        try sumUp(lease.blob)
    }
}
