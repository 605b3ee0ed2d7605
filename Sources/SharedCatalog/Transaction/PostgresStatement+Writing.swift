/// Changing rows: each takes the columns of a table as arrays. What can meet something of others is in the order of its key.
extension PostgresStatement {
    private static let blobParameters = """
        $1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], \
        $9::bigint[], $10::uuid[], $11::boolean[]
        """
    private static let blobColumns = """
        address, size, state, uploaded, leases, aliased, sunset, reason, ended, object, listed
        """
    static let addBlobs = PostgresStatement(
        "add blobs",
        """
        INSERT INTO satchel.blob (\(blobColumns))
        SELECT * FROM unnest(\(blobParameters)) k (\(blobColumns)) ORDER BY address
        """)
    static let changeBlobs = PostgresStatement(
        "change blobs",
        """
        UPDATE satchel.blob b SET
            size = k.size, state = k.state, uploaded = k.uploaded, leases = k.leases, aliased = k.aliased,
            sunset = k.sunset, reason = k.reason, ended = k.ended, object = k.object, listed = k.listed
        FROM unnest(\(blobParameters)) k (\(blobColumns)) WHERE b.address = k.address
        """)
    static let dropBlobs = PostgresStatement(
        "drop blobs", "DELETE FROM satchel.blob WHERE address = ANY ($1::bytea[])")
    /// Fails where one has been banned meanwhile (`ServerError.guardCode`).
    static let expectNoBans = PostgresStatement(
        "expect no bans",
        "SELECT 1 / (count(*) = 0)::int FROM satchel.ban WHERE address = ANY ($1::bytea[])")
    static let addBans = PostgresStatement(
        "add bans",
        """
        INSERT INTO satchel.ban SELECT * FROM unnest($1::bytea[], $2::bigint[]) k (address, since) ORDER BY address
        ON CONFLICT (address) DO UPDATE SET since = excluded.since
        """)
    static let liftBans = PostgresStatement("lift bans", "DELETE FROM satchel.ban WHERE address = ANY ($1::bytea[])")

    // MARK: Leases

    static let takeNumbers = PostgresStatement(
        "take numbers", "SELECT nextval('satchel.lease_block') FROM generate_series(1, $1::bigint)")
    static let addLeases = PostgresStatement(
        "add leases",
        """
        INSERT INTO satchel.lease (
            id, address, owner, subject, created, expires, limit_seconds, recipients, hashes, delivered, via, ended,
            reason)
        SELECT * FROM unnest(
            $1::bigint[], $2::bytea[], $3::bytea[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
            $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::text[])
        """)
    static let changeLeases = PostgresStatement(
        "change leases",
        """
        UPDATE satchel.lease l SET
            subject = k.subject, expires = k.expires, delivered = k.delivered, ended = k.ended, reason = k.reason
        FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
            k (id, subject, expires, delivered, ended, reason)
        WHERE l.id = k.id
        """)
    static let dropLeases = [
        PostgresStatement("drop receipts", "DELETE FROM satchel.receipt WHERE lease = ANY ($1::bigint[])"),
        PostgresStatement("drop receipt hashes", "DELETE FROM satchel.receipt_hash WHERE lease = ANY ($1::bigint[])"),
        PostgresStatement("drop aliases", "DELETE FROM satchel.alias WHERE lease = ANY ($1::bigint[])"),
        PostgresStatement("drop leases", "DELETE FROM satchel.lease WHERE id = ANY ($1::bigint[])"),
    ]
    static let addReceiptHashes = PostgresStatement(
        "add receipt hashes",
        "INSERT INTO satchel.receipt_hash SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[])")
    static let addAliases = PostgresStatement(
        "add aliases",
        """
        INSERT INTO satchel.alias SELECT * FROM unnest($1::bytea[], $2::bigint[]) k (name, lease) ORDER BY name
        """)
    static let addReceipts = PostgresStatement(
        "add receipts",
        "INSERT INTO satchel.receipt SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[])")

    // MARK: Subjects

    /// All of them are locked, and have a row. Who has made no lease keeps the day that is stored.
    static let changeCharges = PostgresStatement(
        "change charges",
        """
        UPDATE satchel.charge c SET
            leases = c.leases + k.leases, bytes = c.bytes + k.bytes, idle = c.leases + k.leases = 0,
            day = CASE WHEN k.made > 0 THEN k.day ELSE c.day END,
            made = CASE WHEN k.made > 0 THEN k.made ELSE c.made END
        FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
            k (subject, leases, bytes, day, made)
        WHERE c.subject = k.subject
        """)
    static let dropCharges = PostgresStatement(
        "drop charges", "DELETE FROM satchel.charge WHERE leases = 0 AND subject = ANY ($1::text[])")

    // MARK: Uploads and objects

    static let keepUploads = PostgresStatement(
        "keep uploads",
        """
        INSERT INTO satchel.upload (\(UploadRow.columns))
        SELECT * FROM unnest(
            $1::bytea[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bytea[], $8::bytea[],
            $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bytea[], $15::bigint[],
            $16::bigint[], $17::boolean[], $18::text[], $19::uuid[], $20::bigint[])
        ON CONFLICT (id) DO UPDATE SET
            state = excluded.state, size = excluded.size, received = excluded.received, expires = excluded.expires,
            address = excluded.address, uploaded = excluded.uploaded, held_until = excluded.held_until,
            is_new = excluded.is_new, refusal = excluded.refusal, list = excluded.list, turn = excluded.turn,
            subject = excluded.subject, announced = excluded.announced, owner = excluded.owner,
            receipts = excluded.receipts, lifetime = excluded.lifetime, recipients = excluded.recipients,
            largest_bytes = excluded.largest_bytes, longest_seconds = excluded.longest_seconds
        """)
    static let dropUploads = PostgresStatement(
        "drop uploads", "DELETE FROM satchel.upload WHERE id = ANY ($1::bytea[])")
    static let addObjects = PostgresStatement(
        "add objects",
        """
        INSERT INTO satchel.object (id, list, nr, size, digest)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bytea[])
        """)
    static let dropObjects = PostgresStatement("drop objects", "DELETE FROM satchel.object WHERE id = ANY ($1::uuid[])")
    static let addGarbage = PostgresStatement(
        "add garbage",
        """
        INSERT INTO satchel.garbage (id, listed, due) SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::bigint[])
        ON CONFLICT DO NOTHING
        """)

    // MARK: The store

    static let addChanges = PostgresStatement(
        "add changes", "INSERT INTO satchel.change (prefix) SELECT * FROM unnest($1::bigint[])")
    static let dropScrub = PostgresStatement("drop scrub", "DELETE FROM satchel.scrub WHERE id = $1::bigint")
    static let keepScrub = PostgresStatement(
        "keep scrub",
        """
        INSERT INTO satchel.scrub (id, began, latest, cursor, blobs, bytes, damaged)
        VALUES ($1::bigint, $2::bigint, $3::bigint, $4::bytea, $5::bigint, $6::bigint, $7::bigint)
        ON CONFLICT (id) DO UPDATE SET
            began = excluded.began, latest = excluded.latest, cursor = excluded.cursor, blobs = excluded.blobs,
            bytes = excluded.bytes, damaged = excluded.damaged
        """)
    static let changeSums = PostgresStatement(
        "change sums",
        """
        INSERT INTO satchel.tally AS t (slot, kind, count, bytes)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) k (slot, kind, count, bytes)
        ORDER BY slot, kind
        ON CONFLICT (slot, kind) DO UPDATE SET count = t.count + excluded.count, bytes = t.bytes + excluded.bytes
        """)
    static let changeStore = PostgresStatement(
        "change store",
        """
        UPDATE satchel.store SET
            pass_wall = coalesce($1::bigint, pass_wall), pass_monotonic = coalesce($2::bigint, pass_monotonic),
            pass_boot = coalesce($3::text, pass_boot), restored = coalesce($5::boolean, restored),
            latest = coalesce($4::bigint, CASE WHEN $1::bigint IS NULL THEN latest ELSE greatest(latest, $6::bigint) END)
        """)
}
