import Files
import Glibc

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
