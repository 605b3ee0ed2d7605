import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct TicketTests {
    private static let audience = "media.example"
    private let journey: Journey
    private let forge = TokenForge()

    init() throws {
        journey = try Journey()
        try forge.writeKeys(to: journey.path("keys"))
        try TokenForge.write(forge.privatePEM, to: journey.path("\(TokenForge.publicName).private.pem"))
    }

    private func serve(_ options: [String] = []) async throws -> Server {
        try await Server(
            RunningCommand(
                Programs.path("satcheld"),
                [
                    "serve", "--listen", "127.0.0.1:0", "--storage", journey.storage, "--accept", "any",
                    "--ticket-keys", journey.path("keys"), "--ticket-audience", Self.audience,
                ] + options, environment: journey.environment(server: nil)))
    }

    /// A ticket of the server's own mint.
    private func mint(subject: String = "ann", _ options: [String] = []) async throws -> String {
        let minted = try await run(
            Programs.path("satcheld"),
            [
                "ticket", "--key", journey.path("\(TokenForge.publicName).private.pem"), "--subject", subject,
                "--ticket-audience", Self.audience,
            ] + options, environment: journey.environment(server: nil))
        #expect(minted.status == 0, "\(minted.errors)")
        return try #require(minted.lines.first)
    }

    /// Uploads `bytes` with `ticket`, or without one; the status.
    private func upload(_ bytes: [UInt8], ticket: String?, to server: Server, name: String = "blob") async throws
        -> String
    {
        try write(bytes, toFile: journey.path(name))
        let authorization = ticket.map { ["-H", "Authorization: Bearer \($0)"] } ?? []
        return try await run(
            "/usr/bin/curl",
            ["-sS", "--max-time", "900", "-o", "/dev/null", "-w", "%{http_code}", "-T", name] + authorization
                + ["\(server.url)/upload"], in: journey.folder.path
        ).output
    }

    /// The number behind `"used":` of `what` in the answer to GET /quota.
    private func used(_ what: String, ticket: String, of server: Server) async throws -> Int {
        let answer = try await journey.curl("-H", "Authorization: Bearer \(ticket)", "\(server.url)/quota")
        let object = try JSONSerialization.jsonObject(with: Data(answer.outputBytes)) as? [String: Any]
        let use = try #require(object?[what] as? [String: Any], "\(answer.output)")
        return try #require(use["used"] as? Int)
    }

    @Test func `a sender sends with a ticket and not without, and anybody opens`() async throws {
        let server = try await serve()
        try write([UInt8](repeating: 5, count: 3000), toFile: journey.path("note.bin"))
        let without = try await journey.satchel("send", "note.bin", server: server)
        #expect(without.status != 0 && without.outputBytes.isEmpty)
        var environment = journey.environment(server: server.url)
        environment["SATCHEL_TICKET"] = try await mint()
        let sent = try await run(
            Programs.path("satchel"), ["send", "note.bin"], environment: environment, in: journey.folder.path)
        #expect(sent.status == 0, "\(sent.errors)")
        let opened = try await journey.satchel("open", "-", "-o", "back.bin", server: server, input: sent.outputBytes)
        #expect(opened.status == 0, "\(opened.errors)")
        #expect(await server.stop() == 0)
        #expect(!server.log.contains(environment["SATCHEL_TICKET"] ?? "-"), "tickets stay out of the log")
    }

    @Test func `keys are read again on SIGHUP, and a bad one changes nothing`() async throws {
        let server = try await serve()
        let old = try await mint()
        let next = TokenForge()
        let now = Int64(Date.now.timeIntervalSince1970)
        let new = next.token(
            header: #"{"alg":"EdDSA","kid":"next"}"#,
            claims: #"{"aud":"\#(Self.audience)","exp":\#(now + 600),"sub":"ann"}"#, .edDSA)
        #expect(try await upload([1], ticket: new, to: server) == "401")

        try TokenForge.write(next.publicPEM, to: journey.path("keys/next.pem"))
        try await hangUp(server, expecting: "Reloaded")
        #expect(try await upload([2], ticket: new, to: server) == "201")
        #expect(try await upload([3], ticket: old, to: server) == "201")

        try FileManager.default.removeItem(atPath: journey.path("keys/\(TokenForge.publicName).pem"))
        try TokenForge.write("rubbish", to: journey.path("keys/broken.pem"))
        try await hangUp(server, expecting: "Reloading failed")
        #expect(server.log.contains("broken.pem"), "\(server.log)")
        #expect(try await upload([4], ticket: old, to: server) == "201")

        try FileManager.default.removeItem(atPath: journey.path("keys/broken.pem"))
        try await hangUp(server, expecting: "Reloaded", times: 2)
        #expect(try await upload([5], ticket: old, to: server) == "401")
        #expect(try await upload([6], ticket: new, to: server) == "201")
        #expect(await server.stop() == 0)
    }

    /// Sends SIGHUP and waits until the log says so for the given time.
    private func hangUp(_ server: Server, expecting line: String, times: Int = 1) async throws {
        server.command.send(signal: SIGHUP)
        try await eventually { server.log.components(separatedBy: line).count > times }
        #expect(server.log.components(separatedBy: line).count == times + 1, "\(server.log)")
    }

    @Test func `without keys a SIGHUP changes nothing`() async throws {
        let server = try await journey.serve()
        try await hangUp(server, expecting: "Nothing to reload")
        #expect(server.command.isRunning)
        #expect(await server.stop() == 0)
    }

    @Test func `after a kill every subject is charged for what is held, and nothing else`() async throws {
        let server = try await serve()
        let ticket = try await mint()
        for round in 0..<5 {
            #expect(
                try await upload([UInt8](repeating: UInt8(round), count: 5000), ticket: ticket, to: server) == "201")
        }
        let cut = try (5..<9).map { round in
            try write([UInt8](repeating: UInt8(round), count: 5000), toFile: journey.path("cut\(round)"))
            return try RunningCommand(
                "/usr/bin/curl",
                ["-sS", "-H", "Authorization: Bearer \(ticket)", "-T", "cut\(round)", "\(server.url)/upload"],
                in: journey.folder.path)
        }
        await server.kill()
        for upload in cut { _ = await upload.status() }

        let next = try await serve()
        let leases = try await used("leases", ticket: ticket, of: next)
        #expect((5...9).contains(leases), "at least what was acknowledged")
        #expect(try await used("bytes", ticket: ticket, of: next) == leases * 5000)
        #expect(try await used("uploads", ticket: ticket, of: next) == 0)
        #expect(await next.stop() == 0)
    }

    @Test(arguments: [
        (["--ticket-keys", "keys"], "--ticket-audience"), (["--ticket-audience", "x"], "--ticket-keys"),
        (["--ticket-keys", "keys", "--ticket-audience", "x", "--allow-anonymous-uploads"], "one of them"),
        (["--ticket-keys", "nowhere", "--ticket-audience", "x"], "nowhere"),
        (["--ticket-keys", "keys/chat-2026.pem,keys", "--ticket-audience", "x"], "two key files"),
    ])
    func `what does not go together is said, and nothing starts`(options: [String], word: String) async throws {
        let refused = try await run(
            Programs.path("satcheld"), ["serve", "--listen", "127.0.0.1:0", "--storage", journey.storage] + options,
            environment: journey.environment(server: nil), in: journey.folder.path)
        #expect(refused.status == 78, "\(refused.errors)")
        #expect(refused.errors.contains(word), "\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: journey.storage), "nothing was made")
    }

    @Test(arguments: [
        ["--trusted-proxies", "10.0.0.1/8"], ["--address-request-rate", "-1"], ["--client-address-header", "a b"],
        ["--bytes-per-subject", "lots"],
    ])
    func `an option whose value cannot be taken is named, and nothing starts`(option: [String]) async throws {
        let refused = try await run(
            Programs.path("satcheld"), ["serve", "--listen", "127.0.0.1:0", "--storage", journey.storage] + option,
            environment: journey.environment(server: nil))
        #expect(refused.status == 64 && refused.errors.contains("\(option[0]): expected "), "\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: journey.storage), "nothing was made")
    }

    @Test func `a shared secret made as in the manual is one that the server takes`() async throws {
        let line = try #require(
            try Manual.block("openssl rand").split(separator: "\n").first { $0.contains("openssl rand") })
        // What follows after spaces is said, not typed.
        let words = try #require(line.firstMatch(of: /^(.+?)(  |$)/)).output.1
        try FileManager.default.createDirectory(atPath: journey.path("made"), withIntermediateDirectories: true)
        // There need not be such a group where tests run; the file is then this user's.
        let command = words.replacing("/etc/satchel/keys", with: journey.path("made"))
            .replacing("-g satchel ", with: "")
        let made = try await run("/bin/sh", ["-c", "umask 022; \(command)"], in: journey.folder.path)
        #expect(made.status == 0, "\(made.errors)")
        let minted = try await run(
            Programs.path("satcheld"),
            [
                "ticket", "--key", journey.path("made/2026-b.secret"), "--subject", "ann", "--ticket-audience",
                Self.audience,
            ], environment: journey.environment(server: nil))
        #expect(minted.status == 0 && minted.lines.count == 1, "\(command): \(minted.errors)")
    }

    @Test func `the mint refuses what no server would take`() async throws {
        for (options, status) in [
            (["--validity", "2d"], 64), (["--validity", "soon"], 64), (["--max-size", "-1"], 64),
        ] {
            let refused = try await run(
                Programs.path("satcheld"),
                [
                    "ticket", "--key", journey.path("\(TokenForge.publicName).private.pem"), "--subject", "ann",
                    "--ticket-audience", Self.audience,
                ] + options, environment: journey.environment(server: nil))
            #expect(refused.status == status && refused.output.isEmpty, "\(options): \(refused.errors)")
        }
        let publicKey = try await run(
            Programs.path("satcheld"),
            [
                "ticket", "--key", journey.path("keys/\(TokenForge.publicName).pem"), "--subject", "ann",
                "--ticket-audience", Self.audience,
            ], environment: journey.environment(server: nil))
        #expect(publicKey.status == 78 && publicKey.errors.contains("private"), "\(publicKey.errors)")
    }
}
