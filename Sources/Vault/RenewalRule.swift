import Blobs
import Catalog
import Store

/// Until when a lease lasts that its owner renews.
enum RenewalRule {
    /// The new end: `lifetime` from now, later or earlier than the old one, since whoever may end a lease may shorten
    /// it; without a lifetime never earlier. `subject` is whose lease it must be; nil for anybody's.
    static func end(
        of lease: LeaseRow, lifetime: Lifetime?, subject: String?, standard: Lifetime, now: Timestamp
    ) throws(StoreError) -> Timestamp {
        if let end = lease.end(at: now) { throw .leaseEnded(end) }
        if let subject, subject != lease.subject { throw .wrongSubject }
        guard let lifetime else { return max(lease.expires, now.advanced(by: min(standard, lease.limit))) }
        guard lifetime <= lease.limit else { throw .lifetimeTooLong(limit: lease.limit) }
        return now.advanced(by: lifetime)
    }
}
