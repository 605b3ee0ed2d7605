import MediaClient

/// Turns progress into a line: bytes, rate, time left. Pure but for what it remembers.
struct ProgressMeter {
    let step: Progress.Step
    private let start: Int64
    private var lastShown: Int64

    /// Begins at `start`, in milliseconds of a steady clock.
    init(_ step: Progress.Step, start: Int64) {
        self.step = step
        self.start = start
        lastShown = start
    }

    /// The line to show now; nil in the first second, and more than five times a second.
    mutating func line(_ progress: Progress, now: Int64) -> String? {
        let elapsed = now - start
        guard elapsed >= 1000, now - lastShown >= 200 else { return nil }
        lastShown = now
        let rate = Int64(Double(progress.done) * 1000 / Double(elapsed))
        let rest = max(0, progress.total - progress.done)
        let left = rate > 0 ? Self.duration(rest / rate) + " left" : "stalled"
        return "\(step.rawValue) \(Self.bytes(progress.done)) of \(Self.bytes(progress.total)), "
            + "\(Self.bytes(rate))/s, \(left)"
    }

    /// `1.4 MB`, in powers of ten.
    static func bytes(_ count: Int64) -> String {
        var unit = "B"
        var size = Double(count)
        for next in ["kB", "MB", "GB", "TB"] where size >= 1000 {
            size /= 1000
            unit = next
        }
        if unit == "B" { return "\(count) B" }
        let tenths = Int64(size * 10)
        return "\(tenths / 10).\(tenths % 10) \(unit)"
    }

    /// `0:42`, `12:05`, `1:02:03`.
    private static func duration(_ seconds: Int64) -> String {
        let two = { (number: Int64) in number < 10 ? "0\(number)" : "\(number)" }
        let minutes = seconds / 60
        return minutes < 60
            ? "\(minutes):\(two(seconds % 60))" : "\(minutes / 60):\(two(minutes % 60)):\(two(seconds % 60))"
    }
}
