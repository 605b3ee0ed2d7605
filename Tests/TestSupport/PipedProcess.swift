import Files
import Glibc
import Synchronization

/// A process that a test has started, and its standard input and output. It ends with this object: it may put its things
/// away when its input ends, and is killed where that takes too long. Its input ends with this process, however that ends.
package final class PipedProcess: Sendable {
    package let processIdentifier: Int32
    private let input: Mutex<OpenFile?>
    private let output: Mutex<Output>
    private let patienceSeconds: Int
    /// How it ended (wait(2)), once somebody has asked for that.
    private let end = Mutex<Int32?>(nil)

    private struct Output: ~Copyable {
        let file: OpenFile
        var rest: [UInt8] = []
    }

    /// - Parameter patienceSeconds: How long it may take to end by itself once its input has ended; 0 kills it at once.
    package init(_ arguments: [String], patienceSeconds: Int = 0) throws {
        let toProcess = try Pipe()
        let fromProcess = try Pipe()
        processIdentifier = try spawn(arguments, input: toProcess.readable, output: fromProcess.writable)
        input = Mutex(toProcess.writable)
        output = Mutex(Output(file: fromProcess.readable))
        self.patienceSeconds = patienceSeconds
    }

    deinit {
        input.withLock { $0 = nil }
        let latest = ContinuousClock.now + .seconds(patienceSeconds)
        while status == nil {
            if ContinuousClock.now >= latest { send(SIGKILL) }
            usleep(5000)
        }
    }

    /// How it ended (wait(2)); nil as long as it has not.
    package var status: Int32? {
        end.withLock { end in
            if let end { return end }
            var status: Int32 = 0
            // Safe: the number is written before this returns.
            guard unsafe waitpid(processIdentifier, &status, WNOHANG) != 0 else { return nil }
            end = status
            return status
        }
    }

    /// Sends it a signal, unless it has ended.
    package func send(_ signal: Int32) {
        end.withLock { if $0 == nil { _ = kill(processIdentifier, signal) } }
    }

    /// Whether all of it stands still (proc_pid_stat(5)).
    package var isStopped: Bool {
        guard let file = try? OpenFile("/proc/\(processIdentifier)/stat", .read) else { return false }
        var piece = [UInt8](repeating: 0, count: 512)
        var span = piece.mutableSpan
        // Safe: every pattern of bits is a byte.
        var raw = unsafe span.mutableBytes
        guard let count = try? file.readSome(into: &raw) else { return false }
        // The state stands behind the name, which is in brackets.
        return String(decoding: piece[..<count], as: UTF8.self).split(separator: ")").last?.hasPrefix(" T ") ?? false
    }

    /// The next line that it writes; what is there where its output ends without one.
    package func readLine() throws -> String {
        try output.withLock { output in
            var searched = 0
            while true {
                if let end = output.rest[searched...].firstIndex(of: 0x0a) {
                    defer { output.rest.removeFirst(end + 1) }
                    return String(decoding: output.rest[..<end], as: UTF8.self)
                }
                var piece = [UInt8](repeating: 0, count: 4096)
                var span = piece.mutableSpan
                // Safe: every pattern of bits is a byte.
                var raw = unsafe span.mutableBytes
                let count = try output.file.readSome(into: &raw)
                if count == 0 {
                    defer { output.rest = [] }
                    return String(decoding: output.rest, as: UTF8.self)
                }
                searched = output.rest.count
                output.rest += piece[..<count]
            }
        }
    }

    /// Writes a line to its standard input.
    package func writeLine(_ line: String) throws {
        try input.withLock { try $0?.write(Array((line + "\n").utf8)) }
    }
}

private struct Pipe: ~Copyable {
    let readable: OpenFile
    let writable: OpenFile

    init() throws {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw FileError(operation: "pipe", path: "", code: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        readable = OpenFile(owning: ends[0], path: "pipe")
        writable = OpenFile(owning: ends[1], path: "pipe")
    }
}

/// Runs a program to its end, with nothing to read and its output thrown away; throws where it fails. Unlike Foundation's
/// `Process` it may be used in a process that has more than a thousand files open.
func runQuietly(_ arguments: [String]) throws {
    let process = try spawn(
        arguments, input: try OpenFile("/dev/null", .read), output: try OpenFile("/dev/null", .update))
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0 {
        guard errno == EINTR else { throw FileError(operation: "waitpid", path: arguments[0], code: errno) }
    }
    if status != 0 {
        throw FileError(operation: arguments.joined(separator: " "), path: arguments[0], code: EINVAL)
    }
}

private func spawn(_ arguments: [String], input: borrowing OpenFile, output: borrowing OpenFile) throws -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, input.descriptor, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, output.descriptor, 1)
    // Whatever else is open here is not the process's. `Process` knows by a socket that a command has ended: a process
    // that another test starts at the same time would hold its other end.
    let highest = try Folder.names(in: "/proc/self/fd").compactMap { Int32($0) }.max() ?? 0
    for descriptor in 3...(max(highest, 3) + 64) {
        unsafe posix_spawn_file_actions_addclose(&actions, descriptor)
    }
    var copies = unsafe arguments.map { unsafe strdup($0) } + [nil]
    defer { unsafe copies.forEach { unsafe free($0) } }
    var process: pid_t = 0
    let code = unsafe posix_spawn(&process, arguments[0], &actions, nil, &copies, environ)
    guard code == 0 else { throw FileError(operation: "spawn", path: arguments[0], code: code) }
    return process
}
