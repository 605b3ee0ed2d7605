/// How the background check shares the disk: so many bytes a second while nobody wants anything, and at most a quarter
/// of the time and of the bytes while somebody does.
struct ScrubPace {
    /// A blob counts as so many bytes at least: to a disk that must move its head, many small ones are no less.
    static let leastBytes: Int64 = 64 << 10
    /// What is shorter is saved up, since a sleep has a price of its own.
    static let shortestPause = Duration.milliseconds(10)
    /// How much slower it goes beside others.
    private static let busyFactor = 4

    let bytesPerSecond: Int64
    private var owed = Duration.zero

    init(bytesPerSecond: Int64) {
        precondition(bytesPerSecond > 0, "a check that never reads is not begun")
        self.bytesPerSecond = bytesPerSecond
    }

    /// How long to leave the disk to others after `bytes` were read in `took`; nil for not at all yet.
    mutating func pause(afterBytes bytes: Int64, took: Duration, isBusy: Bool) -> Duration? {
        let factor = isBusy ? Self.busyFactor : 1
        let due = Duration.seconds(Double(bytes) / Double(bytesPerSecond)) * factor
        owed += max(due, took * factor) - took
        guard owed >= Self.shortestPause else { return nil }
        defer { owed = .zero }
        return owed
    }
}

/// When the background check goes through everything again.
enum ScrubSchedule {
    /// How long to wait at `now` for the next, the last of which began at `began`; nil for no time at all.
    static func wait(lastBegan began: Int64?, now: Int64, interval: Duration) -> Duration? {
        guard let began else { return nil }
        let (elapsed, overflow) = now.subtractingReportingOverflow(began)
        // A last time that lies ahead says nothing.
        guard !overflow, elapsed >= 0, .seconds(elapsed) < interval else { return nil }
        return interval - .seconds(elapsed)
    }
}
