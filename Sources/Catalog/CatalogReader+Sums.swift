package import Blobs
import GRDB
import Store

/// What a catalogue holds, as its own kept sums tell it.
package struct CatalogSums: Sendable, Hashable {
    /// A number of rows, and the bytes of the blobs that they are about.
    package struct Sum: Sendable, Hashable {
        package var count: Int64 = 0
        package var bytes: Int64 = 0
    }

    package var held = Sum()
    package var removing = Sum()
    package var damaged = Sum()
    package var gone = Sum()
    /// Leases that have not been ended.
    package var leases: Int64 = 0
    /// Leases that have ended and are remembered.
    package var endedLeases: Int64 = 0
}

extension CatalogReader {
    /// The sums that the catalogue keeps: six rows, however many blobs there are.
    package func sums() throws -> CatalogSums {
        var sums = CatalogSums()
        for row in try database.rows("SELECT kind, count, bytes FROM tally") {
            let sum = CatalogSums.Sum(count: row["count"], bytes: row["bytes"])
            switch row["kind"] as Int {
            case BlobState.held.rawValue: sums.held = sum
            case BlobState.removing.rawValue: sums.removing = sum
            case BlobState.damaged.rawValue: sums.damaged = sum
            case BlobState.gone.rawValue: sums.gone = sum
            case Catalog.tallyOfLeases: sums.leases = sum.count
            case Catalog.tallyOfEndedLeases: sums.endedLeases = sum.count
            default: throw CatalogError.failed("catalogue: a sum of an unknown kind")
            }
        }
        return sums
    }

    /// How many leases are due at `now` and how many blobs wait for their removal to begin, each counted up to
    /// `limit`, and for how long the oldest of those leases has been due.
    package func backlog(
        at now: Timestamp, limit: Int
    ) throws -> (dueLeases: Int64, unheldBlobs: Int64, oldestDueSeconds: Int64) {
        let due = try database.number(
            "SELECT count(*) FROM (SELECT 1 FROM lease WHERE ended IS NULL AND expires <= ? LIMIT ?)",
            [now.seconds, limit])
        let unheld = try database.number(
            """
            SELECT count(*) FROM (
                SELECT 1 FROM blob INDEXED BY blob_unheld WHERE leases = 0 AND state IN (1, 3) LIMIT ?)
            """, [limit])
        let first = try database.number("SELECT min(expires) FROM lease WHERE ended IS NULL")
        return (due ?? 0, unheld ?? 0, first.map { now.secondsSince(Timestamp(seconds: $0)) } ?? 0)
    }
}
