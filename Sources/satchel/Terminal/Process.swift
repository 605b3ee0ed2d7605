import CLinux
import Files
import Glibc
import MediaClient

/// System calls other than those on files: every `unsafe` of this room.
enum Process {
    /// Keeps memory, including keys, out of core dumps and away from other processes of the same user.
    static func forbidDumps() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        _ = clinux_forbid_dumps()
    }

    /// If the reader of a pipe exits, the write fails instead of ending the program.
    static func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }

    /// Returns the arguments, and blanks those that are messages in the process list.
    static func takeArguments() -> [String] {
        // Safe: argv is the C runtime's, terminated strings in memory of this process, which no other thread reads
        // yet; the copies are made before the originals are overwritten, and no byte beyond a terminator is touched.
        var arguments: [String] = []
        for index in 0..<Int(CommandLine.argc) {
            guard let start = unsafe CommandLine.unsafeArgv[index] else { break }
            let argument = unsafe PathText.text(cString: start)
            arguments.append(argument)
            if index > 0, MessageSource.isMessage(argument) {
                unsafe start.update(repeating: CChar(bitPattern: UInt8(ascii: "*")), count: strlen(start))
            }
        }
        return arguments
    }

    static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe PathText.text(cString: $0) }
    }

    /// Where files are made that nobody keeps.
    static var temporaryFolder: String { environment("TMPDIR") ?? "/tmp" }

    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Seconds since 1970.
    static var wallSeconds: Int64 { Int64(time(nil)) }

    /// A moment after 1970 by the clock on the wall here: its seconds as if the zone were UTC, and the zone's short name;
    /// nil for a year that the system cannot count.
    static func localTime(_ seconds: Int64) -> (seconds: Int64, zone: String)? {
        var moment = time_t(seconds)
        var parts = unsafe tm()
        // Safe: both structures outlive the call, and the name is the C library's own, which it keeps.
        guard unsafe localtime_r(&moment, &parts) != nil, let name = unsafe parts.tm_zone else { return nil }
        let (local, overflow) = seconds.addingReportingOverflow(Int64(unsafe parts.tm_gmtoff))
        return overflow || local < 0 ? nil : (local, unsafe String(cString: name))
    }

    /// Milliseconds of the monotonic clock.
    static var monotonicMilliseconds: Int64 {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }

    static func sleep(milliseconds: Int64) {
        var rest = timespec(tv_sec: Int(milliseconds / 1000), tv_nsec: Int(milliseconds % 1000) * 1_000_000)
        var left = timespec()
        while unsafe nanosleep(&rest, &left) != 0 && errno == EINTR { rest = left }
    }

    /// Writes all of `bytes` to a descriptor.
    static func write(_ bytes: [UInt8], to descriptor: Int32) throws(FileError) {
        try OpenFile.duplicating(descriptor).write(bytes)
    }

    /// Columns of the terminal; nil if it does not tell.
    static func columns(_ descriptor: Int32) -> Int? {
        let columns = Int(clinux_terminal_size(descriptor).columns)
        return columns > 0 ? columns : nil
    }

    /// Rows of the terminal; nil if it does not tell.
    static func rows(_ descriptor: Int32) -> Int? {
        let rows = Int(clinux_terminal_size(descriptor).rows)
        return rows > 0 ? rows : nil
    }

    static func end(_ code: Int32) -> Never { exit(code) }

    /// Ends as a program does that the system stops when it writes to a pipe without a reader.
    static func endUnread() -> Never {
        _ = signal(SIGPIPE, SIG_DFL)
        _ = kill(getpid(), SIGPIPE)
        exit(128 + SIGPIPE)
    }
}
