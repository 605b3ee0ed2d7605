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

    init(_ holdings: Holdings) {
        bytes = Use(used: holdings.bytes, reserved: holdings.reservedBytes, limit: holdings.limitBytes)
        leases = Use(used: Int64(holdings.leases), reserved: nil, limit: Int64(holdings.leaseLimit))
        uploads = Use(used: Int64(holdings.uploads), reserved: nil, limit: Int64(holdings.uploadLimit))
        nextEnd = holdings.nextEnd?.seconds
    }
}
