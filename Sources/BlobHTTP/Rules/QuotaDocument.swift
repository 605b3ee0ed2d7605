import Blobs
import Store

/// What a ticket's holder has left, and when more comes back. Times are seconds since 1970; absent: no limit, or none
/// to come.
struct QuotaDocument: Encodable {
    /// How much of one thing.
    struct Use: Encodable {
        let used: Int64
        /// What uploads under way will use.
        let reserved: Int64?
        let limit: Int64?
    }

    let bytes: Use
    let leases: Use
    let uploads: Use
    let nextEnd: Int64?

    private enum CodingKeys: String, CodingKey {
        case bytes, leases, uploads
        case nextEnd = "next_end"
    }

    init(_ usage: QuotaUsage) {
        bytes = Use(used: usage.bytes, reserved: usage.reservedBytes, limit: usage.limitBytes)
        leases = Use(used: Int64(usage.leases), reserved: nil, limit: Int64(usage.leaseLimit))
        uploads = Use(used: Int64(usage.uploads), reserved: nil, limit: Int64(usage.uploadLimit))
        nextEnd = usage.nextEnd?.seconds
    }
}
