import Files
import MediaClient
import MediaMessage
import Transfer

/// The person at the other end of standard error.
final class Terminal {
    private let isQuiet: Bool
    private let isTerminal = Process.isTerminal(2)
    private var meter: ProgressMeter?
    private var isLineShown = false
    /// The file that is under way, where there are several.
    var subject: String?

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    /// Writes to standard error as it is.
    static func write(_ text: String) { _ = Process.write(text, to: 2) }

    /// A sentence worth knowing.
    func say(_ sentence: String) {
        clearLine()
        if !isQuiet { Self.write("satchel: \(subject.map { "\($0): " } ?? "")\(sentence)\n") }
    }

    /// Shows how far it is, on a terminal, once it takes over a second.
    func show(_ progress: Progress) {
        guard isTerminal, !isQuiet else { return }
        let now = Process.monotonicMilliseconds
        if meter?.step != progress.step { meter = ProgressMeter(progress.step, start: now) }
        guard let line = meter?.line(progress, now: now) else { return }
        Self.write("\r\u{1b}[K\(line)")
        isLineShown = true
    }

    /// Takes the progress line away.
    func clearLine() {
        if isLineShown { Self.write("\r\u{1b}[K") }
        isLineShown = false
        meter = nil
    }

    /// Asks whether a message may lead to this host; without a terminal the answer is no.
    func allows(_ origin: WebOrigin) -> Bool {
        guard isTerminal, let terminal = try? OpenFile("/dev/tty", .update) else { return false }
        clearLine()
        Self.write("satchel: this message leads to \(origin.authority), none of your servers. Fetch from there? [y/N] ")
        let answer = (try? terminal.line()) ?? ""
        return ["y", "yes"].contains(answer.lowercased())
    }

    var audience: Audience {
        Audience(say: { self.say($0) }, progress: { self.show($0) }, allows: { self.allows($0) })
    }
}
