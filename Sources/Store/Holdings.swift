package import Blobs

/// What one subject holds and may hold, as it stands at one moment.
package struct Holdings: Hashable, Sendable {
    /// Bytes charged: max(size, 4096) for each lease that has not ended.
    package var bytes: Int64
    /// Bytes that uploads under way will be charged.
    package var reservedBytes: Int64
    /// The most bytes; nil for any number.
    package var limitBytes: Int64?
    package var leases: Int
    package var leaseLimit: Int
    package var uploads: Int
    package var uploadLimit: Int
    /// When the next of the leases is over; nil where there is none.
    package var nextEnd: Timestamp?

    package init(
        bytes: Int64, reservedBytes: Int64, limitBytes: Int64?, leases: Int, leaseLimit: Int, uploads: Int,
        uploadLimit: Int, nextEnd: Timestamp?
    ) {
        self.bytes = bytes
        self.reservedBytes = reservedBytes
        self.limitBytes = limitBytes
        self.leases = leases
        self.leaseLimit = leaseLimit
        self.uploads = uploads
        self.uploadLimit = uploadLimit
        self.nextEnd = nextEnd
    }
}
