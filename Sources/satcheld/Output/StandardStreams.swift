import Files
import FoundationEssentials
import Glibc
import Logging

/// Everything except a command's result.
enum StandardError {
    /// Writes a line; if it cannot be written, it is lost.
    static func write(_ line: String) { Output.write(line + "\n", to: STDERR_FILENO) }

    /// Writes lines that end in newlines.
    static func writeText(_ text: String) { Output.write(text, to: STDERR_FILENO) }

    /// Replaces the line of progress, on a terminal.
    static func writeProgress(_ line: String) { Output.write("\r\u{1b}[K" + line, to: STDERR_FILENO) }

    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}

/// A command's result.
enum StandardOutput {
    /// Writes a line at once, without buffering.
    static func write(_ line: String) { Output.write(line + "\n", to: STDOUT_FILENO) }

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}

private enum Output {
    /// One call for the whole text, so that lines of different threads do not mix.
    static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            // Safe: the bytes outlive the call, which reads no more than their count.
            _ = unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        }
    }
}

/// Logs lines to stderr: time, level, a constant message, then metadata as key=value in alphabetical order.
struct LogLines: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    init(level: Logger.Level) {
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let facts = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let pairs = facts.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.quoted("\($0.value)"))" }
        let time = Date.now.formatted(.iso8601)
        let line = ([time, event.level.rawValue, "\(event.message)"] + pairs).joined(separator: " ")
        StandardError.write(line)
    }

    /// Quotes a value that is not one plain word, and keeps it on one line.
    private static func quoted(_ value: String) -> String {
        let isWord = value.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x22 && $0 != 0x3d }
        guard !isWord || value.isEmpty else { return value }
        let escaped = value.unicodeScalars.map { scalar -> String in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case _ where scalar.properties.generalCategory == .control: "\\u{\(String(scalar.value, radix: 16))}"
            default: String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }
}
