package import Blobs
package import Store

/// What an operator allows whoever holds leases.
package struct LeaseLimits: Sendable, Hashable {
    /// How long a lease lasts when the uploader names no time, and the longest that it may last.
    package var defaultLifetime: Lifetime
    package var maximumLifetime: Lifetime
    /// The most leases on one blob, of one subject, and of one subject on one blob.
    package var leasesPerAddress: Int
    package var leasesPerSubject: Int
    package var leasesPerSubjectAndAddress: Int
    /// The most leases that one subject makes in a day.
    package var leasesPerSubjectAndDay: Int
    /// The most bytes that the leases of one subject hold; nil for any number.
    package var bytesPerSubject: Int64?
    /// The same of a subject that stands for many people; nil for any number.
    package var bytesPerSharedSubject: Int64?
    package var leasesPerSharedSubject: Int?

    package init(
        defaultLifetime: Lifetime, maximumLifetime: Lifetime, leasesPerAddress: Int, leasesPerSubject: Int,
        leasesPerSubjectAndAddress: Int, leasesPerSubjectAndDay: Int, bytesPerSubject: Int64?,
        bytesPerSharedSubject: Int64? = nil, leasesPerSharedSubject: Int? = nil
    ) {
        self.defaultLifetime = defaultLifetime
        self.maximumLifetime = maximumLifetime
        self.leasesPerAddress = leasesPerAddress
        self.leasesPerSubject = leasesPerSubject
        self.leasesPerSubjectAndAddress = leasesPerSubjectAndAddress
        self.leasesPerSubjectAndDay = leasesPerSubjectAndDay
        self.bytesPerSubject = bytesPerSubject
        self.bytesPerSharedSubject = bytesPerSharedSubject
        self.leasesPerSharedSubject = leasesPerSharedSubject
    }
}

extension LeaseLimits {
    /// Those that a lease on these terms is held to. What many people pass on under names of its own is charged to each of
    /// them, so however many such leases there may be on a blob.
    func limits(for terms: LeaseTerms) -> LeaseLimits {
        var limits = self
        if terms.alias != nil {
            limits.leasesPerAddress = .max
            limits.leasesPerSubjectAndAddress = .max
        }
        if terms.isShared {
            limits.bytesPerSubject = bytesPerSharedSubject
            limits.leasesPerSubject = leasesPerSharedSubject ?? .max
            limits.leasesPerSubjectAndDay = .max
        }
        return limits
    }

    /// How long a lease on these terms lasts, or `.lifetimeTooLong`, or `.lifetimeNotEntitled`.
    package func lifetime(for terms: LeaseTerms) throws(StoreError) -> Lifetime {
        let longest = longestLifetime(for: terms)
        let lifetime = terms.lifetime ?? min(defaultLifetime, longest)
        guard lifetime <= maximumLifetime else { throw .lifetimeTooLong(limit: maximumLifetime) }
        guard lifetime <= longest else { throw .lifetimeNotEntitled(limit: longest) }
        return lifetime
    }

    /// The longest that a lease made on these terms may last, renewals included.
    func longestLifetime(for terms: LeaseTerms) -> Lifetime {
        terms.entitlement.longestLifetime.map { min($0, maximumLifetime) } ?? maximumLifetime
    }

    /// Throws `.busy` where a subject that has made those of `day`, and may be about to make `underWay` more, may make no
    /// other.
    func checkMade(_ day: LeaseDay?, underWay: Int = 0, now: Timestamp) throws(StoreError) {
        let day = day ?? LeaseDay(began: now)
        guard day.made >= leasesPerSubjectAndDay - underWay else { return }
        throw .usedUp("leases made by this subject in a day", until: day.end, now)
    }
}

extension LeaseTerms {
    /// Bytes by which the catalog grows for a lease on these terms, at most: its rows with their indexes, and those of its
    /// blob.
    package var rowBytes: Int64 { 1024 + 128 * Int64(receipts.count) }
}

/// What is known about a lease that somebody wants, and what follows. A lease is named by its owner's hash, or without
/// one by its subject; what ended stays ended.
struct LeaseRule: Sendable {
    private let terms: LeaseTerms
    private let limits: LeaseLimits
    /// Bytes of the blob, where they are known.
    private let size: Int64?
    /// Bytes that other uploads of the subject have reserved.
    private let bytesUnderWay: Int64
    /// What the subject holds, and when the next of its leases is over.
    private let ofSubject: Usage
    private var nextEndOfSubject: Timestamp?
    /// What the subject has made today; nil where that is nothing.
    private let day: LeaseDay?
    /// Whether the operator lets nobody hold the blob.
    private var isBanned = false
    /// The lease of that name on that blob, live or ended.
    private var existing: LeaseRow?
    /// Whether one of the wanted receipt hashes names another lease on the blob, live or ended.
    private var isReceiptTaken = false
    /// Whether the wanted alias leads to a lease already, live or ended.
    private let isAliasTaken: Bool
    /// Leases on the blob, and when the next of them is over.
    private var onAddress = 0
    private var nextEndOnAddress: Timestamp?
    /// The subject's leases on the blob, where there are so many on it that they could be too many.
    private var ofSubjectOnAddress = LeaseShare()

    /// Gathers what is known; `address` and `size` are nil where they are not known yet. `bytesUnderWay` are those that the
    /// catalog does not count; `id` names the upload that will get the lease, where it outlives its requests.
    init(
        _ page: inout CatalogPage, address: BlobAddress?, size: Int64?, terms: LeaseTerms, bytesUnderWay: Int64,
        committing id: UploadID? = nil, limits: LeaseLimits
    ) {
        let blob = address.flatMap { page.blobs.row($0) }
        let limits = limits.limits(for: terms)
        self.terms = terms
        self.limits = limits
        self.size = blob?.state == .held ? blob?.size : size
        let kept = page.keptBytes(of: terms.subject, except: id)
        let (sum, overflow) = bytesUnderWay.addingReportingOverflow(kept)
        self.bytesUnderWay = overflow ? .max : sum
        ofSubject = page.usage(of: terms.subject)
        day = page.day(of: terms.subject)
        isAliasTaken = terms.alias.map { page.aliases.row($0.name) != nil } ?? false
        if ofSubject.leases >= limits.leasesPerSubject || exceedsQuota {
            nextEndOfSubject = page.nextEnd(.subject(terms.subject))
        }
        guard let address else { return }
        isBanned = page.bans.row(address) != nil
        guard let blob else { return }
        onAddress = blob.leases
        if onAddress >= limits.leasesPerAddress { nextEndOnAddress = page.nextEnd(.address(address)) }
        if onAddress >= limits.leasesPerSubjectAndAddress {
            ofSubjectOnAddress = page.share(of: terms.subject, on: address)
        }
        existing = page.place(ofLease: LeaseKey(address, terms)).flatMap { page.leases[$0] }
        isReceiptTaken = terms.receipts.contains { page.receiptHashes.row(ReceiptHashKey(address, $0)) != nil }
    }

    /// The lease of that name, if it lives: it stays as it is. Nil if one is to be made, which ends one whose time is up.
    /// Throws what refuses it.
    func liveLease(now: Timestamp) throws(StoreError) -> LeaseRow? {
        if isAliasTaken { throw .aliasTaken }
        if isBanned { throw .banned }
        if let most = terms.entitlement.largestBytes, let size, size > most {
            throw .sizeNotEntitled(limitBytes: most)
        }
        if let existing {
            guard let end = existing.end(at: now) else {
                // Its owner has it under another name, or none.
                if terms.alias != nil { throw .aliasTaken }
                return existing
            }
            if terms.owner != nil { throw .leaseEnded(end) }
        }
        if isReceiptTaken { throw .receiptTaken }
        try limits.checkMade(day, now: now)
        if ofSubjectOnAddress.leases >= limits.leasesPerSubjectAndAddress {
            throw .usedUp("leases of this subject on this blob", until: ofSubjectOnAddress.nextEnd, now)
        }
        if onAddress >= limits.leasesPerAddress {
            throw .usedUp("leases on this blob", until: nextEndOnAddress, now)
        }
        if ofSubject.leases >= limits.leasesPerSubject {
            throw .usedUp("leases of this subject", until: nextEndOfSubject, now)
        }
        if exceedsQuota {
            if let limit = limits.bytesPerSubject, charge > limit { throw .tooLarge(limitBytes: limit) }
            throw .usedUp("bytes of this subject", until: nextEndOfSubject, now)
        }
        return nil
    }

    /// Bytes that the lease would be charged.
    private var charge: Int64 { Usage.bytes(for: size ?? 0) }

    /// Whether those are more than the subject has left.
    private var exceedsQuota: Bool {
        guard let limit = limits.bytesPerSubject else { return false }
        // A charge within the limit leaves a difference that cannot overflow.
        return charge > limit || bytesUnderWay > limit - charge - ofSubject.bytes
    }
}

extension StoreError {
    fileprivate static func usedUp(_ limit: String, until nextEnd: Timestamp?, _ now: Timestamp) -> StoreError {
        // Between a minute, since the sweep has to come by, and an hour, since others may end theirs before.
        let wait = nextEnd.map { $0.secondsSince(now) } ?? 0
        return .busy(limit: limit, retryAfterSeconds: min(max(wait, 60), 3600))
    }

    /// What somebody hears whose secret names nothing on a blob: what `find` would tell a stranger.
    package init(strangerTo blob: BlobRow?, at now: Timestamp) {
        let shown = blob.flatMap { $0.isHidden ? nil : $0 }
        self = shown.map { $0.end(at: now).map { .gone($0) } ?? .wrongSecret } ?? .notFound
    }
}

/// Until when a lease lasts that its owner renews.
package enum RenewalRule {
    /// The new end: the lifetime of `terms` from now, later or earlier than the old one, since whoever may end a lease may
    /// shorten it; without a lifetime never earlier. `size` is that of the blob, in bytes.
    package static func end(
        of lease: LeaseRow, size: Int64, terms: RenewalTerms, standard: Lifetime, now: Timestamp
    ) throws(StoreError) -> Timestamp {
        if let end = lease.end(at: now) { throw .leaseEnded(end) }
        if let subject = terms.subject, subject != lease.subject { throw .wrongSubject }
        if let most = terms.entitlement.largestBytes, size > most { throw .sizeNotEntitled(limitBytes: most) }
        if let most = terms.mostRecipients, max(lease.recipients ?? 0, lease.hashes) > most {
            throw .recipientsNotEntitled(limit: most)
        }
        let entitled = terms.entitlement.longestLifetime ?? lease.limit
        guard let lifetime = terms.lifetime else {
            return max(lease.expires, now.advanced(by: min(standard, lease.limit, entitled)))
        }
        guard lifetime <= lease.limit else { throw .lifetimeTooLong(limit: lease.limit) }
        guard lifetime <= entitled else { throw .lifetimeNotEntitled(limit: entitled) }
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
    /// Bytes by which the catalog grows for one "delivered", at most.
    package static let rowBytes: Int64 = 256

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
