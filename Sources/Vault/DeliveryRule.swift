import Blobs
import Catalog
import Store

/// What the catalogue says about a "delivered" for one lease.
struct DeliveryFacts: Sendable {
    let lease: LeaseRow
    let counting: DeliveryCounting
    /// How many have said so.
    let received: Int
    /// Whether this one has: by name where all share a secret, else by the secret.
    let isKnown: Bool
}

extension DeliveryFacts {
    /// The facts for every lease on the blob of row `blob` that admits the secret.
    static func all(
        _ reader: CatalogReader, on blob: Int64, by hash: SecretHash, from recipient: Recipient
    ) throws -> [DeliveryFacts] {
        try reader.leases(on: blob, admitting: hash).map { lease in
            let counting = DeliveryCounting(hashes: lease.hashes, recipients: lease.recipients) ?? .nobody
            let isShared = if case .shared = counting { true } else { false }
            return DeliveryFacts(
                lease: lease, counting: counting, received: try reader.receiptCount(of: lease.id),
                isKnown: try reader.hasReceipt(of: lease.id, by: hash, from: isShared ? recipient : nil))
        }
    }
}

/// What to do about a "delivered".
enum DeliveryDecision: Hashable, Sendable {
    /// It is known, or there is no room for it.
    case pass
    case note
    /// Note it: it was the last, and the lease ends at `end`.
    case complete(end: Timestamp)
}

/// When a lease ends because everybody has it.
enum DeliveryRule {
    /// How long a blob stays where each recipient has a secret: for those whose other device is fetching just now.
    static let individualGrace = Lifetime.minutes(10)

    /// `sharedGrace` is for leases whose recipients share a secret: any of them can report for all, so the others need
    /// the time to come and fetch.
    static func decide(_ facts: DeliveryFacts, sharedGrace: Lifetime, now: Timestamp) -> DeliveryDecision {
        if facts.isKnown || facts.received >= facts.counting.limit { return .pass }
        let lease = facts.lease
        guard lease.end(at: now) == nil, facts.received + 1 == lease.recipients else { return .note }
        let grace = if case .individual = facts.counting { individualGrace } else { sharedGrace }
        return .complete(end: min(lease.expires, now.advanced(by: grace)))
    }
}
