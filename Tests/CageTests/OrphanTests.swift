import Files
import Glibc
import TestSupport
import Testing

/// A decoder whose parent dies in its first moment, before it has asked to be ended with it.
@Suite struct OrphanTests {
    private static let stub = Products.path("CageStub")

    /// It has not ended as it should, or the test could not be carried out: a status or an error number.
    private struct CameThrough: Error { let status: Int32 }

    /// In a process of its own, which takes in the orphan and is told how it ends. The decoder holds itself before the
    /// first wall; only when its parent is dead does it go on.
    @Test func `a decoder that nobody waits for ends before it reads`() async {
        await #expect(processExitsWith: .success) { try await OrphanTests().orphan() }
    }

    private func orphan() async throws {
        try Self.takeInOrphans()
        let parent = try Self.start("starts-held")
        let decoder = try await eventually { try ChildProcess.all(of: parent).first { $0.state == "T" }?.identifier }
        _ = kill(parent, SIGKILL)
        _ = try Self.end(of: parent)
        _ = kill(decoder, SIGCONT)
        // Status 7 would be that of one that has come as far as its file.
        let status = try Self.end(of: decoder)
        if status != 1 << 8 { throw CameThrough(status: status) }
    }

    private static func takeInOrphans() throws {
        // Of a variable number of arguments, which Swift cannot call by itself.
        typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
        let becomesReaper: Int32 = 36  // PR_SET_CHILD_SUBREAPER
        guard let control = unsafe dlsym(nil, "prctl") else { throw CameThrough(status: -1) }
        // Safe: prctl takes five numbers.
        let code = unsafe unsafeBitCast(control, to: Control.self)(becomesReaper, 1, 0, 0, 0)
        if code != 0 { throw CameThrough(status: code) }
    }

    private static func start(_ behaviour: String) throws -> pid_t {
        var process: pid_t = 0
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe [strdup("CageStub"), strdup(behaviour), nil]
        // Safe: the strings outlive the call.
        let code = unsafe posix_spawn(&process, stub, nil, nil, &arguments, environ)
        unsafe arguments.forEach { unsafe free($0) }
        if code != 0 { throw CameThrough(status: code) }
        return process
    }

    /// Waits for the end of a child.
    private static func end(of process: pid_t) throws -> Int32 {
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0 { if errno != EINTR { throw CameThrough(status: errno) } }
        return status
    }
}

/// A process as /proc/PID/stat tells it: number, name in brackets, state, number of the parent.
struct ChildProcess {
    let identifier: pid_t
    let state: Substring

    /// All children of a process, dead ones included that nobody has waited for.
    static func all(of parent: pid_t) throws -> [ChildProcess] {
        try Folder.names(in: "/proc").compactMap { name in
            guard let identifier = pid_t(name), let file = try? OpenFile("/proc/\(name)/stat", .read) else {
                return nil
            }
            // Such a file has no size.
            var bytes = [UInt8](repeating: 0, count: 512)
            guard let count = try? file.read(into: &bytes, at: 0) else { return nil }
            let text = String(decoding: bytes.prefix(count), as: UTF8.self)
            guard let end = text.lastIndex(of: ")") else { return nil }
            let fields = text[text.index(after: end)...].split(separator: " ")
            guard fields.count > 1, pid_t(fields[1]) == parent else { return nil }
            return ChildProcess(identifier: identifier, state: fields[0])
        }
    }
}
