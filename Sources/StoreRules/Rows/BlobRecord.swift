package import Blobs

/// All that a catalog knows of one address but for bans: its row, and its leases with all that belongs to them. Two stores
/// that have the same records answer alike.
package struct BlobRecord: Sendable, Hashable {
    package let row: BlobRow
    /// Ended ones too, in the order in which they were made.
    package let leases: [LeaseRecord]

    package init(row: BlobRow, leases: [LeaseRecord]) {
        self.row = row
        self.leases = leases
    }
}

/// One lease with what belongs to it.
package struct LeaseRecord: Sendable, Hashable {
    package let row: LeaseRow
    /// The name that leads to it; nil for a lease without one.
    package let alias: AliasName?
    /// Hashes of the secrets that may say "delivered", in the order of their bytes.
    package let hashes: [SecretHash]
    /// What was said, in the order of hashes and recipients.
    package let receipts: [ReceiptRecord]

    package init(row: LeaseRow, alias: AliasName?, hashes: [SecretHash], receipts: [ReceiptRecord]) {
        self.row = row
        self.alias = alias
        self.hashes = hashes.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        self.receipts = receipts.sorted {
            ($0.hash.bytes + $0.recipient.bytes).lexicographicallyPrecedes($1.hash.bytes + $1.recipient.bytes)
        }
    }
}

/// One "delivered" of a lease.
package struct ReceiptRecord: Sendable, Hashable {
    package let hash: SecretHash
    package let recipient: Recipient
    package let at: Timestamp

    package init(hash: SecretHash, recipient: Recipient, at: Timestamp) {
        self.hash = hash
        self.recipient = recipient
        self.at = at
    }
}

/// What a subject has made in its latest day.
package struct SubjectRecord: Sendable, Hashable {
    package let subject: String
    package let day: LeaseDay

    package init(subject: String, day: LeaseDay) {
        self.subject = subject
        self.day = day
    }
}

/// Since when nobody may hold an address.
package struct BanRecord: Sendable, Hashable {
    package let address: BlobAddress
    package let since: Timestamp

    package init(address: BlobAddress, since: Timestamp) {
        self.address = address
        self.since = since
    }
}
