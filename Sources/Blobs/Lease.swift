/// What an uploader asks for when it wants bytes kept.
package struct LeaseTerms: Sendable {
    /// How long; nil for the store's default.
    package var lifetime: Lifetime?
    /// How many people shall say "delivered", 1…1024; nil for an end by time alone.
    package var recipients: Int?
    /// Names the lease; whoever shows the secret may see and end it. Nil for a lease that only time ends.
    package var owner: SecretHash?
    /// The hashes that admit a "delivered": none, one for all, or one per recipient; at most 256, no two the same.
    package var receipts: [SecretHash]
    /// Who is charged: a ticket's subject, or an address prefix.
    package var subject: String
    /// What the subject may hold; the lifetime in it bounds renewals too.
    package var entitlement: Entitlement

    package init(
        lifetime: Lifetime? = nil, recipients: Int? = nil, owner: SecretHash? = nil, receipts: [SecretHash] = [],
        subject: String, entitlement: Entitlement = .unlimited
    ) {
        self.lifetime = lifetime
        self.recipients = recipients
        self.owner = owner
        self.receipts = receipts
        self.subject = subject
        self.entitlement = entitlement
    }

    /// The greatest number of recipients of one lease.
    package static let recipientLimit = 1024
    /// The greatest number of receipt hashes of one lease.
    package static let receiptLimit = 256
}

/// Why a lease, and with the last one a blob, is no longer held.
package enum EndReason: String, Sendable, CaseIterable {
    case expired, delivered, revoked, removed
}

/// One lease as its owner sees it.
package struct Lease: Sendable {
    /// Where a lease stands.
    package enum State: Hashable, Sendable {
        case held
        case ended(EndReason)
        /// The lease lives, the bytes do not: they heal when someone uploads them again.
        case damaged
    }

    /// One person's "delivered".
    package struct Receipt: Hashable, Sendable {
        package let recipient: Recipient
        package let at: Timestamp

        package init(recipient: Recipient, at: Timestamp) {
            self.recipient = recipient
            self.at = at
        }
    }

    package let address: BlobAddress
    /// Bytes of the blob.
    package let size: Int64
    package let state: State
    package let created: Timestamp
    package let expires: Timestamp
    package let recipients: Int?
    package let received: [Receipt]

    package init(
        address: BlobAddress, size: Int64, state: State, created: Timestamp, expires: Timestamp, recipients: Int?,
        received: [Receipt]
    ) {
        self.address = address
        self.size = size
        self.state = state
        self.created = created
        self.expires = expires
        self.recipients = recipients
        self.received = received
    }
}
