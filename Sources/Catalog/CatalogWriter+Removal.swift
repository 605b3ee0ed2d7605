package import Blobs
import GRDB
import Store

/// Ends that come from outside: what was over by time before them is ended as such first, so that the reason that a
/// blob is gone is always that of the lease that ended last.
extension CatalogWriter {
    /// Ends the leases on the blob of row `blob` whose time is up.
    package func endDueLeases(on blob: Int64, at now: Timestamp) throws {
        for lease in try liveLeases(on: blob, until: now) {
            if let end = lease.end(at: now) { try endLease(lease, reason: end, at: now) }
        }
    }

    /// Ends every lease on the blob of row `blob` that lives at `now`; tells how many did.
    package func endLiveLeases(on blob: Int64, reason: EndReason, at now: Timestamp) throws -> Int {
        try endDueLeases(on: blob, at: now)
        let live = try liveLeases(on: blob, until: Timestamp(seconds: .max))
        for lease in live { try endLease(lease, reason: reason, at: now) }
        return live.count
    }

    /// The leases that nobody has ended and whose time is up by `end`, soonest over first: as many as one blob may have.
    private func liveLeases(on blob: Int64, until end: Timestamp) throws -> [LeaseRow] {
        try database.rows(
            """
            SELECT \(LeaseRow.columns) FROM lease WHERE blob = ? AND ended IS NULL AND expires <= ? ORDER BY expires, id
            """, [blob, end.seconds]
        ).map(LeaseRow.init)
    }

    // MARK: Bans

    /// Lets nobody hold `address` from now on.
    package func ban(_ address: BlobAddress, at now: Timestamp) throws {
        try database.run("INSERT OR IGNORE INTO ban VALUES (?, ?)", [address.data, now.seconds])
    }

    /// Lets `address` be held again; false if it was not banned.
    package func liftBan(on address: BlobAddress) throws -> Bool {
        try database.run("DELETE FROM ban WHERE address = ?", [address.data]) == 1
    }
}

extension CatalogReader {
    /// Whether nobody may hold `address`.
    package func isBanned(_ address: BlobAddress) throws -> Bool {
        try database.number("SELECT 1 FROM ban WHERE address = ?", [address.data]) != nil
    }
}
