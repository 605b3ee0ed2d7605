package import Blobs

/// Whom a lease belongs to: whoever knows the owner's secret, or without one whoever is charged.
package enum LeaseHolder: Hashable, Sendable {
    case owner(SecretHash)
    case subject(String)
}

/// The name of a lease. What ends stays ended under its owner's name; a subject's name is free again.
package struct LeaseKey: Hashable, Sendable {
    package let address: BlobAddress
    package let holder: LeaseHolder

    package init(address: BlobAddress, holder: LeaseHolder) {
        self.address = address
        self.holder = holder
    }

    /// The lease on `address` that `terms` name.
    package init(_ address: BlobAddress, _ terms: LeaseTerms) {
        self.init(address: address, holder: terms.owner.map { .owner($0) } ?? .subject(terms.subject))
    }
}

/// One lease as the catalogue keeps it.
package struct LeaseRow: Sendable, Hashable {
    package let address: BlobAddress
    package let owner: SecretHash?
    /// Who is charged; nil once the lease has ended.
    package var subject: String?
    package let created: Timestamp
    package var expires: Timestamp
    /// The longest that it may last from any moment on.
    package let limit: Lifetime
    package let recipients: Int?
    /// How many secrets may say "delivered".
    package let hashes: Int
    /// When the last recipient expected had said so; nil until then.
    package var delivered: Timestamp?
    /// When it was ended, and why; nil where it was not, though its time may be up.
    package var ended: Timestamp?
    package var reason: EndReason?

    package init(
        address: BlobAddress, owner: SecretHash?, subject: String?, created: Timestamp, expires: Timestamp,
        limit: Lifetime, recipients: Int?, hashes: Int, delivered: Timestamp? = nil, ended: Timestamp? = nil,
        reason: EndReason? = nil
    ) {
        self.address = address
        self.owner = owner
        self.subject = subject
        self.created = created
        self.expires = expires
        self.limit = limit
        self.recipients = recipients
        self.hashes = hashes
        self.delivered = delivered
        self.ended = ended
        self.reason = reason
    }

    /// What the lease is called; nil for one that has ended and had no owner.
    package var key: LeaseKey? {
        let holder = owner.map { LeaseHolder.owner($0) } ?? subject.map { .subject($0) }
        return holder.map { LeaseKey(address: address, holder: $0) }
    }

    /// Why the lease holds nothing at `now`; nil while it does.
    package func end(at now: Timestamp) -> EndReason? {
        if let reason { return reason }
        if expires > now { return nil }
        return delivered == nil ? .expired : .delivered
    }
}

/// What a subject holds.
package struct Usage: Sendable, Hashable {
    package var leases: Int
    /// The sum of max(size, 4096) over its leases.
    package var bytes: Int64

    package init(leases: Int = 0, bytes: Int64 = 0) {
        self.leases = leases
        self.bytes = bytes
    }

    /// Bytes that one lease on `size` bytes costs its subject.
    package static func bytes(for size: Int64) -> Int64 { max(size, 4096) }

    /// What both come to. The bytes of a store stay far from the end of the numbers.
    package static func + (left: Usage, right: Usage) -> Usage {
        Usage(leases: left.leases + right.leases, bytes: left.bytes + right.bytes)
    }
}
