package import Blobs
package import Store

/// What an operator allows whoever holds leases.
package struct LeaseLimits: Sendable, Hashable {
    /// How long a lease lasts when the uploader names no time, and the longest that it may last.
    package var defaultLifetime: Lifetime
    package var maximumLifetime: Lifetime
    /// The most leases on one blob, and of one subject.
    package var leasesPerAddress: Int
    package var leasesPerSubject: Int
    /// The most bytes that the leases of one subject hold; nil for any number.
    package var bytesPerSubject: Int64?

    package init(
        defaultLifetime: Lifetime, maximumLifetime: Lifetime, leasesPerAddress: Int, leasesPerSubject: Int,
        bytesPerSubject: Int64?
    ) {
        self.defaultLifetime = defaultLifetime
        self.maximumLifetime = maximumLifetime
        self.leasesPerAddress = leasesPerAddress
        self.leasesPerSubject = leasesPerSubject
        self.bytesPerSubject = bytesPerSubject
    }
}

/// What is known about a lease that someone wants.
package struct LeaseFacts: Sendable {
    /// Whether the operator lets nobody hold the blob.
    package var isBanned = false
    /// Bytes of the blob, where they are known.
    package var size: Int64?
    /// The lease of that name on that blob, live or ended.
    package var existing: LeaseRow?
    /// Leases on the blob, and when the next of them is over.
    package var onAddress = 0
    package var nextEndOnAddress: Timestamp?
    /// What the subject holds, and when the next of its leases is over.
    package var ofSubject = Usage()
    package var nextEndOfSubject: Timestamp?
    /// Bytes that the subject has under way.
    package var bytesUnderWay: Int64 = 0

    package init() {}

    /// Bytes that the lease would be charged.
    var charge: Int64 { Usage.bytes(for: size ?? 0) }

    /// Whether those are more than the subject has left.
    func exceedsQuota(_ limits: LeaseLimits) -> Bool {
        guard let limit = limits.bytesPerSubject else { return false }
        // A charge within the limit leaves a difference that cannot overflow.
        return charge > limit || bytesUnderWay > limit - charge - ofSubject.bytes
    }
}

extension LeaseFacts {
    /// Gathers the facts; `address` and `size` are nil where they are not known yet.
    init(
        _ page: inout CatalogPage, address: BlobAddress?, size: Int64?, terms: LeaseTerms, bytesUnderWay: Int64 = 0,
        limits: LeaseLimits
    ) {
        let blob = address.flatMap { page.blobs.row($0) }
        self.size = blob?.state == .held ? blob?.size : size
        self.bytesUnderWay = bytesUnderWay
        ofSubject = page.usage(of: terms.subject)
        if ofSubject.leases >= limits.leasesPerSubject || exceedsQuota(limits) {
            nextEndOfSubject = page.nextEnds.row(.subject(terms.subject))
        }
        guard let address else { return }
        isBanned = page.bans.row(address) != nil
        guard let blob else { return }
        onAddress = blob.leases
        if onAddress >= limits.leasesPerAddress { nextEndOnAddress = page.nextEnds.row(.address(address)) }
        existing = page.place(ofLease: LeaseKey(address, terms)).flatMap { page.leases[$0] }
    }
}

/// What to do about a lease that someone wants.
package enum LeaseDecision: Sendable {
    /// It is there and lives: it stays as it is.
    case keep(LeaseRow)
    /// Make it, once the former one, whose time is up, has been ended.
    case add(ending: LeaseRow?)
    case refuse(StoreError)
}

/// A lease is named by its owner's hash, or without one by its subject. What ended stays ended.
package enum LeaseRule {
    package static func decide(
        _ facts: LeaseFacts, terms: LeaseTerms, limits: LeaseLimits, now: Timestamp
    ) -> LeaseDecision {
        if facts.isBanned { return .refuse(.banned) }
        if let existing = facts.existing {
            guard let end = existing.end(at: now) else { return .keep(existing) }
            if terms.owner != nil { return .refuse(.leaseEnded(end)) }
        }
        if let most = terms.entitlement.largestBytes, let size = facts.size, size > most {
            return .refuse(.sizeNotEntitled(limitBytes: most))
        }
        if facts.onAddress >= limits.leasesPerAddress {
            return .refuse(busy("leases on this blob", facts.nextEndOnAddress, now))
        }
        if facts.ofSubject.leases >= limits.leasesPerSubject {
            return .refuse(busy("leases of this subject", facts.nextEndOfSubject, now))
        }
        if facts.exceedsQuota(limits) {
            if let limit = limits.bytesPerSubject, facts.charge > limit { return .refuse(.tooLarge(limitBytes: limit)) }
            return .refuse(busy("bytes of this subject", facts.nextEndOfSubject, now))
        }
        return .add(ending: facts.existing)
    }

    /// How long a lease lasts, or `.lifetimeTooLong`, or `.lifetimeNotEntitled`.
    package static func lifetime(_ terms: LeaseTerms, limits: LeaseLimits) throws(StoreError) -> Lifetime {
        let longest = longestLifetime(terms, limits: limits)
        let lifetime = terms.lifetime ?? min(limits.defaultLifetime, longest)
        guard lifetime <= limits.maximumLifetime else { throw .lifetimeTooLong(limit: limits.maximumLifetime) }
        guard lifetime <= longest else { throw .lifetimeNotEntitled(limit: longest) }
        return lifetime
    }

    /// The longest that a lease made on these terms may last, renewals included.
    package static func longestLifetime(_ terms: LeaseTerms, limits: LeaseLimits) -> Lifetime {
        terms.entitlement.longestLifetime.map { min($0, limits.maximumLifetime) } ?? limits.maximumLifetime
    }

    private static func busy(_ limit: String, _ nextEnd: Timestamp?, _ now: Timestamp) -> StoreError {
        // Between a minute, since the sweep has to come by, and an hour, since others may end theirs before.
        let wait = nextEnd.map { $0.secondsSince(now) } ?? 0
        return .busy(limit: limit, retryAfterSeconds: min(max(wait, 60), 3600))
    }
}

extension StoreError {
    /// What somebody hears whose secret names nothing on a blob: what `find` would tell a stranger.
    package init(strangerTo blob: BlobRow?, at now: Timestamp) {
        self = blob.map { $0.end(at: now).map { .gone($0) } ?? .wrongSecret } ?? .notFound
    }
}

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
