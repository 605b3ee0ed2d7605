/// A number of blobs and the sum of their bytes.
package struct BlobTotal: Sendable, Hashable {
    package var count: Int64
    package var bytes: Int64

    package init(count: Int64 = 0, bytes: Int64 = 0) {
        self.count = count
        self.bytes = bytes
    }
}

/// The state of a store in numbers that are cheap to read.
package struct StoreReadings: Sendable {
    package var held = BlobTotal()
    /// Blobs whose removal has begun.
    package var removing = BlobTotal()
    package var damaged = BlobTotal()
    package var tombstones: Int64 = 0
    /// Leases that have not been ended.
    package var leases: Int64 = 0
    /// Leases that have ended and are still remembered.
    package var endedLeases: Int64 = 0
    /// Leases that have expired and that no sweep has ended yet, counted up to a limit.
    package var dueLeases: Int64 = 0
    /// Blobs that no lease holds and no sweep has removed yet, counted up to the same limit.
    package var unheldBlobs: Int64 = 0
    /// For how long the oldest of the expired leases has been due.
    package var oldestDueSeconds: Int64 = 0
    /// When a sweep was last allowed to remove, in seconds since 1970.
    package var lastPass: Int64 = 0
    /// Open resumable uploads, and the bytes that they have received.
    package var keptUploads = BlobTotal()
    /// When a scrub was last complete, in seconds since 1970; 0 for never.
    package var lastScrub: Int64 = 0
    /// Bytes that can still be stored.
    package var freeBytes: Int64 = 0
    /// Bytes of the catalog's write-ahead log; 0 if it has none.
    package var logBytes: Int64 = 0

    package init() {}
}

/// How writing to a store is going.
package struct WriteStatus: Sendable {
    /// Bytes that uploads under way may still write.
    package var promisedBytes: Int64
    /// Whether the store takes no writes because one could not be made durable.
    package var isSuspended: Bool

    package init(promisedBytes: Int64 = 0, isSuspended: Bool = false) {
        self.promisedBytes = promisedBytes
        self.isSuspended = isSuspended
    }
}
