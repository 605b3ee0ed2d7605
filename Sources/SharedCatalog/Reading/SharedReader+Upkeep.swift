package import Blobs
import Store
package import StoreRules

/// Where a look at many leases, a page at a time, goes on.
package struct LeaseCursor: Sendable {
    let expires: Int64
    let id: Int64
}

/// What sweeps, checks and statistics ask: a page at a time.
extension SharedReader {
    /// Blobs that no lease holds any more and that are not gone, in the order of their addresses, at most `limit` (up to
    /// `pageRows`).
    package func unheldBlobs(
        after address: BlobAddress?, limit count: Int
    ) throws(SharedCatalogError) -> [BlobRow] {
        var blobs: [BlobRow] = []
        for row in try ask(.unheldBlobs, .init(.bytes(address?.bytes ?? [])), limit(count)).all {
            blobs.append(try BlobRow(row))
        }
        return blobs
    }

    /// How many leases are due at `now` and not ended yet, soonest first, counting at most `limit` behind `cursor`.
    package func dueLeases(
        at now: Timestamp, after cursor: LeaseCursor?, limit count: Int
    ) throws(SharedCatalogError) -> (count: Int, last: LeaseCursor?) {
        let rows = try ask(
            .dueLeasesAfter, .init(.of(now)), .init(.number(cursor?.expires ?? .min)),
            .init(.number(cursor?.id ?? .min)), limit(count))
        var last: LeaseCursor?
        for row in rows.all { last = LeaseCursor(expires: try row.number(0), id: try row.number(1)) }
        return (rows.count, last)
    }

    /// How many tombstones and ended leases are older than `end`, counting at most `pageRows` of each; blobs too of which
    /// no more is to be forgotten than that they were shown.
    package func forgettable(endedBefore end: Timestamp) throws(SharedCatalogError) -> Int {
        try one(.forgettable, .init(.of(end)), limit(SharedCatalog.pageRows)).int(0)
    }

    /// Whether there is a subject that holds no lease and whose last day is over by `end`.
    package func hasIdleSubjects(overBy end: Timestamp) throws(SharedCatalogError) -> Bool {
        try one(.hasIdleSubjects, .init(.of(LeaseDay.lastBegin(overBy: end)))).flag(0)
    }

    /// What is remembered of the background check at `place`.
    package func scrub(_ place: ScrubRow.Place) throws(SharedCatalogError) -> ScrubRow? {
        for row in try ask(.findScrubs).all where try row.int(0) == place.rawValue { return try ScrubRow(row) }
        return nil
    }

    /// The sums that the catalog keeps.
    package func sums() throws(SharedCatalogError) -> StoreSums {
        var sums = StoreSums()
        for row in try ask(.sums).all {
            let kind = try row.int(0)
            let sum = BlobTotal(count: try row.number(1), bytes: try row.number(2))
            if let state = BlobState(rawValue: kind) {
                sums[state] = sum
            } else if kind == StoreSums.kindOfLeases {
                sums.leases = sum.count
            } else if kind == StoreSums.kindOfEndedLeases {
                sums.endedLeases = sum.count
            } else {
                throw .failed("the database: a sum of an unknown kind")
            }
        }
        return sums
    }

    /// How many leases are due at `now` and how many blobs are held by none, each counted up to `limit`, and for how long
    /// the oldest of those leases has been due.
    package func backlog(
        at now: Timestamp, limit: Int
    ) throws(SharedCatalogError) -> (dueLeases: Int64, unheldBlobs: Int64, oldestDueSeconds: Int64) {
        let row = try one(.backlog, .init(.of(now)), .init(.of(limit)))
        return (try row.number(0), try row.number(1), row.optionalTime(2).map { now.secondsSince($0) } ?? 0)
    }

    // MARK: Objects

    /// Those of at most `pageRows` objects that a blob, a list or the garbage knows.
    package func known(_ ids: [ObjectID]) throws(SharedCatalogError) -> Set<ObjectID> {
        var known: Set<ObjectID> = []
        for row in try ask(.known, .objects(ids)).all { known.insert(try row.value(0)) }
        return known
    }

    /// Garbage whose time is up at `now`, the oldest first, at most `limit` (up to `pageRows`) behind `row`.
    package func garbage(
        dueBy now: Timestamp, after row: GarbageRow?, limit count: Int
    ) throws(SharedCatalogError) -> [GarbageRow] {
        let rows = try ask(
            .garbage, .init(.of(now)), .init(.number(row?.due.seconds ?? .min)),
            .init(.bytes(row?.object.id.bytes ?? [UInt8](repeating: 0, count: ObjectID.byteCount))), limit(count))
        var garbage: [GarbageRow] = []
        for row in rows.all {
            garbage.append(
                GarbageRow(
                    object: BlobObject(id: try row.value(0), isList: try row.flag(1)), due: try row.time(2)))
        }
        return garbage
    }

    /// The objects of at most `pageRows` lists.
    package func partIDs(of lists: [ObjectID]) throws(SharedCatalogError) -> [ObjectID: [ObjectID]] {
        var parts: [ObjectID: [ObjectID]] = [:]
        for row in try ask(.partIDs, .objects(lists)).all {
            parts[try row.value(0), default: []].append(try row.value(1))
        }
        return parts
    }

    /// How much garbage there is, counted up to `limit`, and when the oldest of it is due.
    package func garbageBacklog(limit: Int) throws(SharedCatalogError) -> (count: Int64, oldest: Timestamp?) {
        let row = try one(.garbageBacklog, .init(.of(limit)))
        return (try row.number(0), row.optionalTime(1))
    }

    // MARK: Nodes

    /// All nodes that are remembered, at most `pageRows`, those first that gave the latest sign of life.
    package func nodes() throws(SharedCatalogError) -> [NodeRow] {
        var nodes: [NodeRow] = []
        for row in try ask(.nodes, limit(SharedCatalog.pageRows)).all {
            nodes.append(
                NodeRow(
                    id: try row.value(0), name: try row.text(1), version: try row.text(2), beat: try row.time(3),
                    wall: try row.time(4), isAlive: try row.flag(5)))
        }
        return nodes
    }

    /// Who has a duty; nil where nobody has, or its time is up.
    package func duty(_ name: String) throws(SharedCatalogError) -> DutyRow? {
        guard let row = try ask(.duty, .init(.text(name))).first else { return nil }
        return DutyRow(node: try row.value(0), until: try row.time(1))
    }

    /// The database's clock.
    package func clock() throws(SharedCatalogError) -> Timestamp { try one(.clock).time(0) }
}

extension PostgresStatement {
    fileprivate static let unheldBlobs = PostgresStatement(
        "unheld blobs",
        """
        SELECT \(BlobRow.columns) FROM satchel.blob b
        WHERE leases = 0 AND aliased = 0 AND state IN (1, 3) AND address > $1::bytea
        ORDER BY address LIMIT $2::bigint
        """)
    fileprivate static let dueLeasesAfter = PostgresStatement(
        "due leases after",
        """
        SELECT expires, id FROM satchel.lease
        WHERE ended IS NULL AND expires <= $1::bigint AND (expires, id) > ($2::bigint, $3::bigint)
        ORDER BY expires, id LIMIT $4::bigint
        """)
    fileprivate static let forgettable = PostgresStatement(
        "forgettable",
        """
        SELECT
            (SELECT count(*) FROM (
                SELECT FROM satchel.blob WHERE ended < $1::bigint AND state = 4 LIMIT $2::bigint) r)
            + (SELECT count(*) FROM (
                SELECT FROM satchel.blob b WHERE ended < $1::bigint AND \(formerlyShown) LIMIT $2::bigint) r)
            + (SELECT count(*) FROM (
                SELECT FROM satchel.lease WHERE ended IS NOT NULL AND ended < $1::bigint LIMIT $2::bigint) r)
        """)
    fileprivate static let hasIdleSubjects = PostgresStatement(
        "has idle subjects", "SELECT EXISTS (SELECT FROM satchel.charge WHERE idle AND day < $1::bigint)")
    fileprivate static let sums = PostgresStatement(
        "sums", "SELECT kind, sum(count)::bigint, sum(bytes)::bigint FROM satchel.tally GROUP BY kind")
    fileprivate static let backlog = PostgresStatement(
        "backlog",
        """
        SELECT
            (SELECT count(*) FROM (
                SELECT FROM satchel.lease WHERE ended IS NULL AND expires <= $1::bigint LIMIT $2::bigint) r),
            (SELECT count(*) FROM (
                SELECT FROM satchel.blob WHERE leases = 0 AND aliased = 0 AND state IN (1, 3) LIMIT $2::bigint) r),
            (SELECT min(expires) FROM satchel.lease WHERE ended IS NULL)
        """)
    /// One statement sees one state: an object that goes from one table to another is in one of them.
    fileprivate static let known = PostgresStatement(
        "known",
        """
        SELECT i FROM unnest($1::uuid[]) i
        WHERE EXISTS (SELECT FROM satchel.blob WHERE object = i) OR EXISTS (SELECT FROM satchel.object WHERE id = i)
            OR EXISTS (SELECT FROM satchel.garbage WHERE id = i)
        """)
    fileprivate static let garbage = PostgresStatement(
        "garbage",
        """
        SELECT id, listed, due FROM satchel.garbage WHERE due <= $1::bigint AND (due, id) > ($2::bigint, $3::uuid)
        ORDER BY due, id LIMIT $4::bigint
        """)
    fileprivate static let partIDs = PostgresStatement(
        "part ids", "SELECT list, id FROM satchel.object WHERE list = ANY ($1::uuid[]) ORDER BY list, nr")
    fileprivate static let garbageBacklog = PostgresStatement(
        "garbage backlog",
        """
        SELECT (SELECT count(*) FROM (SELECT FROM satchel.garbage LIMIT $1::bigint) r),
            (SELECT min(due) FROM satchel.garbage)
        """)
    fileprivate static let nodes = PostgresStatement(
        "nodes",
        """
        SELECT id, name, version, extract(epoch FROM beat)::bigint, wall,
            beat > clock_timestamp() - \(SharedCatalog.aliveInterval)
        FROM satchel.node ORDER BY beat DESC LIMIT $1::bigint
        """)
    fileprivate static let duty = PostgresStatement(
        "duty",
        """
        SELECT node, extract(epoch FROM until)::bigint FROM satchel.duty
        WHERE name = $1::text AND until > clock_timestamp()
        """)
    fileprivate static let clock = PostgresStatement(
        "clock", "SELECT extract(epoch FROM clock_timestamp())::bigint")
}
