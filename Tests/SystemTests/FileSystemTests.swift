import Files
import Foundation
import TestSupport
import Testing

/// File systems that can do less than ext4: what NFS, sshfs and others of FUSE leave out.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct FileSystemTests {
    private let journey: Journey

    init() throws { journey = try Journey() }

    /// Small files and such as are appended to, at a server and a client on that file system, with a restart between.
    private func sendAndOpen(below folder: String, _ environment: [String: String]) async throws {
        var all = environment.merging(["HOME": "\(folder)/home"]) { $1 }
        try FileManager.default.createDirectory(atPath: "\(folder)/home", withIntermediateDirectories: true)
        let files = [("small.txt", OutboxTests.bytes(3000)), ("large.bin", OutboxTests.bytes(3_000_000))]
        for (name, bytes) in files { try write(bytes, toFile: "\(folder)/\(name)") }
        for (name, bytes) in files {
            let server = try await Server(
                RunningCommand(
                    Programs.path("satcheld"), ["serve", "--listen", "127.0.0.1:0", "--storage", "\(folder)/storage"],
                    environment: all, in: folder))
            all["SATCHEL_SERVER"] = server.url.absoluteString
            let sent = try await run(Programs.path("satchel"), ["send", name], environment: all, in: folder)
            #expect(sent.status == 0, "\(sent.errors)\(server.log)")
            for target in [["-o", "came.bin"], ["-o", "came.bin", "--force"], ["-o", "-"]] {
                let opened = try await run(
                    Programs.path("satchel"), ["open", "-"] + target, environment: all, input: sent.outputBytes,
                    in: folder)
                #expect(opened.status == 0, "\(opened.errors)")
            }
            #expect(try bytes == TestSupport.bytes(ofFile: "\(folder)/came.bin"))
            let kept = try await run(
                Programs.path("satchel"), ["open", "-", "-o", "came.bin"], environment: all, input: sent.outputBytes,
                in: folder)
            #expect(kept.status == 73, "\(kept.errors)")
            try FileManager.default.removeItem(atPath: "\(folder)/came.bin")
            #expect(await server.stop() == 0, "\(server.log)")
        }
        let outbox = "\(folder)/home/.local/state/satchel/outbox"
        #expect(try FileManager.default.contentsOfDirectory(atPath: outbox).isEmpty)
        for command in ["fsck", "gc"] {
            let kept = try await run(
                Programs.path("satcheld"), [command, "--storage", "\(folder)/storage"], environment: all, in: folder)
            #expect(kept.status == 0, "\(command): \(kept.errors)\(kept.output)")
        }
    }

    @Test(.enabled(if: BoundFolder.isPossible, Comment(rawValue: BoundFolder.missing)))
    func `files are sent, kept and opened on a file system of FUSE`() async throws {
        let folder = try await BoundFolder(in: journey)
        try await sendAndOpen(below: folder.path, [:])
        await folder.unmount()
    }

    /// Calls that fail, and with what: EINVAL, EOPNOTSUPP, EPERM.
    @Test(
        .enabled(if: FailingDisk.isPossible, Comment(rawValue: FailingDisk.missing)),
        arguments: [
            "noreplace 22 /\nunnamed 95 /", "noreplace 22 /\nunnamed 95 /\nlink 1 /", "noreplace 38 /\nlink 95 /",
        ])
    func `files are sent, kept and opened where the file system cannot do`(rules: String) async throws {
        let disk = try await FailingDisk()
        try disk.fail(rules)
        let folder = journey.path("plain")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try await sendAndOpen(below: folder, disk.environment)
    }

    @Test(arguments: ["lost+found", ".snapshot"])
    func `a folder that a file system made by itself is in nobody's way`(name: String) async throws {
        try FileManager.default.createDirectory(
            atPath: "\(journey.storage)/\(name)", withIntermediateDirectories: true)
        let server = try await journey.serve()
        #expect(await server.stop() == 0)
        #expect(try await journey.satcheld("fsck").status == 0)
    }

    @Test(.enabled(if: geteuid() == 0, "takes root"))
    func `what root does to the store of another user leaves it theirs`() async throws {
        try FileManager.default.createDirectory(atPath: journey.storage, withIntermediateDirectories: true)
        try #require(unsafe chown(journey.storage, 65_534, 65_534) == 0)
        let server = try await journey.serve("--accept", "any")
        for (name, count) in [("small", 100), ("large", 2_000_000)] {
            try write(OutboxTests.bytes(count), toFile: journey.path(name))
            let sent = try await journey.satchel("send", name, "--resumable-from", "1MiB", server: server)
            #expect(sent.status == 0, "\(sent.errors)")
        }
        await server.kill()
        for command in ["gc", "fsck", "stats"] { #expect(try await journey.satcheld(command).status == 0) }
        let names = try #require(FileManager.default.enumerator(atPath: journey.storage)).compactMap { $0 as? String }
        #expect(names.count > 260)
        for name in names where name != "control.sock" {
            let owner = try Folder.status("\(journey.storage)/\(name)")?.owner
            #expect(owner == FileOwner(user: 65_534, group: 65_534), "\(name)")
        }
    }
}

/// A folder seen through bindfs.
private final class BoundFolder: Sendable {
    private static let program = "/usr/bin/bindfs"
    static let isPossible =
        FileManager.default.isExecutableFile(atPath: program) && FileManager.default.isReadableFile(atPath: "/dev/fuse")
        && (geteuid() == 0 || FileManager.default.isExecutableFile(atPath: "/usr/bin/fusermount"))
    static let missing = "takes FUSE, and bindfs (Debian: bindfs), which scripts/test installs"

    let path: String
    private let command: RunningCommand

    init(in journey: Journey) async throws {
        let (source, path) = (journey.path("source"), journey.path("bound"))
        for folder in [source, path] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        let outside = try Self.device(of: path)
        command = try RunningCommand(Self.program, ["-f", source, path])
        let command = command
        try await eventually {
            guard command.isRunning else { throw Server.NotReady(log: command.errorsSoFar) }
            return try Self.device(of: path) != outside
        }
        self.path = path
    }

    func unmount() async {
        _ = try? await run("/bin/sh", ["-c", "umount '\(path)' || fusermount -u '\(path)'"])
        _ = await command.status()
    }

    deinit { if command.isRunning { command.send(signal: SIGKILL) } }

    private static func device(of path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.systemNumber] as? Int
    }
}
