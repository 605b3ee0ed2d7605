package import Blobs
package import Store

/// Until when a lease lasts that its owner renews.
package enum RenewalRule {
    /// The new end: `lifetime` from now, later or earlier than the old one, since whoever may end a lease may shorten
    /// it; without a lifetime never earlier. `subject` is whose lease it must be; nil for anybody's.
    package static func end(
        of lease: LeaseRow, lifetime: Lifetime?, subject: String?, standard: Lifetime, now: Timestamp
    ) throws(StoreError) -> Timestamp {
        if let end = lease.end(at: now) { throw .leaseEnded(end) }
        if let subject, subject != lease.subject { throw .wrongSubject }
        guard let lifetime else { return max(lease.expires, now.advanced(by: min(standard, lease.limit))) }
        guard lifetime <= lease.limit else { throw .lifetimeTooLong(limit: lease.limit) }
        return now.advanced(by: lifetime)
    }
}

/// What is known about a "delivered" for one lease.
package struct DeliveryFacts: Sendable {
    package let lease: LeaseRow
    package let counting: DeliveryCounting
    /// How many have said so.
    package let received: Int
    /// Whether this one has: by name where all share a secret, else by the secret.
    package let isKnown: Bool

    package init(lease: LeaseRow, counting: DeliveryCounting, received: Int, isKnown: Bool) {
        self.lease = lease
        self.counting = counting
        self.received = received
        self.isKnown = isKnown
    }
}

/// What to do about a "delivered".
package enum DeliveryDecision: Hashable, Sendable {
    /// It is known, or there is no room for it.
    case pass
    case note
    /// Note it: it was the last, and the lease ends at `end`.
    case complete(end: Timestamp)
}

/// When a lease ends because everybody has it.
package enum DeliveryRule {
    /// How long a blob stays where each recipient has a secret: for those whose other device is fetching just now.
    package static let individualGrace = Lifetime.minutes(10)

    /// `sharedGrace` is for leases whose recipients share a secret: any of them can report for all, so the others need
    /// the time to come and fetch.
    package static func decide(_ facts: DeliveryFacts, sharedGrace: Lifetime, now: Timestamp) -> DeliveryDecision {
        if facts.isKnown || facts.received >= facts.counting.limit { return .pass }
        let lease = facts.lease
        guard lease.end(at: now) == nil, facts.received + 1 == lease.recipients else { return .note }
        let grace = if case .individual = facts.counting { individualGrace } else { sharedGrace }
        return .complete(end: min(lease.expires, now.advanced(by: grace)))
    }
}
