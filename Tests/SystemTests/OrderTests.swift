import Blobs
import Foundation
import TestSupport
import Testing

/// The order of durable steps as the kernel saw it: what a power cut on a kind disk may hide.
@Suite(
    .enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)),
    .enabled(if: Tracing.isPossible, "takes strace and the right to trace"))
struct OrderTests {
    @Test(arguments: [20_000, 1_000_000])
    func `a file is on the disk before its name, its name before its row, and its row before the answer`(size: Int)
        async throws
    {
        let journey = try Journey(anyoneUploads: true)
        let server = try await journey.serve("--accept", "any")
        let blob = DiskScene.blob(1, bytes: size)
        try write(blob.bytes, toFile: journey.path("upload"))
        let trace = try await Tracing.of(server, into: journey.path("trace")) {
            let sent = try await journey.curl("-T", "upload", "\(server.url)/upload")
            #expect(sent.status == 0)
        }

        let created = try trace.first("the staged file", "openat") {
            $0.contains("/staging/") && $0.contains("O_CREAT")
        }
        let named = try trace.first("its name", "rename", "renameat", "renameat2") {
            $0.contains("/blobs.v1/") && $0.contains(blob.address.hex)
        }
        let namesSynced = try trace.first("the sync of names", "syncfs", after: named) { $0.contains("/blobs.v1>") }
        let row = try trace.first("the row", "pwrite64", after: named) { $0.contains("/catalog.sqlite-wal>") }
        let rowSynced = try trace.first("the sync of the row", "fdatasync", "fsync", after: row) {
            $0.contains("/catalog.sqlite-wal>")
        }
        let answer = try trace.first("the answer", "write", "writev", "sendto") { $0.contains("HTTP/1.1 201") }
        let written = trace.calls.filter { $0.name == "write" && $0.arguments.contains("/staging/") }
        #expect(!written.isEmpty && written.allSatisfy { created.end < $0.start && $0.end < named.start })
        #expect(named.end < namesSynced.start && namesSynced.end < row.start)
        #expect(row.end < rowSynced.start && rowSynced.end < answer.start)
        guard size > 128 << 10 else { return }
        let fileSynced = try trace.first("the sync of the file", "fdatasync") { $0.contains("/staging/") }
        #expect(written.allSatisfy { $0.end < fileSynced.start } && fileSynced.end < named.start)
    }
}

/// System calls of a running program, as strace sees them.
struct Tracing {
    /// One call: from the line on which it began to the line on which it returned.
    struct Call {
        let name: String
        let arguments: String
        let start: Int
        var end: Int
    }

    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    private(set) var calls: [Call] = []

    private static let program = "/usr/bin/strace"
    private static let calls = "openat,write,writev,sendto,pwrite64,fdatasync,fsync,syncfs,?rename,renameat,renameat2"

    static var isPossible: Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["-qq", "-o", "/dev/null", "true"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// What `server` asks of the kernel while `body` runs and until it has ended.
    static func of(_ server: Server, into path: String, _ body: () async throws -> Void) async throws -> Tracing {
        let process = String(server.command.processIdentifier)
        let strace = try RunningCommand(
            program, ["-f", "-y", "-s", "32", "-e", "trace=\(calls)", "-o", path, "-p", process])
        try await eventually { strace.errorsSoFar.contains("attached") || !strace.isRunning }
        try await body()
        // What is traced takes strace along when it ends; a signal to strace itself would wait behind the mask that
        // it was started with.
        await server.stop()
        _ = await strace.status()
        return Tracing(String(decoding: try bytes(ofFile: path), as: UTF8.self))
    }

    /// Reads what strace wrote: a line for each call, or two where another thread's came between.
    init(_ text: String) {
        var open: [Substring: Int] = [:]
        for (number, line) in text.split(separator: "\n").enumerated() {
            let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
            guard parts.count == 2 else { continue }
            let rest = parts[1].drop { $0 == " " }
            if rest.hasPrefix("<... ") {
                if let index = open.removeValue(forKey: parts[0]) { calls[index].end = number }
                continue
            }
            guard let bracket = rest.firstIndex(of: "(") else { continue }
            let call = Call(
                name: String(rest[..<bracket]), arguments: String(rest[bracket...]), start: number, end: number)
            if rest.hasSuffix("<unfinished ...>") { open[parts[0]] = calls.count }
            calls.append(call)
        }
    }

    /// The first call of one of these names whose arguments are so, begun after `previous` had returned.
    func first(
        _ what: String, _ names: String..., after previous: Call? = nil, where matches: (String) -> Bool
    ) throws -> Call {
        let found = calls.first { call in
            names.contains(call.name) && call.start > previous?.end ?? -1 && matches(call.arguments)
        }
        guard let found else { throw Missing(description: "\(what) is not in the trace of \(calls.count) calls") }
        return found
    }
}
