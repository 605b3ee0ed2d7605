package import Blobs
import Foundation
import GRDB
import Store
package import StoreRules

/// Where a look at many rows, a page at a time, goes on.
package struct RowCursor: Sendable {
    fileprivate let expires: Int64
    fileprivate let id: Int64
}

/// What sweeps, checks and statistics ask: a page at a time, so that no long look holds up the log.
extension CatalogReader {
    /// Blobs that no lease holds any more and whose removal has not begun, at most `limit` behind `cursor`.
    package func unheldBlobs(after cursor: RowCursor?, limit: Int) throws -> (blobs: [BlobRow], last: RowCursor?) {
        try page(
            """
            SELECT \(BlobRow.columns) FROM blob INDEXED BY blob_unheld
            WHERE leases = 0 AND aliased = 0 AND state IN (1, 3) AND id > ? ORDER BY id LIMIT ?
            """, after: cursor, limit: limit)
    }

    /// Blobs that are held, or damaged, at most `pageRows` behind `cursor`.
    package func presentBlobs(after cursor: RowCursor?) throws -> (blobs: [BlobRow], last: RowCursor?) {
        try page(
            "SELECT \(BlobRow.columns) FROM blob WHERE id > ? AND state IN (1, 3) ORDER BY id LIMIT ?",
            after: cursor, limit: Catalog.pageRows)
    }

    private func page(
        _ sql: String, after cursor: RowCursor?, limit: Int
    ) throws -> (blobs: [BlobRow], last: RowCursor?) {
        let rows = try database.rows(sql, [cursor?.id ?? 0, limit])
        return (try rows.map { try BlobRow($0) }, rows.last.map { RowCursor(expires: 0, id: $0[0]) })
    }

    /// Blobs whose removal has begun.
    package func removals(limit: Int) throws -> [BlobRow] {
        try database.rows("SELECT \(BlobRow.columns) FROM blob WHERE state = 2 ORDER BY id LIMIT ?", [limit])
            .map { try BlobRow($0) }
    }

    /// How many leases are due at `now` and not ended yet, soonest first, counting at most `limit` behind `cursor`.
    package func dueLeases(
        at now: Timestamp, after cursor: RowCursor?, limit: Int
    ) throws -> (count: Int, last: RowCursor?) {
        let rows = try database.rows(
            """
            SELECT expires, id FROM lease
            WHERE ended IS NULL AND expires <= ? AND (expires, id) > (?, ?) ORDER BY expires, id LIMIT ?
            """, [now.seconds, cursor?.expires ?? .min, cursor?.id ?? .min, limit])
        return (rows.count, rows.last.map { RowCursor(expires: $0[0], id: $0[1]) })
    }

    /// How many tombstones and ended leases are older than `end`, counting at most `pageRows` of each; blobs too of which
    /// no more is to be forgotten than that they were shown.
    package func forgettable(endedBefore end: Timestamp) throws -> Int {
        let arguments: StatementArguments = [end.seconds, Catalog.pageRows]
        let gone = try database.number(
            "SELECT count(*) FROM (SELECT 1 FROM blob INDEXED BY blob_ended WHERE state = 4 AND ended < ? LIMIT ?)",
            arguments)
        let shown = try database.number(
            "SELECT count(*) FROM (\(OldBlobs.formerlyShown.select("1")))", arguments)
        let ended = try database.number(
            "SELECT count(*) FROM (SELECT 1 FROM lease WHERE ended IS NOT NULL AND ended < ? LIMIT ?)", arguments)
        return Int((gone ?? 0) + (shown ?? 0) + (ended ?? 0))
    }

    /// Whether there is a subject that holds no lease and whose last day is over by `end`.
    package func hasIdleSubjects(overBy end: Timestamp) throws -> Bool {
        try database.number(
            "SELECT EXISTS (SELECT 1 FROM charge INDEXED BY charge_idle WHERE leases = 0 AND day < ?)",
            [LeaseDay.lastBegin(overBy: end).seconds]) == 1
    }

    /// Files without a row that were first seen no later than `end`, in the order of their addresses.
    package func orphans(after address: BlobAddress?, seenBy end: Timestamp, limit: Int) throws -> [BlobAddress] {
        try database.rows(
            "SELECT address FROM orphan WHERE address > ? AND first_seen <= ? ORDER BY address LIMIT ?",
            [address?.data ?? Data(), end.seconds, limit]
        ).map { try $0.address() }
    }

    /// What is remembered of the background check at `place`.
    package func scrub(_ place: ScrubRow.Place) throws -> ScrubRow? {
        try database.row("SELECT * FROM scrub WHERE id = ?", [place.rawValue]).map(ScrubRow.init)
    }

    // MARK: Sums

    /// The sums that the catalog keeps: six rows, however many blobs there are.
    package func sums() throws -> StoreSums {
        var sums = StoreSums()
        for row in try database.rows("SELECT kind, count, bytes FROM tally") {
            let sum = BlobTotal(count: row["count"], bytes: row["bytes"])
            let kind: Int = row["kind"]
            if let state = BlobState(rawValue: kind) {
                sums[state] = sum
            } else if kind == StoreSums.kindOfLeases {
                sums.leases = sum.count
            } else if kind == StoreSums.kindOfEndedLeases {
                sums.endedLeases = sum.count
            } else {
                throw CatalogError.failed("catalog: a sum of an unknown kind")
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
                SELECT 1 FROM blob INDEXED BY blob_unheld WHERE leases = 0 AND aliased = 0 AND state IN (1, 3) LIMIT ?)
            """, [limit])
        let first = try database.number("SELECT min(expires) FROM lease WHERE ended IS NULL")
        return (due ?? 0, unheld ?? 0, first.map { now.secondsSince(Timestamp(seconds: $0)) } ?? 0)
    }
}

extension StoreSums {
    /// Kinds of sums in the table `tally` beside the four states of a blob.
    static let kindOfLeases = 5
    static let kindOfEndedLeases = 6

    /// Each sum with its kind.
    var kinds: [(kind: Int, sum: BlobTotal)] {
        [
            (BlobState.held.rawValue, held), (BlobState.removing.rawValue, removing),
            (BlobState.damaged.rawValue, damaged), (BlobState.gone.rawValue, gone),
            (Self.kindOfLeases, BlobTotal(count: leases)), (Self.kindOfEndedLeases, BlobTotal(count: endedLeases)),
        ]
    }
}
