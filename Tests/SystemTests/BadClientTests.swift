import Foundation
import TestSupport
import Testing

/// Clients that no server wants (`Peer/attacks.py`), many at once, against the real program: it stays small and up, and
/// whoever asks as they should is answered meanwhile.
@Suite("Bad clients", .serialized, .enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct BadClientTests {
    private static let soaks = ProcessInfo.processInfo.environment["SATCHEL_SOAK"] != nil
    /// What the server may have resident under attack: a floor, and more for each connection that does all it may.
    private static func limitBytes(_ connections: Int) -> Int { 96 << 20 + connections * 4 << 20 }
    private static let ofHTTP1 = [
        "slow-headers", "slow-body", "slow-reading", "half-closed", "rubbish", "smuggling", "oversize",
    ]
    private static let ofHTTP2 = [
        "h2-settings", "h2-pings", "h2-continuation", "h2-headers", "h2-resets", "h2-empty",
    ]

    let journey: Journey

    init() throws { journey = try Journey() }

    @Test("Whatever a client of HTTP/1.1 does, the others are served, and memory stays", arguments: ofHTTP1)
    func plain(name: String) async throws {
        let server = try await journey.serve("--accept", "any")
        let tally = try await attack(name, server, path: try await store(server))
        if name == "smuggling" {
            #expect(tally.keys.allSatisfy { ["connected", "ended", "400"].contains($0) }, "\(tally)")
            #expect(tally["400"] == tally["ended"], "one answer each: \(tally)")
        }
        if name == "oversize" { #expect(tally["431"] ?? 0 > 0, "\(tally)") }
    }

    @Test("A connection of HTTP/2 that floods is ended", arguments: ofHTTP2)
    func flood(name: String) async throws {
        let server = try await serveTLS()
        let tally = try await attack(name, server, path: try await store(server), connections: Self.soaks ? 50 : 10)
        let ended = tally.filter { $0.key.contains("Connection") || $0.key == "ended" }.values.reduce(0, +)
        #expect(ended > 0 && tally["connected"] ?? 0 > 10, "\(tally)")
    }

    @Test(
        "A client of HTTP/2 that opens all it may and takes nothing costs little",
        arguments: ["h2-streams", "h2-questions", "h2-window"])
    func greed(name: String) async throws {
        let server = try await serveTLS()
        _ = try await attack(name, server, path: try await store(server))
    }

    @Test("More clients that say nothing than there may be connections keep nobody out", arguments: [false, true])
    func silence(isSecure: Bool) async throws {
        let server = try await isSecure ? serveTLS(connections: 100) : journey.serve("--connections", "100")
        // For longer than who asks meanwhile has patience.
        let tally = try await attack("silence", server, path: "", connections: 150, seconds: 12)
        #expect(tally["connected"] ?? 0 > 150 && tally["ended"] ?? 0 > 0, "\(tally)")
    }

    @Test(
        "Ten thousand clients that say nothing are held, and the next is served",
        .enabled(if: soaks), .enabled(if: openFileLimit >= 20_000, "11,000 connections need 20,000 open files"))
    func crowd() async throws {
        let server = try await journey.serve()
        let tally = try await attack("silence", server, path: "", connections: 11_000)
        #expect(tally["connected"] ?? 0 >= 10_000, "\(tally)")
    }

    // MARK: Means

    /// Files that a process may open at most; the server raises its own limit to that.
    private static var openFileLimit: UInt64 {
        var limit = rlimit()
        // Safe: the call writes exactly this structure.
        let result = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return result == 0 ? UInt64(limit.rlim_max) : 0
    }

    private func serveTLS(connections: Int = 10_000) async throws -> Server {
        let made = try await run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-keyout", "key.pem", "-out", "certificate.pem", "-subj", "/CN=localhost",
            ], in: journey.folder.path)
        #expect(made.status == 0, "\(made.errors)")
        return try await journey.serve(
            "--accept", "any", "--connections", "\(connections)", "--tls-certificate",
            journey.path("certificate.pem"), "--tls-key", journey.path("key.pem"))
    }

    /// Stores a blob that is larger than what the kernel holds for a reader; its path.
    private func store(_ server: Server) async throws -> String {
        try write([UInt8](repeating: 7, count: 8_000_000), toFile: journey.path("blob"))
        let stored = try await curl("-T", "blob", "\(server.url)/upload")
        return try #require(stored.output.firstMatch(of: /\/[0-9a-f]{64}/)).output.description
    }

    /// What is cut off at once may be asked again: a connection can be taken for idle where a busy machine is slow to speak.
    private func curl(_ arguments: String...) async throws -> CommandResult {
        let patience = ["--max-time", "10", "--retry", "3", "--retry-all-errors", "--retry-max-time", "5"]
        return try await run("/usr/bin/curl", ["-sSk"] + patience + arguments, in: journey.folder.path)
    }

    /// Attacks for a while, asking as one should all the time; what came of the attack.
    private func attack(
        _ name: String, _ server: Server, path: String, connections: Int = soaks ? 200 : 40,
        seconds: Double = soaks ? 20 : 1.5
    ) async throws -> [String: Int] {
        let process = server.command.processIdentifier
        let before = try openSockets(of: process)
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Peer/attacks.py").path
        let arguments = [
            script, "127.0.0.1:\(server.port)", name, "--path", path, "--connections", "\(connections)", "--seconds",
            "\(seconds)",
        ]
        let attack = try RunningCommand(
            "/usr/bin/python3", arguments + (server.url.scheme == "https" ? ["--tls"] : []))
        let end = ContinuousClock.now + .seconds(Self.soaks ? 120 : 60)
        while attack.isRunning {
            if ContinuousClock.now > end {
                Issue.record("\(name) has not ended by itself")
                attack.send(signal: SIGKILL)
            }
            let answer = try await curl("-o", "/dev/null", "-w", "%{http_code}", "\(server.url)/healthz")
            #expect(answer.output == "200", "\(name): \(answer.errors)")
            try await Task.sleep(for: .milliseconds(200))
        }
        let peak = try #require(residentPeak(of: process), "the server is up")
        #expect(peak <= Self.limitBytes(connections), "\(name): \(peak >> 20) MiB")
        let result = await attack.result()
        #expect(result.status == 0, "\(result.errors)")
        // Whoever has left is let go long before an idle connection is.
        for _ in 0..<300 where try openSockets(of: process) > before { try await Task.sleep(for: .milliseconds(100)) }
        #expect(try openSockets(of: process) <= before, "connections stay, \(before) were open before")
        #expect(await server.stop() == 0)
        return try JSONDecoder().decode([String: Int].self, from: Data(result.outputBytes))
    }
}
