import Blobs
import Files
import MediaClient
import MediaMessage
import Transfer

/// Standard error: notices, progress and questions.
final class Console {
    private let isQuiet: Bool
    private let isTerminal = Process.isTerminal(2)
    private var meter: ProgressMeter?
    private var isLineShown = false
    /// The current file, if there are several.
    var subject: String?

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    /// Writes to standard error, without the keys of links and messages that are quoted.
    static func write(_ text: String) {
        try? Process.write(Array(PathText.readable(withoutKeys(text)).utf8), to: 2)
    }

    func notify(_ sentence: String) {
        if isQuiet { clearLine() } else { warn(sentence) }
    }

    /// Says what has to be said however quiet it is to be.
    func warn(_ sentence: String) {
        clearLine()
        Self.write("satchel: \(subject.map { "\($0): " } ?? "")\(sentence)\n")
    }

    /// Shows progress on a terminal, once a step takes longer than a second.
    func show(_ progress: StepProgress) {
        guard isTerminal, !isQuiet else { return }
        let now = Process.monotonicMilliseconds
        if meter?.step != progress.step { meter = ProgressMeter(progress.step, start: now) }
        guard let line = meter?.line(progress, now: now, columns: Process.columns(2) ?? 80) else { return }
        Self.write("\r\u{1b}[K\(line)")
        isLineShown = true
    }

    /// Shows on a terminal what is being waited for, until something else is said.
    func show(waiting sentence: String) {
        guard isTerminal, !isQuiet else { return }
        let columns = Process.columns(2) ?? 80
        Self.write("\r\u{1b}[K\(printable(sentence).prefix(max(0, columns - 1)))")
        isLineShown = true
    }

    /// Removes the progress line.
    func clearLine() {
        if isLineShown { Self.write("\r\u{1b}[K") }
        isLineShown = false
        meter = nil
    }

    /// Asks whether to download from this host; without a terminal the answer is no.
    func allows(_ origin: HTTPOrigin) -> Bool {
        guard isTerminal, let terminal = try? OpenFile("/dev/tty", .update) else { return false }
        clearLine()
        Self.write(
            "satchel: the message points to \(origin.authority), which is not one of your servers. "
                + "Download from there? [y/N] ")
        let answer = (try? terminal.line()) ?? ""
        return ["y", "yes"].contains(answer.lowercased())
    }

    var delegate: ClientDelegate {
        ClientDelegate(
            notify: { self.notify($0) }, warn: { self.warn($0) }, progress: { self.show($0) },
            waiting: { self.show(waiting: $0) }, allows: { self.allows($0) })
    }
}

/// Turns progress into a line: bytes, rate, time left.
struct ProgressMeter {
    let step: StepProgress.Step
    private let start: Int64
    private var lastShown: Int64

    /// Begins at `start`, in milliseconds of a monotonic clock.
    init(_ step: StepProgress.Step, start: Int64) {
        self.step = step
        self.start = start
        lastShown = start
    }

    /// The line to show now, shorter than the terminal is wide; nil in the first second, and more often than five times a
    /// second.
    mutating func line(_ progress: StepProgress, now: Int64, columns: Int) -> String? {
        let elapsed = now - start
        guard elapsed >= 1000, now - lastShown >= 200 else { return nil }
        lastShown = now
        let rate = Int64(Double(progress.done) * 1000 / Double(elapsed))
        let rest = max(0, progress.total - progress.done)
        let left = rate > 0 ? Self.duration(rest / rate) + " left" : "stalled"
        let parts = [
            step.rawValue, " \(Self.bytes(progress.done))", " of \(Self.bytes(progress.total))",
            ", \(Self.bytes(rate))/s", ", \(left)",
        ]
        var line = ""
        for part in parts {
            // A line as wide as the terminal would wrap on some.
            guard line.count + part.count < columns else { break }
            line += part
        }
        return line
    }

    /// `1.4 MB`, in powers of ten, rounded to a tenth.
    static func bytes(_ count: Int64) -> String {
        if count < 1000 { return "\(count) B" }
        var (tenths, unit) = (0.0, "")
        var size = Double(count)
        // What a tenth is rounded up to may be a thousand: that is one of the next unit.
        for next in ["kB", "MB", "GB", "TB"] where unit.isEmpty || tenths >= 10_000 {
            size /= 1000
            (tenths, unit) = ((size * 10).rounded(), next)
        }
        return "\(Int64(tenths) / 10).\(Int64(tenths) % 10) \(unit)"
    }

    /// `0:42`, `12:05`, `1:02:03`.
    private static func duration(_ seconds: Int64) -> String {
        let two = { (number: Int64) in number < 10 ? "0\(number)" : "\(number)" }
        let minutes = seconds / 60
        return minutes < 60
            ? "\(minutes):\(two(seconds % 60))" : "\(minutes / 60):\(two(minutes % 60)):\(two(seconds % 60))"
    }
}
