import Blobs
import Catalog
import Store

/// What the catalogue says about a lease that someone wants.
struct LeaseFacts: Sendable {
    /// Whether the operator lets nobody hold the blob.
    var isBanned = false
    /// Bytes of the blob, where they are known.
    var size: Int64?
    /// The lease of that name on that blob, live or ended.
    var existing: LeaseRow?
    /// Leases on the blob, and when the next of them is over.
    var onAddress = 0
    var nextEndOnAddress: Timestamp?
    /// Leases of the subject, and when the next of them is over.
    var ofSubject = 0
    var nextEndOfSubject: Timestamp?
    /// Bytes that the subject holds, and those that it has under way.
    var bytesOfSubject: Int64 = 0
    var bytesUnderWay: Int64 = 0

    /// Gathers the facts; `address` and `size` are nil where they are not known yet.
    init(
        _ reader: CatalogReader, address: BlobAddress?, size: Int64? = nil, terms: LeaseTerms,
        bytesUnderWay: Int64 = 0, limits: VaultSettings
    ) throws {
        let blob = try address.flatMap { try reader.blob($0) }
        try self.init(
            reader, address: address, blob: blob, size: size, terms: terms, bytesUnderWay: bytesUnderWay,
            limits: limits)
    }

    /// Gathers the facts where the row of the blob, or that there is none, is known already.
    init(
        _ reader: CatalogReader, address: BlobAddress?, blob: BlobRow?, size: Int64?, terms: LeaseTerms,
        bytesUnderWay: Int64 = 0, limits: VaultSettings
    ) throws {
        self.size = blob?.state == .held ? blob?.size : size
        self.bytesUnderWay = bytesUnderWay
        let charge = try reader.charge(of: terms.subject)
        ofSubject = charge.leases
        bytesOfSubject = charge.bytes
        if ofSubject >= limits.leasesPerSubject || exceedsQuota(limits) {
            nextEndOfSubject = try reader.nextEnd(ofSubject: terms.subject)
        }
        if let address { isBanned = try reader.isBanned(address) }
        guard let blob else { return }
        onAddress = blob.leases
        if onAddress >= limits.leasesPerAddress { nextEndOnAddress = try reader.nextEnd(ofBlob: blob.id) }
        existing =
            if let owner = terms.owner {
                try reader.lease(on: blob.id, owner: owner)
            } else {
                try reader.unownedLease(on: blob.id, subject: terms.subject)
            }
    }

    /// Bytes that the lease would be charged.
    var charge: Int64 { Charge.bytes(for: size ?? 0) }

    /// Whether those are more than the subject has left.
    func exceedsQuota(_ limits: VaultSettings) -> Bool {
        guard let limit = limits.bytesPerSubject else { return false }
        // A charge within the limit leaves a difference that cannot overflow.
        return charge > limit || bytesUnderWay > limit - charge - bytesOfSubject
    }

    init() {}
}

/// What to do about a lease that someone wants.
enum LeaseDecision: Sendable {
    /// It is there and lives: it stays as it is.
    case keep(LeaseRow)
    /// Make it, once the former one, whose time is up, has been ended.
    case add(ending: LeaseRow?)
    case refuse(StoreError)
}

/// A lease is named by its owner's hash, or without one by its subject. What ended stays ended.
enum LeaseRule {
    static func decide(
        _ facts: LeaseFacts, terms: LeaseTerms, limits: VaultSettings, now: Timestamp
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
        if facts.ofSubject >= limits.leasesPerSubject {
            return .refuse(busy("leases of this subject", facts.nextEndOfSubject, now))
        }
        if facts.exceedsQuota(limits) {
            if let limit = limits.bytesPerSubject, facts.charge > limit { return .refuse(.tooLarge(limitBytes: limit)) }
            return .refuse(busy("bytes of this subject", facts.nextEndOfSubject, now))
        }
        return .add(ending: facts.existing)
    }

    /// How long a lease lasts, or `.lifetimeTooLong`, or `.lifetimeNotEntitled`.
    static func lifetime(_ terms: LeaseTerms, limits: VaultSettings) throws(StoreError) -> Lifetime {
        let longest = longestLifetime(terms, limits: limits)
        let lifetime = terms.lifetime ?? min(limits.defaultLifetime, longest)
        guard lifetime <= limits.maximumLifetime else { throw .lifetimeTooLong(limit: limits.maximumLifetime) }
        guard lifetime <= longest else { throw .lifetimeNotEntitled(limit: longest) }
        return lifetime
    }

    /// The longest that a lease made on these terms may last, renewals included.
    static func longestLifetime(_ terms: LeaseTerms, limits: VaultSettings) -> Lifetime {
        terms.entitlement.longestLifetime.map { min($0, limits.maximumLifetime) } ?? limits.maximumLifetime
    }

    private static func busy(_ limit: String, _ nextEnd: Timestamp?, _ now: Timestamp) -> StoreError {
        // Between a minute, since the sweep has to come by, and an hour, since others may end theirs before.
        let wait = nextEnd.map { $0.secondsSince(now) } ?? 0
        return .busy(limit: limit, retryAfterSeconds: min(max(wait, 60), 3600))
    }
}
