import Blobs
import Foundation
import TestSupport
import Testing

/// Clients that no server wants (`Peer/attacks.py`), many at once, against the real program: it stays small and up, and
/// whoever asks as they should is answered meanwhile.
@Suite(.serialized, .enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct BadClientTests {
    private static let soaks = ProcessInfo.processInfo.environment["SATCHEL_SOAK"] != nil
    /// What the server may have resident where nothing waits.
    private static let floorBytes = 96 << 20
    /// What it may have resident under attack: more for each connection that does all it may.
    private static func limitBytes(_ connections: Int) -> Int { floorBytes + connections * 4 << 20 }
    private static let ofHTTP1 = [
        "slow-headers", "slow-body", "slow-reading", "half-closed", "rubbish", "smuggling", "oversize",
    ]
    private static let ofHTTP2 = [
        "h2-settings", "h2-pings", "h2-continuation", "h2-headers", "h2-resets", "h2-empty",
    ]

    /// Attackers ask more often than anybody may, and whoever is idle may be so for long.
    private static let patient = ["--address-request-rate", "0", "--idle-timeout", "1h"]

    let journey: Journey

    init() throws { journey = try Journey(anyoneUploads: true) }

    @Test(arguments: ofHTTP1)
    func `whatever a client of HTTP/1.1 does, the others are served, and memory stays`(name: String) async throws {
        let server = try await journey.serve(Self.patient + ["--accept", "any"])
        let tally = try await attack(name, server, path: try await store(server))
        if name == "smuggling" {
            #expect(tally.keys.allSatisfy { ["connected", "ended", "400"].contains($0) }, "\(tally)")
            #expect(tally["400"] == tally["ended"] && tally["ended"] == tally["connected"], "one answer each: \(tally)")
        }
        if name == "oversize" { #expect(tally["431"] ?? 0 > 0, "\(tally)") }
    }

    /// The attackers know the receipt secret, as everybody does who holds the message.
    @Test func `whoever holds a message gets no lease that hears of its other recipients, and silences none`()
        async throws
    {
        let server = try await journey.serve(Self.patient + ["--accept", "any"])
        let receipt = try #require(Secret(bytes: [UInt8](repeating: 0, count: Secret.byteCount)))
        let owner = Secret.random()
        let path = try await store(
            server, "-H", "Satchel-Owner: \(owner.hash.base64url)", "-H", "Satchel-Receipt: \(receipt.hash.base64url)")
        let tally = try await attack("receipts", server, path: path)
        #expect(tally["409"] ?? 0 > 0 && tally["201"] == nil && tally["200"] == nil, "\(tally)")

        let later = try await journey.serve()
        let name = Base64URL.encode([UInt8](repeating: 200, count: 16))
        let confirmed = try await curl(
            "-X", "PUT", "-H", "Satchel-Secret: \(receipt.base64url)", "-w", "%{http_code}",
            "\(later.url)\(path)/receipts/\(name)")
        #expect(confirmed.output == "204")
        let lease = try await curl("-H", "Satchel-Secret: \(owner.base64url)", "\(later.url)\(path)/lease")
        #expect(lease.output.contains(name), "\(lease.output)")
        #expect(await later.stop() == 0)
    }

    @Test(arguments: ofHTTP2)
    func `a connection of HTTP/2 that floods is ended`(name: String) async throws {
        let server = try await serveTLS()
        let path = try await store(server)
        // It does not end before one of them has been.
        _ = try await attack(name, server, path: path, connections: Self.soaks ? 50 : 10, ends: 1)
    }

    @Test(arguments: ["h2-streams", "h2-questions", "h2-window"])
    func `a client of HTTP/2 that opens all it may and takes nothing costs little`(name: String) async throws {
        let server = try await serveTLS()
        _ = try await attack(name, server, path: try await store(server), connections: Self.soaks ? 200 : 10)
    }

    @Test(arguments: ["sent-ahead", "h2-closed-window", "h2-endless-get"])
    func `a client that takes nothing and sends nothing more is let go, though it stays`(name: String) async throws {
        let limits = ["--write-timeout", "1s", "--upload-patience", "1s", "--idle-timeout", "1s"]
        let server = try await name.hasPrefix("h2-") ? serveTLS(limits) : journey.serve(["--accept", "any"] + limits)
        let path = try await store(server, bytes: 20_000)
        let before = try openSockets(of: server.command.processIdentifier)
        let attack = try begin(name, server, path: path, connections: 20)
        try await eventually { attack.errorsSoFar.contains("ready") }
        try await eventually { try openSockets(of: server.command.processIdentifier) <= before }
        #expect(try await end(attack)["connected"] == 20)
        #expect(await server.stop() == 0)
    }

    @Test(arguments: soaks ? [100, 1000] : [100])
    func `a crowd that sends ahead takes no more memory than all connections may`(count: Int) async throws {
        let memory = 32 << 20
        let server = try await journey.serve(
            Self.patient + ["--accept", "any", "--connection-memory", "\(memory)", "--write-timeout", "1h"])
        let path = try await store(server)
        let attack = try begin("crowd-ahead", server, path: path, connections: count)
        try await eventually { attack.errorsSoFar.contains("ready") }
        try await ask(server)
        let peak = try #require(residentPeak(of: server.command.processIdentifier))
        #expect(peak <= Self.floorBytes + memory + count * 64 << 10, "\(peak >> 20) MiB")
        #expect(try await end(attack)["connected"] == count)
        #expect(await server.stop() == 0)
    }

    @Test(arguments: ["silence", "slow-headers", "h2-silence", "h2-closed-window"])
    func `more clients that hold a connection for nothing than there may be keep nobody out`(
        name: String
    ) async throws {
        let limits = Self.patient + ["--connections", "100", "--header-timeout", "1h", "--write-timeout", "1h"]
        let server = try await name.hasPrefix("h2-") ? serveTLS(limits) : journey.serve(limits)
        _ = try await attack(name, server, path: "", connections: 150, ends: 1)
    }

    @Test func `four clients that begin all the uploads they may, and bring none, shut nobody out`() async throws {
        let server = try await journey.serve(
            Self.patient + [
                "--trusted-proxies", "127.0.0.0/8", "--accept", "any", "--uploads", "100", "--kept-uploads", "100",
            ])
        var tally: [String: Int] = [:]
        // For as long as it takes until they are refused more.
        while tally["429"] == nil { tally = try await attack("slots", server, path: "", stopsServer: false) }
        try write([1, 2, 3], toFile: journey.path("small"))
        for number in 1...20 {
            let other = ["-o", "/dev/null", "-w", "%{http_code}", "-H", "X-Forwarded-For: 198.51.100.\(number)"]
            let begun = try await curl(
                other + ["-X", "POST", "-H", "Tus-Resumable: 1.0.0", "-H", "Upload-Length: 3", "\(server.url)/uploads"])
            #expect(begun.output == "201", "\(begun.errors)")
            let stored = try await curl(other + ["-T", "small", "\(server.url)/upload"])
            #expect(["200", "201"].contains(stored.output), "\(stored.errors)")
        }
        #expect(await server.stop() == 0)
    }

    @Test(.enabled(if: soaks), .enabled(if: openFileLimit >= 20_000, "11,000 connections need 20,000 open files"))
    func `ten thousand clients that say nothing are held, and the next is served`() async throws {
        let server = try await journey.serve(Self.patient)
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

    private func serveTLS(_ settings: [String] = patient) async throws -> Server {
        let made = try await run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-keyout", "key.pem", "-out", "certificate.pem", "-subj", "/CN=localhost",
            ], in: journey.folder.path)
        #expect(made.status == 0, "\(made.errors)")
        return try await journey.serve(
            settings + [
                "--accept", "any", "--tls-certificate", journey.path("certificate.pem"), "--tls-key",
                journey.path("key.pem"),
            ])
    }

    /// Stores a blob, by default one that is larger than what the kernel holds for a reader; its path.
    private func store(_ server: Server, _ fields: String..., bytes: Int = 8_000_000) async throws -> String {
        try write([UInt8](repeating: 7, count: bytes), toFile: journey.path("blob"))
        let stored = try await curl(["-T", "blob", "\(server.url)/upload"] + fields)
        return try #require(stored.output.firstMatch(of: /\/[0-9a-f]{64}/)).output.description
    }

    /// What is cut off at once may be asked again: a connection can be taken for idle where a busy machine is slow to speak.
    private func curl(_ arguments: String...) async throws -> CommandResult { try await curl(arguments) }

    private func curl(_ arguments: [String]) async throws -> CommandResult {
        let patience = ["--max-time", "900", "--retry", "20", "--retry-all-errors"]
        return try await run("/usr/bin/curl", ["-sSk"] + patience + arguments, in: journey.folder.path)
    }

    /// Asks as one should, some times; what is asked behind an attack is answered before it ends.
    private func ask(_ server: Server, times: Int = soaks ? 60 : 6) async throws {
        for _ in 0..<times {
            let answer = try await curl("-o", "/dev/null", "-w", "%{http_code}", "\(server.url)/healthz")
            #expect(answer.output == "200", "\(answer.errors)")
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    /// Attacks, asking as one should meanwhile, until the server has ended so many of the connections; what came of it.
    private func attack(
        _ name: String, _ server: Server, path: String, connections: Int = soaks ? 200 : 40, ends: Int = 0,
        stopsServer: Bool = true
    ) async throws -> [String: Int] {
        let process = server.command.processIdentifier
        let before = try openSockets(of: process)
        let attack = try begin(name, server, path: path, connections: connections, ends: ends)
        try await eventually { attack.errorsSoFar.contains("ready") }
        try await ask(server)
        let tally = try await end(attack)
        let peak = try #require(residentPeak(of: process), "the server is up")
        #expect(peak <= Self.limitBytes(connections), "\(name): \(peak >> 20) MiB")
        // Whoever has left is let go, though an idle connection may stay as long as it likes.
        try await eventually { try openSockets(of: process) <= before }
        if stopsServer { #expect(await server.stop() == 0) }
        return tally
    }

    /// Starts an attack, which goes on until it is told to end.
    private func begin(
        _ name: String, _ server: Server, path: String, connections: Int, ends: Int = 0
    ) throws -> RunningCommand {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Peer/attacks.py").path
        let arguments = [
            script, "127.0.0.1:\(server.port)", name, "--path", path, "--connections", "\(connections)", "--seconds",
            "36000", "--ends", "\(ends)",
        ]
        return try RunningCommand("/usr/bin/python3", arguments + (server.url.scheme == "https" ? ["--tls"] : []))
    }

    /// Ends an attack; what came of it.
    private func end(_ attack: RunningCommand) async throws -> [String: Int] {
        #expect(attack.isRunning, "\(attack.errorsSoFar)")
        attack.send(signal: SIGTERM)
        try await eventually { !attack.isRunning }
        let result = await attack.result()
        #expect(result.status == 0, "\(result.errors)")
        return try JSONDecoder().decode([String: Int].self, from: Data(result.outputBytes))
    }
}
