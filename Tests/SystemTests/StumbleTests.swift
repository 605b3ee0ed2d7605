import Foundation
import TestSupport
import Testing

/// The first things that people try, and try wrongly: each works, or says what to do.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct StumbleTests {
    private let journey: Journey

    init() throws {
        journey = try Journey()
        try write(Array("a note".utf8), toFile: journey.path("note.txt"))
    }

    private func satchel(_ arguments: [String], server: Server? = nil) async throws -> CommandResult {
        try await run(
            Programs.path("satchel"), arguments, environment: journey.environment(server: server?.url),
            in: journey.folder.path)
    }

    private func isThere(_ name: String) -> Bool { FileManager.default.fileExists(atPath: journey.path(name)) }

    // MARK: Opening

    @Test func `the README's own sequence works, and beside the original`() async throws {
        let server = try await journey.serve()
        let original = try bytes(ofFile: photograph(in: journey.folder))
        try write(original, toFile: journey.path("beach.jpg"))
        try write(
            try await satchel(["send", "beach.jpg"], server: server).outputBytes, toFile: journey.path("message.json"))
        #expect(try await satchel(["show", "message.json"]).status == 0)
        for name in ["beach (2).jpg", "beach (3).jpg"] {
            let opened = try await satchel(["open", "message.json"], server: server)
            #expect(opened.status == 0 && opened.output == "\(name)\n", "\(opened.output)\(opened.errors)")
            #expect(opened.errors.contains("beach.jpg was there already"), "\(opened.errors)")
        }
        #expect(try bytes(ofFile: journey.path("beach.jpg")) == original)
        #expect(try bytes(ofFile: journey.path("beach (2).jpg")) == bytes(ofFile: journey.path("beach (3).jpg")))
        let named = try await satchel(["open", "message.json", "-o", "beach.jpg"], server: server)
        #expect(named.status == 73 && named.errors.contains("--force"), "\(named.errors)")
        #expect(try bytes(ofFile: journey.path("beach.jpg")) == original)
        #expect(await server.stop() == 0)
    }

    @Test func `of many who open at once into one folder, each gets a name of its own`() async throws {
        let server = try await journey.serve()
        let message = try await satchel(["send", "note.txt"], server: server).outputBytes
        try write(message, toFile: journey.path("m"))
        try FileManager.default.createDirectory(atPath: journey.path("in"), withIntermediateDirectories: false)
        let names = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<6 {
                group.addTask { try await satchel(["open", "m", "-o", "in"], server: server).output }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(names == Set(["in/note.txt\n"] + (2...6).map { "in/note (\($0)).txt\n" }))
        for name in names { #expect(try bytes(ofFile: journey.path(String(name.dropLast()))) == Array("a note".utf8)) }
        #expect(await server.stop() == 0)
    }

    @Test func `several messages are opened, of whatever number of files`() async throws {
        let server = try await journey.serve()
        for name in ["a", "b"] {
            try write(Array("file \(name)".utf8), toFile: journey.path("same.txt"))
            try write(
                try await satchel(["send", "same.txt"], server: server).outputBytes, toFile: journey.path(name))
        }
        try FileManager.default.createDirectory(atPath: journey.path("in"), withIntermediateDirectories: false)
        let opened = try await satchel(["open", "a", "b", "-o", "in"], server: server)
        #expect(opened.lines == ["in/same.txt", "in/same (2).txt"], "\(opened.output)\(opened.errors)")
        #expect(try bytes(ofFile: journey.path("in/same (2).txt")) == Array("file b".utf8))
        let one = try await satchel(["open", "a", "b", "-o", "one"], server: server)
        #expect(one.status == 64 && one.errors.contains("-o takes a folder"), "\(one.errors)")
        #expect(await server.stop() == 0)
    }

    @Test func `a long name stays one that every file system takes`() async throws {
        let server = try await journey.serve()
        let long = String(repeating: "ä", count: 98) + ".txt"
        let sent = try await satchel(["send", "note.txt", "--name", long], server: server)
        try write(sent.outputBytes, toFile: journey.path("m"))
        #expect(try await satchel(["open", "m"], server: server).output == "\(long)\n")
        let second = try await satchel(["open", "m"], server: server).output.dropLast()
        #expect(second.hasPrefix("äää") && second.hasSuffix("ä (2).txt") && second.utf8.count <= 200, "\(second)")
        #expect(isThere(String(second)))
        #expect(await server.stop() == 0)
    }

    @Test func `what is no message is called so, and what needs another command leads there`() async throws {
        try write(try await satchel(["seal", "note.txt", "-o", "blob"]).outputBytes, toFile: journey.path("sealed"))
        let photograph = try photograph(in: journey.folder)
        for (arguments, words) in [
            (["show", "note.txt"], "note.txt is not a message"), (["open", "note.txt"], "note.txt is not a message"),
            (["show", photograph], "is not a message"), (["show", "blob"], "it is a sealed blob"),
            (["open", "sealed"], "satchel unseal sealed BLOB"), (["forward", "sealed"], "satchel unseal sealed BLOB"),
        ] {
            let refused = try await satchel(arguments)
            #expect(refused.status == ExitCodes.badMessage && refused.errors.contains(words), "\(refused.errors)")
        }
        let folder = try await satchel(["open", "."])
        #expect(folder.status == 66 && folder.errors.contains("to write into it, use -o ."), "\(folder.errors)")
        #expect(try await satchel(["show", "sealed"]).status == 0)
        #expect(try await satchel(["unseal", "sealed", "blob"]).output == "note (2).txt\n")
    }

    @Test func `what was mistaken for a message, a lease or a server is told, and never its key`() async throws {
        let link = "https://media.example/open/\(String(repeating: "ab", count: 32))#v=1&k=S3CR3T&s=1"
        for (arguments, status, words) in [
            (["status", "nosuch"], 66, "neither a lease, such as 3fa9c1d2-7b01, nor a file"),
            (["open", ""], 64, "the MESSAGE is empty"), (["show", "http://127.0.0.1:1/send"], 64, "/open/"),
            (["page", "--check", link], 64, "is not the URL of a server"),
            (["quota", "--server", link], 64, "is not the URL of a server"),
            (["quota", "--server=\(link)"], 64, "is not the URL of a server"), (["quota", link], 64, "#"),
            (["show", link + "."], 65, "satchel: "), (["send", link], 66, "#…"),
            (["doctor", "--server", link], 8, "is not the URL of a server"),
        ] as [([String], Int32, String)] {
            let refused = try await satchel(arguments)
            let told = refused.errors + refused.output
            #expect(refused.status == status && told.contains(words), "\(arguments): \(told)")
            #expect(!told.contains("S3CR3T"), "\(told)")
        }
    }

    @Test func `what satchel config prints, kept as the file of settings, changes nothing`() async throws {
        let first = try await satchel(["config"])
        #expect(first.lines.allSatisfy { $0.hasPrefix("#") }, "\(first.output)")
        let kept = journey.path("config/satchel")
        try FileManager.default.createDirectory(atPath: kept, withIntermediateDirectories: true)
        try write(first.outputBytes, toFile: "\(kept)/config")
        let environment = journey.environment(server: nil).merging(["XDG_CONFIG_HOME": journey.path("config")]) { $1 }
        let second = try await run(Programs.path("satchel"), ["config"], environment: environment)
        #expect(second.output == first.output, "\(second.output)\(second.errors)")
    }

    @Test func `a server that nobody reaches is named once, and http is suspected behind a port without TLS`()
        async throws
    {
        let server = try await journey.serve()
        let none = try await satchel(["quota", "--server", "http://127.0.0.1:1", "--attempts", "1"])
        #expect(none.status == 69 && none.errors == "satchel: cannot reach 127.0.0.1:1: connection refused\n")
        let plain = try await satchel(["quota", "--server", "https://127.0.0.1:\(server.port)"])
        #expect(plain.status == 69 && plain.errors.contains("it may speak http"), "\(plain.errors)")
        #expect(!plain.errors.contains("retrying"), "\(plain.errors)")
        #expect(await server.stop() == 0)
    }

    @Test func `a file that another lease of one's own keeps is not called gone`() async throws {
        let server = try await journey.serve()
        try write(try await satchel(["send", "note.txt"], server: server).outputBytes, toFile: journey.path("m"))
        try write(try await satchel(["forward", "m"], server: server).outputBytes, toFile: journey.path("f"))
        let first = try await satchel(["revoke", "m"], server: server)
        let match = try #require(
            first.output.wholeMatch(of: /(\S+) revoked; still served under your lease (\S+)\n/), "\(first.output)")
        #expect(match.output.1 != match.output.2)
        #expect(try await satchel(["open", "m", "-o", "-"], server: server).output == "a note")
        let last = try await satchel(["revoke", "f"], server: server)
        #expect(last.output == "\(match.output.2) revoked\n", "\(last.output)")
        #expect(await server.stop() == 0)
    }

    // MARK: Sending

    @Test(arguments: ["send", "seal", "prepare"])
    func `a folder is refused, and how to pack it is said`(command: String) async throws {
        let server = try await journey.serve()
        try FileManager.default.createDirectory(atPath: journey.path("my pictures"), withIntermediateDirectories: false)
        let output = command == "send" ? [] : ["-o", "out"]
        let refused = try await satchel([command, "my pictures/"] + output, server: server)
        #expect(refused.status == 66 && refused.output.isEmpty, "\(refused.output)")
        #expect(refused.errors.contains("tar -czf 'my pictures.tar.gz' 'my pictures/'"), "\(refused.errors)")
        #expect(await server.stop() == 0)
    }

    @Test func `prepare writes into a folder, under the name that would be sent`() async throws {
        let picture = try bytes(ofFile: photograph(in: journey.folder))
        try write(picture, toFile: journey.path("beach.jpg"))
        try FileManager.default.createDirectory(atPath: journey.path("out"), withIntermediateDirectories: false)
        #expect(try await satchel(["prepare", "beach.jpg", "-o", "out/"]).output == "out/beach.jpg\n")
        #expect(try await satchel(["prepare", "beach.jpg", "-o", "out"]).output == "out/beach (2).jpg\n")
        #expect(try await satchel(["prepare", "beach.jpg", "-o", "out", "--force"]).output == "out/beach.jpg\n")
        let missing = try await satchel(["prepare", "beach.jpg", "-o", "nowhere/"])
        #expect(missing.status == 73 && missing.errors.contains("there is no folder nowhere/"), "\(missing.errors)")
        #expect(!isThere("nowhere"))
    }

    @Test func `text of Latin-1 is sent as text`() async throws {
        try write(
            Array("Gr".utf8) + [0xFC, 0xDF] + Array("e aus Z".utf8) + [0xFC] + Array("rich\n".utf8),
            toFile: journey.path("letter"))
        let prepared = try await satchel(["prepare", "letter", "-o", "out"])
        #expect(prepared.errors.contains("text/plain") && !prepared.errors.contains("warning"), "\(prepared.errors)")
    }

    @Test func `a lifetime has a unit, and one that is too long is refused before any work`() async throws {
        let server = try await journey.serve()
        try write(try bytes(ofFile: photograph(in: journey.folder)), toFile: journey.path("beach.jpg"))
        let bare = try await satchel(["send", "beach.jpg", "--lifetime", "30"], server: server)
        #expect(bare.status == 64 && bare.errors.contains("30d for days"), "\(bare.errors)")
        let pruned = try await satchel(["sent", "prune", "--over-for", "30"])
        #expect(pruned.status == 64 && pruned.errors.contains("30d for days"), "\(pruned.errors)")
        let long = try await satchel(["send", "beach.jpg", "--lifetime", "1y"], server: server)
        #expect(long.status == ExitCodes.refused && long.errors.contains("longer than 30d"), "\(long.errors)")
        #expect(!long.errors.contains("compressed") && !long.errors.contains("cleaned"), "\(long.errors)")
        let fine = try await satchel(["send", "beach.jpg", "--lifetime", "2w"], server: server)
        #expect(fine.status == 0 && fine.errors.contains("picture"), "\(fine.errors)")
        #expect(await server.stop() == 0)
    }

    @Test func `input without an end is refused`() async throws {
        let server = try await journey.serve("--blob-limit", "1MiB")
        for command in [["seal", "/dev/zero", "-o", "blob"], ["prepare", "/dev/urandom", "-o", "out"]] {
            let refused = try await satchel(command)
            #expect(refused.status == 66 && refused.errors.contains("has no end"), "\(refused.errors)")
        }
        // A server's limit is known before the first byte is read; what is beyond it is read by nobody.
        let script = "mkfifo pipe && (yes > pipe 2>/dev/null & exec \(Programs.path("satchel")) send pipe)"
        let pipe = try await run(
            "/bin/sh", ["-c", script], environment: journey.environment(server: server.url), in: journey.folder.path)
        #expect(
            pipe.status == ExitCodes.refused && pipe.errors.contains("the limit is 1048576 bytes"), "\(pipe.errors)")
        let device = try await satchel(["send", "/dev/zero"], server: server)
        #expect(device.status == ExitCodes.refused && device.errors.contains("1048576"), "\(device.errors)")
        #expect(!isThere("blob") && !isThere("out"))
        #expect(await server.stop() == 0)
    }

    // MARK: Afterwards

    @Test func `without its server status says so once, then what is known here`() async throws {
        let server = try await journey.serveOnKeptPort()
        for _ in 0..<3 { _ = try await satchel(["send", "note.txt"], server: server) }
        await server.stop()
        let known = try await satchel(["status"], server: server)
        #expect(known.status == 69 && known.lines.count == 3, "\(known.output)")
        #expect(known.errors.ranges(of: "127.0.0.1:\(server.port)").count == 1, "\(known.errors)")
        #expect(known.errors.split(separator: "\n").count == 1 && known.errors.contains("what is known here"))
        for line in known.lines { #expect(line.contains(/\? was sent; expires \d{4}-/), "\(line)") }
        let json = try await satchel(["status", "--json"], server: server)
        #expect(json.status == 69 && json.lines.allSatisfy { $0.contains("\"state\":\"unreachable\"") })
    }
}
