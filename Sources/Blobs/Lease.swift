/// What an uploader asks for.
package struct LeaseTerms: Sendable {
    /// How long; nil for the store's default.
    package var lifetime: Lifetime?
    /// How many recipients are expected to confirm delivery, 1…1024; nil if only time ends the lease.
    package var recipients: Int?
    /// Names the lease; whoever has the secret may see, renew and end it. Nil for a lease that only time ends.
    package var owner: SecretHash?
    /// The hashes of receipt secrets: none, one for all recipients, or one for each; at most 256, all different.
    package var receipts: [SecretHash]
    /// Who is charged: a ticket's subject, or an address prefix.
    package var subject: String
    /// Whether the subject stands for many people: it has limits of its own then, not those of a person.
    package var isShared: Bool
    /// What the subject may store; its lifetime also limits renewals.
    package var entitlement: Entitlement
    /// The name by which the lease is to be read, which no other has; nil for a lease that shows its blob by address. A
    /// lease with an alias has an owner.
    package var alias: LeaseAlias?

    package init(
        lifetime: Lifetime? = nil, recipients: Int? = nil, owner: SecretHash? = nil, receipts: [SecretHash] = [],
        subject: String, isShared: Bool = false, entitlement: Entitlement = .unlimited, alias: LeaseAlias? = nil
    ) {
        self.lifetime = lifetime
        self.recipients = recipients
        self.owner = owner
        self.receipts = receipts
        self.subject = subject
        self.isShared = isShared
        self.entitlement = entitlement
        self.alias = alias
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
    /// The state of a lease.
    package enum State: Hashable, Sendable {
        case held
        case ended(EndReason)
        /// The lease is live, but the bytes are damaged until somebody uploads them again.
        case damaged
    }

    /// One confirmation of delivery.
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

/// How large one blob may be and how long it may be kept, by the ticket of whoever asks. It never exceeds the limits of
/// the store.
package struct Entitlement: Hashable, Sendable {
    /// The largest blob, in bytes; nil for whatever the store takes.
    package var largestBytes: Int64?
    /// The longest lifetime of a lease; nil for whatever the store grants.
    package var longestLifetime: Lifetime?

    package init(largestBytes: Int64?, longestLifetime: Lifetime?) {
        self.largestBytes = largestBytes
        self.longestLifetime = longestLifetime
    }

    /// No limits beyond those of the store.
    package static let unlimited = Entitlement(largestBytes: nil, longestLifetime: nil)
}

/// How confirmations of delivery are counted for a lease: it follows from the number of its receipt hashes and of
/// expected recipients.
package enum DeliveryCounting: Hashable, Sendable {
    /// There is no hash, so nobody can confirm.
    case nobody
    /// One secret for all: distinct recipients count, at most `limit` of them.
    case shared(limit: Int)
    /// One secret for each recipient: each counts once, under whatever name.
    case individual(limit: Int)

    /// Nil where the numbers do not match: several hashes must be one for each recipient.
    package init?(hashes: Int, recipients: Int?) {
        switch hashes {
        case 0: self = .nobody
        case 1 where recipients != 1: self = .shared(limit: recipients ?? LeaseTerms.recipientLimit)
        default:
            guard recipients == nil || recipients == hashes else { return nil }
            self = .individual(limit: hashes)
        }
    }

    /// The most confirmations that are kept.
    package var limit: Int {
        switch self {
        case .nobody: 0
        case .shared(let limit), .individual(let limit): limit
        }
    }
}
