import StoreRules

/// Finding rows: the first column is the place on the page that a row is for.
extension RowStatement {
    static let findBlobs = RowStatement(width: 2) {
        "SELECT \($0[1]), \(BlobRow.columns) FROM \($0.joined)blob WHERE address = \($0[2])"
    }
    static let findAccounted = RowStatement(width: 2) {
        "SELECT \($0[1]) FROM \($0.joined)blob WHERE address = \($0[2]) AND state <> 4"
    }
    static let findBans = RowStatement(width: 2) {
        "SELECT \($0[1]), since FROM \($0.joined)ban WHERE address = \($0[2])"
    }
    /// Leases on a blob whose time is up by then.
    static let findOpenLeases = RowStatement(width: 3) {
        """
        SELECT \($0[1]), \(LeaseRow.columns) FROM \($0.joined)lease INDEXED BY lease_of_blob
        WHERE blob = \($0[2]) AND ended IS NULL AND expires <= \($0[3])
        """
    }
    /// All leases on a blob, ended or not.
    static let findRememberedLeases = RowStatement(width: 2) {
        """
        SELECT \($0[1]), \(LeaseRow.columns) FROM \($0.joined)lease INDEXED BY lease_of_blob
        WHERE blob = \($0[2]) ORDER BY 1, lease.id
        """
    }
    /// So many leases on a blob without an alias that are over last, the last one first.
    static func findLastLeases(limit: Int) -> RowStatement {
        RowStatement(width: 2) {
            """
            SELECT \($0[1]), \(LeaseRow.columns) FROM \($0.joined)lease WHERE lease.id IN (
                SELECT open.id FROM lease AS open INDEXED BY lease_of_blob
                WHERE open.blob = \($0[2]) AND open.ended IS NULL AND open.via IS NULL
                ORDER BY open.expires DESC, open.delivered DESC LIMIT \(limit))
            ORDER BY 1, expires DESC, delivered DESC
            """
        }
    }
    static let findOwnedLeases = RowStatement(width: 3) {
        """
        SELECT \($0[1]), \(LeaseRow.columns) FROM \($0.joined)lease INDEXED BY lease_owner
        WHERE blob = \($0[2]) AND owner = \($0[3])
        """
    }
    static let findUnownedLeases = RowStatement(width: 3) {
        """
        SELECT \($0[1]), \(LeaseRow.columns) FROM \($0.joined)lease INDEXED BY lease_unowned
        WHERE blob = \($0[2]) AND subject = \($0[3]) AND owner IS NULL AND ended IS NULL
        """
    }
    /// The lease that a receipt hash names.
    static let findReceiptHashes = RowStatement(width: 3) {
        """
        SELECT \($0[1]), \(LeaseRow.columns) FROM \($0.joined)receipt_hash CROSS JOIN lease
        WHERE receipt_hash.blob = \($0[2]) AND receipt_hash.hash = \($0[3]) AND lease.id = receipt_hash.lease
        """
    }
    /// The lease that an alias leads to, behind the address of its blob.
    static let findAliases = RowStatement(width: 2) {
        """
        SELECT \($0[1]), (SELECT address FROM blob WHERE blob.id = lease.blob), \(LeaseRow.columns)
        FROM \($0.joined)alias CROSS JOIN lease WHERE alias.name = \($0[2]) AND lease.id = alias.lease
        """
    }
    /// The lease that admits a secret, with what is known of it.
    static let findDeliveries = RowStatement(width: 4) {
        """
        SELECT \($0[1]),
            (SELECT count(*) FROM receipt WHERE receipt.lease = lease.id),
            EXISTS (SELECT 1 FROM receipt WHERE receipt.lease = lease.id AND receipt.hash = \($0[3])),
            EXISTS (
                SELECT 1 FROM receipt
                WHERE receipt.lease = lease.id AND receipt.hash = \($0[3]) AND recipient = \($0[4])),
            \(LeaseRow.columns)
        FROM \($0.joined)receipt_hash CROSS JOIN lease
        WHERE receipt_hash.blob = \($0[2]) AND receipt_hash.hash = \($0[3]) AND lease.id = receipt_hash.lease
        """
    }
    static let findShares = RowStatement(width: 3) {
        """
        SELECT \($0[1]), count(*), min(expires) FROM \($0.joined)lease INDEXED BY lease_of_blob
        WHERE blob = \($0[2]) AND ended IS NULL AND via IS NULL AND subject = \($0[3]) GROUP BY 1
        """
    }
    static let findUsages = RowStatement(width: 2) {
        "SELECT \($0[1]), leases, bytes, day, made FROM \($0.joined)charge WHERE subject = \($0[2])"
    }
    static let findUploads = RowStatement(width: 2) {
        "SELECT \($0[1]), \(UploadColumns.all) FROM \($0.joined)upload WHERE id = \($0[2])"
    }
    static let findSightings = RowStatement(width: 2) {
        "SELECT \($0[1]), first_seen, last_pass FROM \($0.joined)orphan WHERE address = \($0[2])"
    }
}

/// Blobs whose last lease that showed them ended before a moment, those first that are over longest.
enum OldBlobs: String {
    /// Whose rows stay, and still say that they were shown.
    case formerlyShown = """
        reason IS NOT NULL AND (
            state <> 4 OR EXISTS (SELECT 1 FROM lease WHERE lease.blob = blob.id AND via IS NOT NULL))
        """
    /// Whose rows nobody needs.
    case forgettable = "state = 4 AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.blob = blob.id)"

    /// Takes the moment, and how many rows there may be.
    func select(_ columns: String) -> String {
        "SELECT \(columns) FROM blob INDEXED BY blob_ended WHERE ended < ? AND \(rawValue) ORDER BY ended LIMIT ?"
    }
}

/// Changing rows.
extension RowStatement {
    static let addBlobs = RowStatement(width: 9) {
        "INSERT INTO blob (address, size, state, uploaded, leases, aliased, sunset, reason, ended) \($0.inserted)"
    }
    static let changeBlobs = RowStatement(width: 9) {
        """
        UPDATE blob SET
            size = \($0[2]), state = \($0[3]), uploaded = \($0[4]), leases = \($0[5]), aliased = \($0[6]),
            sunset = \($0[7]), reason = \($0[8]), ended = \($0[9])
        \($0.from) WHERE id = \($0[1])
        """
    }
    static let dropBlobs = RowStatement(width: 1) { "DELETE FROM blob WHERE id IN \($0.list)" }
    static let addBans = RowStatement(width: 2) { "REPLACE INTO ban \($0.inserted)" }
    static let liftBans = RowStatement(width: 1) { "DELETE FROM ban WHERE address IN \($0.list)" }
    static let addLeases = RowStatement(width: 12) {
        """
        INSERT INTO lease (
            blob, owner, subject, created, expires, limit_seconds, recipients, hashes, delivered, via, ended, reason)
        \($0.inserted)
        """
    }
    static let changeLeases = RowStatement(width: 6) {
        """
        UPDATE lease SET
            subject = \($0[2]), expires = \($0[3]), delivered = \($0[4]), ended = \($0[5]), reason = \($0[6])
        \($0.from) WHERE id = \($0[1])
        """
    }
    /// What refers to a lease goes before it.
    static let dropReceipts = RowStatement(width: 1) { "DELETE FROM receipt WHERE lease IN \($0.list)" }
    static let dropReceiptHashes = RowStatement(width: 1) { "DELETE FROM receipt_hash WHERE lease IN \($0.list)" }
    static let dropAliases = RowStatement(width: 1) { "DELETE FROM alias WHERE lease IN \($0.list)" }
    static let dropLeases = RowStatement(width: 1) { "DELETE FROM lease WHERE id IN \($0.list)" }
    static let addReceiptHashes = RowStatement(width: 3) { "INSERT INTO receipt_hash \($0.inserted)" }
    static let addAliases = RowStatement(width: 2) { "INSERT INTO alias \($0.inserted)" }
    static let addReceipts = RowStatement(width: 4) { "INSERT INTO receipt \($0.inserted)" }
    /// Who has made no lease keeps the day that is stored.
    static let changeUsages = RowStatement(width: 5) {
        """
        INSERT INTO charge \($0.inserted)
        ON CONFLICT (subject) DO UPDATE SET
            leases = leases + excluded.leases, bytes = bytes + excluded.bytes,
            day = iif(excluded.made > 0, excluded.day, day), made = iif(excluded.made > 0, excluded.made, made)
        """
    }
    static let dropUsages = RowStatement(width: 1) {
        "DELETE FROM charge WHERE leases = 0 AND subject IN \($0.list)"
    }
    static let keepUploads = RowStatement(width: UploadColumns.count) {
        "REPLACE INTO upload (\(UploadColumns.all)) \($0.inserted)"
    }
    static let dropUploads = RowStatement(width: 1) { "DELETE FROM upload WHERE id IN \($0.list)" }
    static let keepSightings = RowStatement(width: 3) { "REPLACE INTO orphan \($0.inserted)" }
    static let dropSightings = RowStatement(width: 1) { "DELETE FROM orphan WHERE address IN \($0.list)" }
    /// By how much the sum of a kind changes; one row at a time.
    static let changeSums = RowStatement(width: 3) {
        "UPDATE tally SET count = count + \($0[2]), bytes = bytes + \($0[3]) \($0.from) WHERE kind = \($0[1])"
    }
}
