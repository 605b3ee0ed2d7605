import GRDB

extension Catalog {
    /// Every step that ever changed the schema, in order; a step that has shipped is never edited.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 blobs, leases and uploads") { database in
            for tables in [storeTables, blobTables, leaseTables, uploadTables, tallyTable, scrubTable] {
                try database.execute(sql: tables)
            }
        }
        migrator.registerMigration("2 aliases") { database in try database.execute(sql: aliasTable) }
        migrator.registerMigration("3 former showings") { database in try database.execute(sql: formerShowings) }
        return migrator
    }

    /// The one row about the store itself, and the files that were seen without a row.
    ///
    /// `identity` is also in blobs.v1/STORE; `commits` numbers the transactions, and the number is noted in the lock
    /// file, so that a catalog put back from a copy is known for what it is; `latest` is the latest time committed;
    /// `pass_…` are the clocks at the last sweep that was allowed to remove.
    private static let storeTables = """
        CREATE TABLE store (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            identity BLOB NOT NULL,
            commits INTEGER NOT NULL,
            latest INTEGER NOT NULL,
            restored INTEGER NOT NULL,
            pass_wall INTEGER NOT NULL,
            pass_monotonic INTEGER NOT NULL,
            pass_boot TEXT NOT NULL
        ) STRICT;
        CREATE TABLE orphan (
            address BLOB PRIMARY KEY,
            first_seen INTEGER NOT NULL,
            last_pass INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """

    /// One row for each address: `state` as in `BlobState`; `leases` and `sunset` sum up the leases that have not
    /// ended; `reason` tells why the last of them will end, or did; `ended` is when the file went (but see
    /// `formerShowings`).
    private static let blobTables = """
        CREATE TABLE blob (
            id INTEGER PRIMARY KEY,
            address BLOB NOT NULL UNIQUE,
            size INTEGER NOT NULL,
            state INTEGER NOT NULL,
            uploaded INTEGER NOT NULL,
            leases INTEGER NOT NULL DEFAULT 0,
            sunset INTEGER,
            reason TEXT,
            ended INTEGER
        ) STRICT;
        CREATE INDEX blob_unheld ON blob (id) WHERE leases = 0 AND state IN (1, 3);
        CREATE INDEX blob_removing ON blob (id) WHERE state = 2;
        CREATE INDEX blob_damaged ON blob (id) WHERE state = 3;
        CREATE INDEX blob_gone ON blob (ended) WHERE state = 4;
        """

    /// `owner` is a SHA-256; `hashes` counts the rows of `receipt_hash`, whose secrets may say "delivered", each of them
    /// for one lease on a blob; `limit_seconds` is the longest lifetime that whoever made the lease was entitled to;
    /// `delivered` is when the last recipient expected had said so. `charge` sums up what each subject holds, and counts
    /// the leases that it has made since `day` began; a `ban` outlives every trace of its blob.
    private static let leaseTables = """
        CREATE TABLE lease (
            id INTEGER PRIMARY KEY,
            blob INTEGER NOT NULL REFERENCES blob (id),
            owner BLOB,
            subject TEXT,
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            limit_seconds INTEGER NOT NULL,
            recipients INTEGER,
            hashes INTEGER NOT NULL,
            delivered INTEGER,
            ended INTEGER,
            reason TEXT
        ) STRICT;
        CREATE UNIQUE INDEX lease_owner ON lease (blob, owner) WHERE owner IS NOT NULL;
        CREATE UNIQUE INDEX lease_unowned ON lease (blob, subject) WHERE owner IS NULL AND ended IS NULL;
        CREATE INDEX lease_of_blob ON lease (blob, ended, expires, delivered, subject);
        CREATE INDEX lease_due ON lease (expires) WHERE ended IS NULL;
        CREATE INDEX lease_of_subject ON lease (subject, expires) WHERE ended IS NULL;
        CREATE INDEX lease_ended ON lease (ended) WHERE ended IS NOT NULL;
        CREATE TABLE receipt_hash (
            blob INTEGER NOT NULL REFERENCES blob (id),
            hash BLOB NOT NULL,
            lease INTEGER NOT NULL REFERENCES lease (id),
            PRIMARY KEY (blob, hash)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX receipt_hash_of_lease ON receipt_hash (lease);
        CREATE TABLE receipt (
            lease INTEGER NOT NULL REFERENCES lease (id),
            hash BLOB NOT NULL,
            recipient BLOB NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (lease, hash, recipient)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE charge (
            subject TEXT PRIMARY KEY,
            leases INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            day INTEGER NOT NULL,
            made INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX charge_idle ON charge (day) WHERE leases = 0;
        CREATE TABLE ban (
            address BLOB PRIMARY KEY,
            since INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """

    /// Uploads that outlive their requests: what was told to the client, and nothing that was not synced. `state` is 1
    /// for open, 2 for committed, 3 for refused; `size` is the length of the whole once it is told; `announced` is the
    /// address that the bytes shall have; `receipts` are 32 bytes for each hash; `largest_bytes` and `longest_seconds`
    /// are what the subject was entitled to. Of a committed one `address`, `uploaded`, `held_until` and `is_new` are the
    /// answer, of a refused one `refusal`, so that either can be told again.
    private static let uploadTables = """
        CREATE TABLE upload (
            id BLOB PRIMARY KEY,
            state INTEGER NOT NULL,
            subject TEXT NOT NULL,
            size INTEGER,
            received INTEGER NOT NULL,
            announced BLOB,
            owner BLOB,
            receipts BLOB NOT NULL,
            lifetime INTEGER,
            recipients INTEGER,
            largest_bytes INTEGER,
            longest_seconds INTEGER,
            expires INTEGER NOT NULL,
            address BLOB,
            uploaded INTEGER,
            held_until INTEGER,
            is_new INTEGER,
            refusal TEXT
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX upload_due ON upload (expires, id);
        CREATE INDEX upload_open ON upload (id) WHERE state = 1;
        """

    /// `alias` leads from a name to one lease, and goes with it. Such a lease has a `via`, which says where its name comes
    /// from, and does not count as one of `blob.leases`, whose blob is shown by its address, but as one of
    /// `blob.aliased`. The indexes that tell these kinds apart are made anew.
    private static let aliasTable = """
        ALTER TABLE blob ADD COLUMN aliased INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE lease ADD COLUMN via TEXT;
        CREATE TABLE alias (
            name BLOB PRIMARY KEY,
            lease INTEGER NOT NULL UNIQUE REFERENCES lease (id)
        ) STRICT, WITHOUT ROWID;
        DROP INDEX blob_unheld;
        CREATE INDEX blob_unheld ON blob (id) WHERE leases = 0 AND aliased = 0 AND state IN (1, 3);
        DROP INDEX lease_of_blob;
        CREATE INDEX lease_of_blob ON lease (blob, ended, via, expires, delivered, subject);
        """

    /// `blob.ended` is when the last lease ended that showed the blob by its address, also where leases with aliases keep
    /// its file. Of those that have ended by now, a blob whose leases are forgotten was over at the beginning of time.
    private static let formerShowings = """
        UPDATE blob SET ended = coalesce(
            (SELECT max(lease.ended) FROM lease WHERE lease.blob = blob.id AND via IS NULL), 0)
        WHERE state <> 4 AND leases = 0 AND reason IS NOT NULL;
        DROP INDEX blob_gone;
        CREATE INDEX blob_ended ON blob (ended) WHERE ended IS NOT NULL;
        """

    /// The number of rows and of bytes for each state of a blob (1 to 4), and the number of leases (5) and of ended ones
    /// (6). Whoever changes rows changes them in the same transaction.
    private static let tallyTable = """
        CREATE TABLE tally (
            kind INTEGER PRIMARY KEY,
            count INTEGER NOT NULL,
            bytes INTEGER NOT NULL
        ) STRICT;
        INSERT INTO tally VALUES (1, 0, 0), (2, 0, 0), (3, 0, 0), (4, 0, 0), (5, 0, 0), (6, 0, 0);
        """

    /// The background check under way (1) and the last one that came to its end (2), as in `ScrubRow.Place`.
    private static let scrubTable = """
        CREATE TABLE scrub (
            id INTEGER PRIMARY KEY CHECK (id IN (1, 2)),
            began INTEGER NOT NULL,
            latest INTEGER NOT NULL,
            cursor BLOB,
            blobs INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            damaged INTEGER NOT NULL
        ) STRICT;
        """
}
