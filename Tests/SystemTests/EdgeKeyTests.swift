import Files
import Foundation
import TestSupport
import Testing

/// Keys of edges, and the feed of changes, as an operator meets them.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct EdgeKeyTests {
    private let journey: Journey

    init() throws { journey = try Journey(anyoneUploads: true) }

    /// Makes a key in the file of this name.
    private func make(_ name: String) async throws -> CommandResult {
        try await run(
            Programs.path("satcheld"), ["edge-key", journey.path(name)], environment: journey.environment(server: nil))
    }

    private func key(_ name: String) throws -> String {
        String(decoding: try bytes(ofFile: journey.path(name)), as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    /// A reader of the feed, which goes on until it is ended.
    private func follow(_ server: Server, _ key: String, _ options: String...) throws -> RunningCommand {
        try RunningCommand(
            "/usr/bin/curl",
            ["-sSN", "--fail-with-body", "-H", "Authorization: Bearer \(key)"] + options + ["\(server.url)/changes"],
            in: journey.folder.path)
    }

    private func text(_ command: RunningCommand) -> String { String(decoding: command.outputSoFar, as: UTF8.self) }

    @Test func `a key is made once, for its owner alone`() async throws {
        let made = try await make("edge.key")
        #expect(made.status == 0 && made.output.isEmpty && made.errors.isEmpty, "\(made.errors)")
        let first = try key("edge.key")
        #expect(first.utf8.count == 43)
        #expect(try Folder.status(journey.path("edge.key"))?.permissions == 0o600)
        let again = try await make("edge.key")
        #expect(again.status == 64 && again.errors.contains("exists already"), "\(again.errors)")
        #expect(try key("edge.key") == first)
        #expect(try await make("nowhere/edge.key").status == 74)
    }

    @Test(arguments: ["--http1.1", "--http2"])
    func `an edge follows changes over TLS until the server stops, which does not wait for it`(version: String)
        async throws
    {
        try await journey.makeCertificate()
        _ = try await make("edge.key")
        let server = try await journey.serve(
            "--accept", "any", "--edge-keys", journey.path("edge.key"), "--tls-certificate",
            journey.path("certificate.pem"), "--tls-key", journey.path("key.pem"), "--shutdown-timeout", "1h",
            "--idle-timeout", "1s", "--write-timeout", "1s")
        let reader = try follow(server, try key("edge.key"), version, "--cacert", "certificate.pem")
        try await eventually { text(reader).components(separatedBy: "\nt 0").count > 4 || !reader.isRunning }
        #expect(text(reader).hasPrefix("lost "), "\(text(reader)) \(reader.errorsSoFar)")
        try write([7], toFile: journey.path("blob"))
        let owner = "Satchel-Owner: 8SqTf6rqC3JDKnxBhbcKpVtdtZxnHhBwrgXwhM7fWNY"
        let stored = try await journey.curl(
            "--cacert", "certificate.pem", "-T", "blob", "-H", owner, "\(server.url)/upload")
        let address = try #require(stored.output.firstMatch(of: /[0-9a-f]{64}/)).output
        let removed = try await journey.satcheld("remove", String(address))
        #expect(removed.status == 0, "\(removed.errors)")
        try await eventually { text(reader).contains("c 1 \(address.prefix(12))\n") || !reader.isRunning }
        try await eventually { text(reader).contains("\nt 1\n") || !reader.isRunning }
        #expect(await server.stop() == 0)
        #expect(await reader.status() == 0, "it ended as an answer does: \(reader.errorsSoFar)")
        #expect(!server.log.contains(try key("edge.key")), "keys stay out of the log")
    }

    @Test func `keys are read again on SIGHUP, and a bad one changes nothing`() async throws {
        try Folder.make(journey.path("keys"))
        _ = try await make("keys/a")
        _ = try await make("b")
        let server = try await journey.serve("--accept", "any", "--edge-keys", journey.path("keys"))
        let (old, new) = (try key("keys/a"), try key("b"))
        func status(_ key: String) async throws -> String {
            // Of an answer without end only the beginning is waited for.
            try await run(
                "/usr/bin/curl",
                [
                    "-sS", "--max-time", "2", "-o", "/dev/null", "-w", "%{http_code}", "-H",
                    "Authorization: Bearer \(key)", "\(server.url)/changes",
                ], in: journey.folder.path
            ).output
        }
        #expect(try await [status(old), status(new)] == ["200", "401"])
        let reader = try follow(server, old)
        try await eventually { text(reader).contains("t 0") }

        try FileManager.default.moveItem(atPath: journey.path("b"), toPath: journey.path("keys/b"))
        try OpenFile(journey.path("keys/b"), .read).setPermissions(0o644)
        server.command.send(signal: SIGHUP)
        try await eventually { server.log.contains("Reloading failed") }
        #expect(server.log.contains("keys/b"), "\(server.log)")
        #expect(try await [status(old), status(new)] == ["200", "401"])

        try OpenFile(journey.path("keys/b"), .read).setPermissions(0o640)
        try FileManager.default.removeItem(atPath: journey.path("keys/a"))
        server.command.send(signal: SIGHUP)
        try await eventually { server.log.contains("Reloaded") }
        #expect(try await [status(old), status(new)] == ["401", "200"])
        #expect(await reader.status() == 0, "whose key is gone hears no more")
        #expect(await server.stop() == 0)
    }

    @Test(arguments: ["keys", "keys/a"])
    func `when the last key is taken away no edge is accepted any more`(path: String) async throws {
        try Folder.make(journey.path("keys"))
        _ = try await make("keys/a")
        let server = try await journey.serve("--accept", "any", "--edge-keys", journey.path(path))
        let key = try key("keys/a")
        let reader = try follow(server, key)
        try await eventually { text(reader).contains("t 0") }
        try FileManager.default.removeItem(atPath: journey.path("keys/a"))
        server.command.send(signal: SIGHUP)
        try await eventually { server.log.contains("Reload") }
        #expect(server.log.contains("No edge key is left"), "\(server.log)")
        #expect(await reader.status() == 0, "whose key is gone hears no more")
        let refused = try await journey.curl(
            "-o", "/dev/null", "-w", "%{http_code}", "-H", "Authorization: Bearer \(key)", "\(server.url)/changes")
        #expect(refused.output == "401")
        #expect(await server.stop() == 0)
    }

    @Test func `an edge shows its own key as its file has it at the last SIGHUP`() async throws {
        try await journey.makeCertificate()
        for name in ["known", "next", "own", "unknown"] { _ = try await make(name) }
        func put(_ name: String, in file: String) throws {
            try write(bytes(ofFile: journey.path(name)), toFile: journey.path(file))
        }
        try put("known", in: "own")
        let origin = try await journey.serve("--accept", "any", "--edge-keys", journey.path("known"))
        let edge = try await Server(
            RunningCommand(
                Programs.path("satcheld"),
                [
                    "edge", "--listen", "127.0.0.1:0", "--origin", "\(origin.url)", "--cache", journey.path("cache"),
                    "--keep-free", "0", "--edge-key", journey.path("own"), "--origin-ca",
                    journey.path("certificate.pem"),
                ]))
        func count(_ words: String) -> Int { edge.log.components(separatedBy: words).count - 1 }
        try await eventually { count("change feed is heard") == 1 }
        try put("next", in: "known")
        origin.command.send(signal: SIGHUP)
        try await eventually { count("does not know this edge's key") == 1 }
        try put("next", in: "own")
        edge.command.send(signal: SIGHUP)
        try await eventually { count("Reload") >= 2 }
        #expect(count("what=\"edge key\"") == 1 && count("what=\"origin certificates\"") == 1, "\(edge.log)")
        if count("what=\"edge key\"") == 1 { try await eventually { count("change feed is heard") == 2 } }

        // One that cannot be used changes nothing.
        try write(Array("rubbish".utf8), toFile: journey.path("own"))
        edge.command.send(signal: SIGHUP)
        try await eventually { count("Reloading failed") == 1 }
        #expect(edge.log.contains("--edge-key: "), "\(edge.log)")
        // The origin is asked at once what it makes of another, not only when the feed breaks off.
        try put("unknown", in: "own")
        edge.command.send(signal: SIGHUP)
        try await eventually { count("does not know this edge's key") == 2 }
        for name in ["known", "next", "own", "unknown"] {
            #expect(!edge.log.contains(try key(name)), "keys stay out of the log")
        }
        #expect(await edge.stop() == 0)
        #expect(await origin.stop() == 0)
    }

    @Test(arguments: [("nowhere", "nowhere"), ("open", "chmod"), ("rubbish", "43"), ("empty", "no edge keys")])
    func `a server does not start with keys that cannot be used`(name: String, word: String) async throws {
        _ = try await make("open")
        try OpenFile(journey.path("open"), .read).setPermissions(0o644)
        try TokenForge.write("rubbish", to: journey.path("rubbish"))
        try Folder.make(journey.path("empty"))
        let refused = try await journey.satcheld("serve", "--listen", "127.0.0.1:0", "--edge-keys", journey.path(name))
        #expect(refused.status == 78 && refused.errors.contains(word), "\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: journey.storage), "nothing was made")
    }
}
