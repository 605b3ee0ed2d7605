/// What is looked up at the moment somebody asks.
package struct Readings: Sendable {
    /// Nil where the catalogue could not be read.
    package var store: StoreReadings?
    package var writing = WritingReadings()
    package var collection = CollectionReadings()
    package var process = ProcessReadings()

    package init() {}
}

/// A store as its catalogue and its disk tell it, without counting anything through.
package struct StoreReadings: Sendable {
    /// A number of blobs and of their bytes.
    package struct Sum: Sendable, Hashable {
        package var count: Int64
        package var bytes: Int64

        package init(count: Int64 = 0, bytes: Int64 = 0) {
            self.count = count
            self.bytes = bytes
        }
    }

    package var held = Sum()
    package var removing = Sum()
    package var damaged = Sum()
    package var tombstones: Int64 = 0
    /// Leases that have not been ended.
    package var leases: Int64 = 0
    /// Leases that have ended and are remembered.
    package var endedLeases: Int64 = 0
    /// Leases whose time is up and that no sweep has ended yet, counted up to a limit.
    package var dueLeases: Int64 = 0
    /// Blobs that no lease holds and no sweep has removed yet, counted up to the same limit.
    package var unheldBlobs: Int64 = 0
    /// For how long the oldest of the leases that are due has been so.
    package var oldestDueSeconds: Int64 = 0
    /// When a sweep was last allowed to remove, in seconds since 1970.
    package var lastPass: Int64 = 0
    /// Open uploads that outlive their requests, and the bytes that are here of them.
    package var keptUploads = Sum()
    /// When the background check had last gone through everything, in seconds since 1970; 0 for never.
    package var lastScrub: Int64 = 0
    package var freeBytes: Int64 = 0
    /// Bytes of the catalogue's write-ahead log.
    package var logBytes: Int64 = 0

    package init() {}
}

/// What is known of writing without asking catalogue or disk: most of all while they do not answer.
package struct WritingReadings: Sendable {
    /// Bytes that uploads under way may still write.
    package var promisedBytes: Int64
    /// Whether the store takes no writes because one could not be made durable.
    package var isSuspended: Bool

    package init(promisedBytes: Int64 = 0, isSuspended: Bool = false) {
        self.promisedBytes = promisedBytes
        self.isSuspended = isSuspended
    }
}

/// How garbage collection stands.
package struct CollectionReadings: Sendable {
    package var isHeldBack = false

    package init() {}
}

/// What the process takes of the machine.
package struct ProcessReadings: Sendable {
    package var residentBytes: Int64 = 0
    package var openFiles = 0
    package var openFilesLimit = 0
    package var processorSeconds = 0.0

    package init() {}
}
