/// The tables of a shared catalog, as steps that ever changed them, in order; a step that has shipped is never edited, and
/// only adds as long as an older node may be alive.
enum SharedSchema {
    /// The number of each step is its place, from 1.
    static let steps: [(name: String, statements: [String])] = [
        (
            "store, blobs, leases and uploads",
            storeTables + nodeTables + blobTables + leaseTables + leaseParts + subjectTables + uploadTables
                + objectTables + tallyTable + scrubTable
        )
    ]

    /// Which steps were taken.
    static let steppedTable = """
        CREATE TABLE IF NOT EXISTS satchel.migration (
            number bigint PRIMARY KEY,
            name text NOT NULL,
            at timestamptz NOT NULL DEFAULT clock_timestamp()
        )
        """

    /// The one row about the store itself. `identity` is also in the object v1/STORE; `latest` is the latest time that a
    /// sweep noted; `restored` tells that it was put back from a copy, `system` names the cluster that it was in last;
    /// `pass_…` are the clocks at the last sweep that was allowed to remove and what it left in v1/PASS/ as well;
    /// `accepted` is by how many seconds clocks may differ; `scanned_hour` tells up to where names were looked through.
    private static let storeTables = [
        """
        CREATE TABLE satchel.store (
            one boolean PRIMARY KEY DEFAULT true CHECK (one),
            identity bytea NOT NULL,
            latest bigint NOT NULL,
            restored boolean NOT NULL DEFAULT false,
            system bigint NOT NULL,
            pass_wall bigint NOT NULL,
            pass_monotonic bigint NOT NULL,
            pass_boot text NOT NULL,
            pass_token bytea NOT NULL DEFAULT '',
            accepted bigint NOT NULL DEFAULT 0,
            scanned_hour bigint
        )
        """
    ]

    /// Each start of a node is a row, whose `slot` is where it keeps its sums (`tallyTable`). `lane` has the mark of the last
    /// batch that each of its lanes committed. `change` has 48 bits of each
    /// address whose findings ended, by the transaction that ended them.
    private static let nodeTables = [
        """
        CREATE TABLE satchel.node (
            id bytea PRIMARY KEY,
            name text COLLATE "C" NOT NULL,
            version text COLLATE "C" NOT NULL,
            started timestamptz NOT NULL,
            beat timestamptz NOT NULL,
            wall bigint NOT NULL,
            slot bigint NOT NULL UNIQUE
        )
        """,
        """
        CREATE TABLE satchel.lane (
            node bytea NOT NULL,
            place bigint NOT NULL,
            batch bytea NOT NULL,
            PRIMARY KEY (node, place)
        ) WITH (fillfactor = 50)
        """,
        """
        CREATE TABLE satchel.duty (
            name text COLLATE "C" PRIMARY KEY,
            node bytea NOT NULL,
            until timestamptz NOT NULL
        )
        """,
        """
        CREATE TABLE satchel.change (
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            prefix bigint NOT NULL,
            at timestamptz NOT NULL DEFAULT clock_timestamp()
        )
        """,
        "CREATE INDEX change_xid ON satchel.change (xid)",
        "CREATE INDEX change_at ON satchel.change (at)",
    ]

    /// One row for each address: as in the catalog of a single node, and `object` names its bytes, or where it is `listed`
    /// a list of objects. Only a tombstone has none.
    private static let blobTables = [
        """
        CREATE TABLE satchel.blob (
            address bytea PRIMARY KEY,
            size bigint NOT NULL,
            state smallint NOT NULL,
            object uuid UNIQUE,
            listed boolean NOT NULL,
            uploaded bigint NOT NULL,
            leases bigint NOT NULL,
            aliased bigint NOT NULL,
            sunset bigint,
            reason text COLLATE "C",
            ended bigint,
            CONSTRAINT blob_bytes CHECK ((object IS NULL) = (state = 4))
        ) WITH (fillfactor = 85)
        """,
        """
        CREATE INDEX blob_unheld ON satchel.blob (address) WHERE leases = 0 AND aliased = 0 AND state IN (1, 3)
        """,
        "CREATE INDEX blob_ended ON satchel.blob (ended) WHERE ended IS NOT NULL",
        "CREATE TABLE satchel.ban (address bytea PRIMARY KEY, since bigint NOT NULL)",
    ]

    /// Leases are numbered by whoever adds them, from blocks that a sequence gives out. `lease_owner` has to be a whole
    /// index: with a partial one the statements of a sweep find no way to the rows.
    /// `lease_of_subject` says of an end what always holds, so that only a question that says it too is led there: the one for
    /// a subject's lease on an address would look among all of the subject's, until the database has counted its rows.
    private static let leaseTables = [
        "CREATE SEQUENCE satchel.lease_block",
        """
        CREATE TABLE satchel.lease (
            id bigint PRIMARY KEY,
            address bytea NOT NULL,
            owner bytea,
            subject text COLLATE "C",
            created bigint NOT NULL,
            expires bigint NOT NULL,
            limit_seconds bigint NOT NULL,
            recipients bigint,
            hashes bigint NOT NULL,
            delivered bigint,
            via text COLLATE "C",
            ended bigint,
            reason text COLLATE "C"
        ) WITH (fillfactor = 85)
        """,
        "CREATE UNIQUE INDEX lease_owner ON satchel.lease (address, owner)",
        """
        CREATE UNIQUE INDEX lease_unowned ON satchel.lease (address, subject) WHERE owner IS NULL AND ended IS NULL
        """,
        """
        CREATE INDEX lease_open ON satchel.lease (address, via, expires, delivered NULLS FIRST) WHERE ended IS NULL
        """,
        "CREATE INDEX lease_due ON satchel.lease (expires, id) WHERE ended IS NULL",
        """
        CREATE INDEX lease_of_subject ON satchel.lease (subject, expires, id) WHERE ended IS NULL AND expires > 0
        """,
        "CREATE INDEX lease_ended ON satchel.lease (ended, id) WHERE ended IS NOT NULL",
    ]

    /// What belongs to a lease, and goes with it.
    private static let leaseParts = [
        """
        CREATE TABLE satchel.receipt_hash (
            address bytea NOT NULL,
            hash bytea NOT NULL,
            lease bigint NOT NULL,
            PRIMARY KEY (address, hash)
        )
        """,
        "CREATE INDEX receipt_hash_of_lease ON satchel.receipt_hash (lease)",
        """
        CREATE TABLE satchel.receipt (
            lease bigint NOT NULL,
            hash bytea NOT NULL,
            recipient bytea NOT NULL,
            at bigint NOT NULL,
            PRIMARY KEY (lease, hash, recipient)
        )
        """,
        "CREATE TABLE satchel.alias (name bytea PRIMARY KEY, lease bigint NOT NULL UNIQUE)",
    ]

    /// What subjects hold, and how many leases they have made since `day` began. `idle` tells that they hold none: an index
    /// may not name what changes with every lease.
    private static let subjectTables = [
        """
        CREATE TABLE satchel.charge (
            subject text COLLATE "C" PRIMARY KEY,
            leases bigint NOT NULL,
            bytes bigint NOT NULL,
            day bigint NOT NULL,
            made bigint NOT NULL,
            idle boolean NOT NULL
        ) WITH (fillfactor = 50)
        """,
        "CREATE INDEX charge_idle ON satchel.charge (day) WHERE idle",
    ]

    /// Uploads that outlive their requests, as in the catalog of a single node; an open one has a `list` of objects, and
    /// `turn` counts its requests.
    private static let uploadTables = [
        """
        CREATE TABLE satchel.upload (
            id bytea PRIMARY KEY,
            state smallint NOT NULL,
            subject text COLLATE "C" NOT NULL,
            size bigint,
            received bigint NOT NULL,
            announced bytea,
            owner bytea,
            receipts bytea NOT NULL,
            lifetime bigint,
            recipients bigint,
            largest_bytes bigint,
            longest_seconds bigint,
            expires bigint NOT NULL,
            address bytea,
            uploaded bigint,
            held_until bigint,
            is_new boolean,
            refusal text COLLATE "C",
            list uuid,
            turn bigint NOT NULL
        )
        """,
        "CREATE INDEX upload_due ON satchel.upload (expires, id)",
        "CREATE INDEX upload_open ON satchel.upload (id) WHERE state = 1",
        "CREATE INDEX upload_of_subject ON satchel.upload (subject) WHERE state = 1",
    ]

    /// The objects of lists, and what nothing names any more, with when it may go.
    private static let objectTables = [
        """
        CREATE TABLE satchel.object (
            id uuid PRIMARY KEY,
            list uuid NOT NULL,
            nr bigint NOT NULL,
            size bigint NOT NULL,
            digest bytea NOT NULL,
            UNIQUE (list, nr)
        )
        """,
        "CREATE TABLE satchel.garbage (id uuid PRIMARY KEY, listed boolean NOT NULL, due bigint NOT NULL)",
        "CREATE INDEX garbage_due ON satchel.garbage (due, id)",
    ]

    /// The number of rows and of bytes for each state of a blob (1 to 4), and the number of leases (5) and of ended ones
    /// (6): each is the sum over all slots. A lane of a node has a slot to itself, or batches would wait for each other.
    private static let tallyTable = [
        """
        CREATE TABLE satchel.tally (
            slot bigint NOT NULL,
            kind smallint NOT NULL,
            count bigint NOT NULL,
            bytes bigint NOT NULL,
            PRIMARY KEY (slot, kind)
        ) WITH (fillfactor = 50)
        """
    ]

    /// The background check under way (1) and the last one that came to its end (2).
    private static let scrubTable = [
        """
        CREATE TABLE satchel.scrub (
            id smallint PRIMARY KEY CHECK (id IN (1, 2)),
            began bigint NOT NULL,
            latest bigint NOT NULL,
            cursor bytea,
            blobs bigint NOT NULL,
            bytes bigint NOT NULL,
            damaged bigint NOT NULL
        )
        """
    ]
}
