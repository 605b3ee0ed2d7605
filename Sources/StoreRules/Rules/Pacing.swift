/// How a sweep shares disk, catalog and processors with uploads: uploads go first, garbage can wait.
package enum SweepPace {
    /// The longest pause, so that one slow batch does not stop the sweep.
    package static let longestPause = Duration.milliseconds(500)

    /// How long to pause after a batch that took `batch`: four times as long while uploads are under way, else not at
    /// all.
    package static func pause(after batch: Duration, isUploading: Bool) -> Duration {
        isUploading ? min(batch * 4, longestPause) : .zero
    }
}

/// How a scrub shares the disk: a fixed number of bytes a second while it is alone, and at most a quarter of the time
/// and of the bytes while clients use the store.
package struct ScrubPace {
    /// The fewest bytes that a blob counts as: to a disk that has to seek, many small blobs are no less work.
    package static let leastBytes: Int64 = 64 << 10
    /// Shorter pauses are added up, since each sleep costs something.
    package static let shortestPause = Duration.milliseconds(10)
    /// How much slower it reads beside clients.
    private static let busyFactor = 4

    package let bytesPerSecond: Int64
    private var owed = Duration.zero

    package init(bytesPerSecond: Int64) {
        precondition(bytesPerSecond > 0, "a scrub reads at least one byte a second")
        self.bytesPerSecond = bytesPerSecond
    }

    /// How long to pause after `bytes` were read in `took`; nil for not at all yet.
    package mutating func pause(afterBytes bytes: Int64, took: Duration, isBusy: Bool) -> Duration? {
        let factor = isBusy ? Self.busyFactor : 1
        let due = Duration.seconds(Double(bytes) / Double(bytesPerSecond)) * factor
        owed += max(due, took * factor) - took
        guard owed >= Self.shortestPause else { return nil }
        defer { owed = .zero }
        return owed
    }
}
