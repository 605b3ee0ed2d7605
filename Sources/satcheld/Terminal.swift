import Files
import Glibc

/// Where everything goes that is not a command's result.
enum StandardError {
    /// Writes a line; one that cannot be written is lost.
    static func write(_ line: String) { Output.write(line + "\n", to: STDERR_FILENO) }

    /// Writes lines that have their ends.
    static func writeText(_ text: String) { Output.write(text, to: STDERR_FILENO) }

    /// Writes over the line before it, on a terminal.
    static func writeProgress(_ line: String) { Output.write("\r\u{1b}[K" + line, to: STDERR_FILENO) }

    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}

/// Where a command's result goes.
enum StandardOutput {
    /// Writes a line at once, without waiting for a buffer to fill.
    static func write(_ line: String) { Output.write(line + "\n", to: STDOUT_FILENO) }
}

private enum Output {
    /// One call for a whole line, so that lines of several threads do not mix.
    static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            // Safe: the bytes outlive the call, which reads no more than their count.
            _ = unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        }
    }
}

/// What the kernel lets one process have.
enum ProcessLimits {
    /// The number of files that may be open now.
    static var openFiles: UInt64 {
        var limit = rlimit()
        // Safe: the call writes exactly this structure.
        let result = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return result == 0 ? UInt64(limit.rlim_cur) : 0
    }

    /// Raises the number of files that may be open to the most that is allowed; every connection and every blob being
    /// read is one. Returns the number.
    static func raiseOpenFiles() -> UInt64 {
        var limit = rlimit()
        // Safe: both calls read or write exactly this structure.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return UInt64(limit.rlim_cur)
    }
}
