/// What a store holds, for a person: how much, how old, how large.
package struct StoreStatistics: Codable, Sendable, Hashable {
    /// Blobs of similar age or size.
    package struct Bucket: Codable, Sendable, Hashable {
        /// Where the bucket ends, in seconds or bytes, itself excluded; nil for the last one, which has no end.
        package let below: Int64?
        package var blobs = 0
        package var bytes: Int64 = 0

        init(below: Int64?) { self.below = below }
    }

    package var blobs = 0
    package var bytes: Int64 = 0
    /// Leases that have not been ended.
    package var leases: Int64 = 0
    /// Those of the leases that have an alias, by where that comes from.
    package var aliases: [String: Int] = [:]
    /// Blobs without a lease, which the next sweep removes.
    package var unheld = 0
    /// Blobs that were found damaged and set aside; not counted anywhere else.
    package var damaged = 0
    package var tombstones: Int64 = 0
    /// Open resumable uploads and the bytes they have received; not counted anywhere else.
    package var uploads: Int64 = 0
    package var uploadBytes: Int64 = 0
    /// The last complete scrub, and the one under way; nil if there is none.
    package var lastScrub: ScrubProgress?
    package var scrub: ScrubProgress?
    /// By seconds since the upload, youngest first.
    package var byAge: [Bucket]
    /// By bytes, smallest first.
    package var bySize: [Bucket]

    /// An hour, a day, a week, a month, three months.
    private static let ages: [Int64?] = [3600, 86_400, 7 * 86_400, 30 * 86_400, 90 * 86_400]
    /// 64 KiB, 1 MiB, 16 MiB, 256 MiB, 1 GiB.
    private static let sizes: [Int64?] = [64 << 10, 1 << 20, 16 << 20, 256 << 20, 1 << 30]

    package init() {
        byAge = (Self.ages + [nil]).map { Bucket(below: $0) }
        bySize = (Self.sizes + [nil]).map { Bucket(below: $0) }
    }

    /// Counts one blob that is stored and undamaged.
    package mutating func add(size: Int64, ageSeconds: Int64, isHeld: Bool) {
        blobs += 1
        let (sum, overflow) = bytes.addingReportingOverflow(size)
        bytes = overflow ? .max : sum
        if !isHeld { unheld += 1 }
        Self.add(size, to: &byAge, at: ageSeconds)
        Self.add(size, to: &bySize, at: size)
    }

    private static func add(_ size: Int64, to buckets: inout [Bucket], at value: Int64) {
        let index = buckets.firstIndex { $0.below.map { value < $0 } ?? true } ?? buckets.count - 1
        buckets[index].blobs += 1
        let (sum, overflow) = buckets[index].bytes.addingReportingOverflow(size)
        buckets[index].bytes = overflow ? .max : sum
    }
}

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
