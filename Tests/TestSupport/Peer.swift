import Files
import Glibc

/// A small server in Python that misbehaves as it is told: of blobs (see peer.py) or slots (slots.py). It ends with this
/// object.
package final class Peer {
    package let port: UInt16
    private let folder: TemporaryFolder
    private let process: pid_t
    /// The peer lives until this end of its standard input is closed.
    private let pipe: Pipe

    /// False where there is no python3, and tests that need the peer must be skipped.
    package static var isAvailable: Bool { unsafe access("/usr/bin/python3", X_OK) == 0 }

    package init(_ behaviours: [String] = [], script name: String = "peer.py") throws {
        folder = try TemporaryFolder()
        let script = "\(#filePath)".split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/\(name)"
        let toPeer = try Pipe()
        let fromPeer = try Pipe()
        let arguments = ["/usr/bin/python3", script, folder.path("log")] + behaviours
        process = try spawn(arguments, input: toPeer.readable, output: fromPeer.writable)
        pipe = toPeer
        var line = [UInt8](repeating: 0, count: 16)
        var span = line.mutableSpan
        var bytes = unsafe span.mutableBytes
        let count = try fromPeer.readable.readSome(into: &bytes)
        guard let port = UInt16(String(decoding: line[..<count].prefix { $0 != 0x0a }, as: UTF8.self)) else {
            throw FileError(operation: "start", path: script, code: EIO)
        }
        self.port = port
    }

    deinit {
        _ = kill(process, SIGKILL)
        _ = waitpid(process, nil, 0)
    }

    package var processIdentifier: Int32 { process }

    package var url: String { "http://127.0.0.1:\(port)" }

    /// The requests so far, one line of JSON each.
    package var log: [String] {
        let text = (try? bytes(ofFile: folder.path("log"))).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    /// The bytes that `size=` makes the peer hold.
    package static func pattern(_ size: Int) -> [UInt8] {
        makeBytes(size) { UInt8(truncatingIfNeeded: $0 &* 7 &+ ($0 >> 8)) }
    }
}

/// The peers of one test, which live as long as the test's suite does rather than until their last mention.
package final class Peers {
    private var running: [Peer] = []

    package init() {}

    package func start(_ behaviours: String...) throws -> Peer {
        let peer = try Peer(behaviours)
        running.append(peer)
        return peer
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

private func spawn(_ arguments: [String], input: borrowing OpenFile, output: borrowing OpenFile) throws -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, input.descriptor, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, output.descriptor, 1)
    // Whatever else is open here is not the peer's. `Process` knows by a socket that a command has ended: a peer that
    // another test starts at the same time would hold its other end.
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
