import CCage
import Files
import Glibc

/// A process in the cage, seen from outside: it is ended, at the latest, with this value, and leaves nothing behind.
struct CagedProcess: ~Copyable {
    private let limits: CageLimits
    private let deadline: Int64
    private let identifier: Int32
    private let rows: OpenFile
    private let report: OpenFile
    /// Its status, once it has ended.
    private var status: Int32?

    /// Starts `program`, which finds `input` open for reading.
    init(
        _ program: CageProgram, _ task: String, input: borrowing OpenFile, _ limits: CageLimits
    ) throws(CageError) {
        let rows = try Pipe()
        let report = try Pipe()
        cage_widen(rows.readable.descriptor, Self.pipeBytes)
        let input = try Self.reopened(input)
        var identifier: Int32 = 0
        // Safe: the strings outlive the call, which copies nothing but them.
        let code = unsafe cage_start(
            program.path, CageProgram.command, task, String(limits.memoryBytes), input.descriptor,
            rows.writable.descriptor, report.writable.descriptor, &identifier)
        if code != 0 { throw .notStarted(FileError(operation: "spawn", path: program.path, code: code)) }
        deadline = Self.milliseconds() + limits.wallMilliseconds
        (self.limits, self.identifier) = (limits, identifier)
        self.rows = rows.taken()
        self.report = report.taken()
    }

    deinit {
        if status != nil { return }
        _ = kill(identifier, SIGKILL)
        var status: Int32 = 0
        while unsafe waitpid(identifier, &status, 0) < 0 && errno == EINTR {}
    }

    private static let pipeBytes: Int32 = 1 << 20

    /// The same file, for reading alone and with a position of its own: nothing that the caged process does with its
    /// descriptor is seen here.
    private static func reopened(_ input: borrowing OpenFile) throws(CageError) -> OpenFile {
        do throws(FileError) { return try OpenFile("/proc/self/fd/\(input.descriptor)", .read) } catch {
            throw .notStarted(error)
        }
    }

    private static func milliseconds() -> Int64 {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }

    private var tooSlow: CageError { .tooSlow(seconds: Int(limits.wallMilliseconds / 1000)) }

    // MARK: Reading

    /// The next message; nil at the end of the report.
    mutating func nextMessage() throws(CageError) -> CageMessage? {
        var start = [UInt8](repeating: 0, count: CageMessage.startBytes)
        let count = try read(into: &start, 0, from: report)
        if count == 0 { return nil }
        guard count == start.count, let (kind, length) = CageMessage.start(start) else {
            throw .broken("its report makes no sense")
        }
        var payload = [UInt8](repeating: 0, count: length)
        guard try read(into: &payload, 0, from: report) == length, let message = CageMessage(kind: kind, payload) else {
            throw .broken("its report makes no sense")
        }
        return message
    }

    /// Fills `row` from the pipe of rows; false if that ends before.
    mutating func readRow(into row: inout [UInt8]) throws(CageError) -> Bool {
        try read(into: &row, 0, from: rows) == row.count
    }

    /// Waits for what is readable, and reads until `bytes` is full or the pipe ends; returns how many.
    private func read(into bytes: inout [UInt8], _ from: Int, from pipe: borrowing OpenFile) throws(CageError) -> Int {
        var filled = from
        while filled < bytes.count {
            try waitUntilReadable(pipe)
            var span = bytes.mutableSpan
            // Safe: every bit pattern is a byte.
            var all = unsafe span.mutableBytes
            var rest = all._mutatingExtracting(filled...)
            let count: Int
            do throws(FileError) { count = try pipe.readSome(into: &rest) } catch { throw .file(error) }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    private func waitUntilReadable(_ pipe: borrowing OpenFile) throws(CageError) {
        var watched = pollfd(fd: pipe.descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let left = deadline - Self.milliseconds()
            if left <= 0 { throw tooSlow }
            // Safe: one structure, which outlives the call.
            let count = unsafe poll(&watched, 1, Int32(clamping: left))
            if count > 0 { return }
            if count < 0 && errno != EINTR {
                throw .file(FileError(operation: "poll", path: "a decoder", code: errno))
            }
        }
    }

    // MARK: The end

    /// Waits for the end, which has to be an orderly one: nothing more in the pipe of rows, `fine` as the last message,
    /// and the status 0.
    mutating func finish() throws(CageError) {
        var more: [UInt8] = [0]
        if try read(into: &more, 0, from: rows) > 0 { throw .broken("it gave more rows than it had announced") }
        switch try nextMessage() {
        case .fine: break
        case .failure(let failure): throw CageError(failure, limits)
        case .header, nil: throw try failure()
        }
        guard try nextMessage() == nil else { throw .broken("its report does not end") }
        let status = try waitForEnd()
        if status != 0 { throw .broken("it ended with \(status)") }
    }

    /// Why it has stopped giving what it should: what it says itself, else how it has ended.
    mutating func failure() throws(CageError) -> CageError {
        while let message = try nextMessage() {
            if case .failure(let failure) = message { return CageError(failure, limits) }
        }
        let status = try waitForEnd()
        let signal = status & 0x7F
        return signal == 0 ? .broken("it gave less than it had announced") : Self.ending(signal: signal)
    }

    private static func ending(signal: Int32) -> CageError {
        signal == SIGXCPU || signal == SIGKILL ? .tooSlow(seconds: Int(CageLimits.cpuSeconds)) : .ended(signal: signal)
    }

    private mutating func waitForEnd() throws(CageError) -> Int32 {
        if let status { return status }
        var status: Int32 = 0
        while true {
            let ended = unsafe waitpid(identifier, &status, WNOHANG)
            if ended == identifier { break }
            if ended < 0 && errno != EINTR {
                throw .file(FileError(operation: "waitpid", path: "a decoder", code: errno))
            }
            if Self.milliseconds() >= deadline { throw tooSlow }
            _ = usleep(1000)
        }
        self.status = status
        return status
    }
}

/// A pipe that no other program inherits.
private struct Pipe: ~Copyable {
    let readable: OpenFile
    let writable: OpenFile

    init() throws(CageError) {
        var (readable, writable): (Int32, Int32) = (-1, -1)
        let code = unsafe cage_pipe(&readable, &writable)
        if code != 0 { throw .notStarted(FileError(operation: "pipe", path: "a decoder", code: code)) }
        self.readable = OpenFile(owning: readable, path: "a decoder")
        self.writable = OpenFile(owning: writable, path: "a decoder")
    }

    /// The end to read from; the other one is closed.
    consuming func taken() -> OpenFile { readable }
}
