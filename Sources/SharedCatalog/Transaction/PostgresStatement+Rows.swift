import Blobs
import Store
import StoreRules

/// Rows as they stand in what statements give.
extension BlobRow {
    /// As `init(_:from:)` reads them, and behind them what `BlobObject.init(_:from:)` does.
    static let columns = """
        b.address, b.size, b.state, b.uploaded, b.leases, b.aliased, b.sunset, b.reason, b.ended, b.object, b.listed
        """
    static let columnCount = 11

    init(_ row: ResultRow, from column: Int = 0) throws(SharedCatalogError) {
        self.init(
            address: try row.address(column), size: try row.number(column + 1),
            state: try row.required(BlobState(rawValue: try row.int(column + 2)), column + 2),
            uploaded: try row.time(column + 3), leases: try row.int(column + 4), aliased: try row.int(column + 5),
            sunset: row.optionalTime(column + 6), reason: row.reason(column + 7), ended: row.optionalTime(column + 8))
    }
}

extension BlobObject {
    /// What a blob's row names, in the columns from `column` on; nil for nothing.
    init?(_ row: ResultRow, from column: Int) throws(SharedCatalogError) {
        guard let id: ObjectID = try row.optionalValue(column) else { return nil }
        self.init(id: id, isList: try row.flag(column + 1))
    }
}

extension LeaseRow {
    /// As `init(_:from:)` reads them; the number comes first.
    static let columns = """
        l.id, l.address, l.owner, l.subject, l.created, l.expires, l.limit_seconds, l.recipients, l.hashes, \
        l.delivered, l.via, l.ended, l.reason
        """

    init(_ row: ResultRow, from column: Int) throws(SharedCatalogError) {
        let limit = Lifetime(seconds: try row.number(column + 6))
        self.init(
            address: try row.address(column + 1), owner: try row.optionalValue(column + 2),
            subject: row.optionalText(column + 3), created: try row.time(column + 4),
            expires: try row.time(column + 5), limit: try row.required(limit, column + 6),
            recipients: row.optionalNumber(column + 7).flatMap { Int(exactly: $0) },
            hashes: try row.int(column + 8), delivered: row.optionalTime(column + 9),
            via: row.optionalText(column + 10), ended: row.optionalTime(column + 11),
            reason: row.reason(column + 12))
    }
}

/// Finding rows by their keys. Where the first column is a place, it is that on the page that the row is for.
extension PostgresStatement {
    static let lookAtBlobs = PostgresStatement(
        "look at blobs", "SELECT \(BlobRow.columns) FROM satchel.blob b WHERE b.address = ANY ($1::bytea[])")
    static let lockBlobs = PostgresStatement("lock blobs", lockedBlobs(""))
    /// Throws where somebody else has one.
    static let lockBlobsAtOnce = PostgresStatement("lock blobs at once", lockedBlobs("NOWAIT"))
    /// Without those that somebody else has.
    static let lockFreeBlobs = PostgresStatement("lock free blobs", lockedBlobs("SKIP LOCKED"))

    private static func lockedBlobs(_ manner: String) -> String {
        """
        SELECT \(BlobRow.columns) FROM satchel.blob b WHERE b.address = ANY ($1::bytea[])
        ORDER BY b.address FOR UPDATE \(manner)
        """
    }

    static let findBans = PostgresStatement(
        "find bans", "SELECT address, since FROM satchel.ban WHERE address = ANY ($1::bytea[])")
    static let findOwnedLeases = PostgresStatement(
        "find owned leases",
        """
        SELECT k.place, \(LeaseRow.columns)
        FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) k (place, address, owner)
        JOIN satchel.lease l ON l.address = k.address AND l.owner = k.owner
        """)
    static let findUnownedLeases = PostgresStatement(
        "find unowned leases",
        """
        SELECT k.place, l.* FROM unnest($1::bigint[], $2::bytea[], $3::text[]) k (place, address, subject)
        CROSS JOIN LATERAL (
            SELECT \(LeaseRow.columns) FROM satchel.lease l
            WHERE l.address = k.address AND l.subject = k.subject AND l.owner IS NULL AND l.ended IS NULL LIMIT 1
        ) l
        """)
    static let findLeases = PostgresStatement(
        "find leases", "SELECT 0, \(LeaseRow.columns) FROM satchel.lease l WHERE l.id = ANY ($1::bigint[])")
    /// Those on an address that have not been ended and whose time is up by then.
    static let findOpenLeases = PostgresStatement(
        "find open leases",
        """
        SELECT k.place, \(LeaseRow.columns)
        FROM unnest($1::bigint[], $2::bytea[], $3::bigint[]) k (place, address, until)
        JOIN satchel.lease l ON l.address = k.address AND l.ended IS NULL AND l.expires <= k.until
        ORDER BY k.place, l.id
        """)
    /// All on an address, ended or not.
    static let findRememberedLeases = PostgresStatement(
        "find remembered leases",
        """
        SELECT k.place, \(LeaseRow.columns)
        FROM unnest($1::bigint[], $2::bytea[]) k (place, address)
        JOIN satchel.lease l ON l.address = k.address
        ORDER BY k.place, l.id
        """)
    /// So many on an address without an alias that are over last, the last one first.
    static let findLastLeases = PostgresStatement(
        "find last leases",
        """
        SELECT k.place, l.*
        FROM unnest($1::bigint[], $2::bytea[], $3::bigint[]) k (place, address, most)
        CROSS JOIN LATERAL (
            SELECT \(LeaseRow.columns) FROM satchel.lease l
            WHERE l.address = k.address AND l.ended IS NULL AND l.via IS NULL
            ORDER BY l.via DESC, l.expires DESC, l.delivered DESC NULLS LAST LIMIT k.most
        ) l
        ORDER BY k.place, l.expires DESC, l.delivered DESC NULLS LAST
        """)
    static let findReceiptHashes = PostgresStatement(
        "find receipt hashes",
        """
        SELECT k.place, \(LeaseRow.columns)
        FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) k (place, address, hash)
        JOIN satchel.receipt_hash r ON r.address = k.address AND r.hash = k.hash
        JOIN satchel.lease l ON l.id = r.lease
        """)
    static let findAliases = PostgresStatement(
        "find aliases",
        """
        SELECT k.place, \(LeaseRow.columns) FROM unnest($1::bigint[], $2::bytea[]) k (place, name)
        JOIN satchel.alias a ON a.name = k.name JOIN satchel.lease l ON l.id = a.lease
        """)
    /// The lease that admits a secret, and behind it what is known of that.
    static let findDeliveries = PostgresStatement(
        "find deliveries",
        """
        SELECT k.place, \(LeaseRow.columns), (SELECT count(*) FROM satchel.receipt c WHERE c.lease = l.id),
            EXISTS (SELECT FROM satchel.receipt c WHERE c.lease = l.id AND c.hash = k.hash),
            EXISTS (
                SELECT FROM satchel.receipt c
                WHERE c.lease = l.id AND c.hash = k.hash AND c.recipient = k.recipient)
        FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[]) k (place, address, hash, recipient)
        JOIN satchel.receipt_hash r ON r.address = k.address AND r.hash = k.hash
        JOIN satchel.lease l ON l.id = r.lease
        """)
    /// The order, and that there is a limit, lead to the index of those that have not been ended.
    static let findShares = PostgresStatement(
        "find shares",
        """
        SELECT k.place, l.count, l.next FROM unnest($1::bigint[], $2::bytea[], $3::text[]) k (place, address, subject)
        CROSS JOIN LATERAL (
            SELECT count(*) AS count, min(o.expires) AS next FROM (
                SELECT l.expires, l.subject FROM satchel.lease l
                WHERE l.address = k.address AND l.ended IS NULL AND l.via IS NULL
                ORDER BY l.via, l.expires LIMIT 1000000
            ) o WHERE o.subject = k.subject
        ) l
        """)
    static let findNextEndsOfSubjects = PostgresStatement(
        "find next ends of subjects",
        """
        SELECT k.place, (
            SELECT min(l.expires) FROM satchel.lease l
            WHERE l.subject = k.subject AND l.ended IS NULL AND l.expires > 0)
        FROM unnest($1::bigint[], $2::text[]) k (place, subject)
        """)
    static let findNextEndsOnBlobs = PostgresStatement(
        "find next ends on blobs",
        """
        SELECT k.place, (
            SELECT l.expires FROM satchel.lease l
            WHERE l.address = k.address AND l.ended IS NULL AND l.via IS NULL ORDER BY l.via, l.expires LIMIT 1)
        FROM unnest($1::bigint[], $2::bytea[]) k (place, address)
        """)
    static let findScrubs = PostgresStatement(
        "find scrubs", "SELECT id, began, latest, cursor, blobs, bytes, damaged FROM satchel.scrub")

    // MARK: Subjects

    private static let chargeColumns = "subject, leases, bytes, day, made"
    static let lookAtCharges = PostgresStatement(
        "look at charges", "SELECT \(chargeColumns) FROM satchel.charge WHERE subject = ANY ($1::text[])")
    /// Gives those subjects that had no row.
    static let makeCharges = PostgresStatement(
        "make charges",
        """
        INSERT INTO satchel.charge SELECT s, 0, 0, 0, 0, true FROM unnest($1::text[]) s ORDER BY s
        ON CONFLICT DO NOTHING RETURNING subject
        """)
    static let lockCharges = PostgresStatement("lock charges", lockedCharges(""))
    static let lockChargesAtOnce = PostgresStatement("lock charges at once", lockedCharges("NOWAIT"))
    static let lockFreeCharges = PostgresStatement("lock free charges", lockedCharges("SKIP LOCKED"))

    private static func lockedCharges(_ manner: String) -> String {
        """
        SELECT \(chargeColumns) FROM satchel.charge WHERE subject = ANY ($1::text[])
        ORDER BY subject FOR UPDATE \(manner)
        """
    }

    /// What the open uploads of subjects come to, as `KeptShare` counts it.
    static let findKept = PostgresStatement(
        "find kept",
        """
        SELECT k.subject, u.count, u.bytes FROM unnest($1::text[]) k (subject)
        CROSS JOIN LATERAL (
            SELECT count(*) AS count, least(coalesce(sum(
                CASE WHEN coalesce(size, nullif(received, 0)) IS NULL THEN 0
                ELSE least(greatest(coalesce(size, received), 4096), \(ResumableUpload.keptBytesLimit)) END), 0),
                \(Int64.max / 2))::bigint AS bytes
            FROM satchel.upload WHERE subject = k.subject AND state = 1
        ) u
        """)

    // MARK: Uploads

    static let lookAtUploads = PostgresStatement(
        "look at uploads", "SELECT \(UploadRow.columns) FROM satchel.upload WHERE id = ANY ($1::bytea[])")
    static let lockUploads = PostgresStatement("lock uploads", lockedUploads(""))
    static let lockUploadsAtOnce = PostgresStatement("lock uploads at once", lockedUploads("NOWAIT"))

    private static func lockedUploads(_ manner: String) -> String {
        """
        SELECT \(UploadRow.columns) FROM satchel.upload WHERE id = ANY ($1::bytea[]) ORDER BY id FOR UPDATE \(manner)
        """
    }
}

/// Questions to whole tables: they find candidates, which are looked at again once they are locked.
extension PostgresStatement {
    static let findDueLeases = PostgresStatement(
        "find due leases",
        """
        SELECT id, address, 0 FROM satchel.lease WHERE ended IS NULL AND expires <= $1::bigint
        ORDER BY expires, id LIMIT $2::bigint
        """)
    static let findLeasesOfSubject = PostgresStatement(
        "find leases of subject",
        """
        SELECT id, address, 0 FROM satchel.lease WHERE ended IS NULL AND expires > 0 AND subject = $1::text
        ORDER BY expires, id LIMIT $2::bigint
        """)
    static let findEndedLeases = PostgresStatement(
        "find ended leases",
        """
        SELECT id, address, hashes + (SELECT count(*) FROM satchel.receipt c WHERE c.lease = l.id)
        FROM satchel.lease l WHERE ended IS NOT NULL AND ended < $1::bigint ORDER BY ended, id LIMIT $2::bigint
        """)
    /// Blobs whose last lease that showed them ended before a moment, whose rows stay, and still say that they were shown.
    static let findFormerlyShown = PostgresStatement("find formerly shown", oldBlobs(formerlyShown))
    /// Those whose rows nobody needs.
    static let findTombstones = PostgresStatement(
        "find tombstones",
        oldBlobs("b.state = 4 AND NOT EXISTS (SELECT FROM satchel.lease l WHERE l.address = b.address)"))
    static let findIdleSubjects = PostgresStatement(
        "find idle subjects",
        """
        SELECT subject FROM satchel.charge WHERE idle AND day < $1::bigint ORDER BY day, subject LIMIT $2::bigint
        """)

    static let formerlyShown = """
        b.reason IS NOT NULL AND (b.state <> 4 OR EXISTS (
            SELECT FROM satchel.lease l WHERE l.address = b.address AND l.via IS NOT NULL))
        """

    private static func oldBlobs(_ condition: String) -> String {
        """
        SELECT \(BlobRow.columns) FROM satchel.blob b WHERE b.ended < $1::bigint AND \(condition)
        ORDER BY b.ended, b.address LIMIT $2::bigint
        """
    }
}
