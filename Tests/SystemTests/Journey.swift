import Files
import Foundation
import Synchronization
import TestSupport
import Testing

/// The two programs under test, built by `scripts/test`.
enum Programs {
    static let folder = ProcessInfo.processInfo.environment["SATCHEL_PROGRAMS"]
    static let areBuilt = folder != nil
    static let missing = "needs the programs: scripts/test builds them and names their folder in SATCHEL_PROGRAMS"

    static func path(_ name: String) -> String { "\(folder ?? ".")/\(name)" }
}

/// One machine for one test: a folder, a server when it is asked for, a person with a home of their own.
final class Journey: Sendable {
    let folder: TemporaryFolder
    /// What every server of this journey is told about who may upload.
    private let uploaders: [String]
    /// The servers that were started, as they name themselves.
    private let servers = Mutex<Set<String>>([])

    /// Uploading takes the local ticket, which `satchel` finds; or anybody may upload, where others do that.
    init(anyoneUploads: Bool = false) throws {
        folder = try TemporaryFolder()
        uploaders = anyoneUploads ? ["--allow-anonymous-uploads"] : []
        try Folder.make(runtime)
    }

    var storage: String { folder.path("storage") }
    /// The runtime folder of everybody on this machine, who are one user.
    var runtime: String { folder.path("run") }
    /// Where the client keeps its spool and sent log.
    var state: String { folder.path("home/state") }

    func path(_ name: String) -> String { folder.path(name) }

    func environment(server: URL?) -> [String: String] {
        var environment = [
            "HOME": folder.path("home"), "XDG_STATE_HOME": state, "XDG_CONFIG_HOME": folder.path("home/config"),
            "XDG_RUNTIME_DIR": runtime,
        ]
        guard let server else { return environment }
        environment["SATCHEL_SERVER"] = server.absoluteString
        // Behind a relay a server names itself in its answers.
        let known = servers.withLock { $0.union([server.absoluteString]) }
        if known.count > 1 { environment["SATCHEL_SERVERS"] = known.joined(separator: ",") }
        return environment
    }

    private func known(_ server: Server) -> Server {
        servers.withLock { _ = $0.insert(server.url.absoluteString) }
        return server
    }

    /// Runs `satchel` as the person of this journey.
    func satchel(_ arguments: String..., server: Server? = nil, input: [UInt8] = []) async throws -> CommandResult {
        try await run(
            Programs.path("satchel"), arguments, environment: environment(server: server?.url), input: input,
            in: folder.path)
    }

    /// Runs `satcheld` on this journey's storage.
    func satcheld(_ arguments: String...) async throws -> CommandResult {
        try await run(
            Programs.path("satcheld"), arguments + ["--storage", storage], environment: environment(server: nil))
    }

    /// Starts a server on this journey's storage, on a port that the system picks unless one is given.
    func serve(_ options: String..., port: Int = 0) async throws -> Server { try await serve(options, port: port) }

    func serve(_ options: [String], port: Int = 0) async throws -> Server {
        known(
            try await Server(
                RunningCommand(
                    Programs.path("satcheld"),
                    ["serve", "--listen", "127.0.0.1:\(port)", "--storage", storage] + uploaders + options,
                    environment: environment(server: nil))))
    }

    /// Starts a server that will be gone for a while and come back on its port: one that the system gives to nobody who
    /// lets it pick, since other tests run beside this one.
    func serveOnKeptPort(_ options: String...) async throws -> Server {
        var lastError: any Error = Server.NotReady(log: "")
        for _ in 0..<20 {
            let port = Int.random(in: 20_000..<32_000)
            do {
                return known(
                    try await Server(
                        RunningCommand(
                            Programs.path("satcheld"),
                            ["serve", "--listen", "127.0.0.1:\(port)", "--storage", storage] + uploaders + options,
                            environment: environment(server: nil))))
            } catch { lastError = error }
        }
        throw lastError
    }

    /// Runs `satchel` on a terminal of so many columns, and rows; without rows it does not tell how high it is. The output
    /// is what it shows, errors too.
    func terminal(
        _ arguments: [String], server: Server?, columns: Int = 120, rows: Int = 0,
        environment: [String: String] = [:]
    ) async throws -> CommandResult {
        let command = ([Programs.path("satchel")] + arguments).map { "'\($0)'" }.joined(separator: " ")
        let shown = try await run(
            "/usr/bin/script", ["-qec", "stty cols \(columns) rows \(rows); exec \(command)", "/dev/null"],
            environment: self.environment(server: server?.url).merging(environment) { $1 }, in: folder.path)
        return CommandResult(
            status: shown.status, outputBytes: shown.outputBytes.filter { $0 != 0x0D }, errors: shown.errors,
            peakResidentBytes: shown.peakResidentBytes)
    }

    /// Runs `satchel` on a terminal at which `input` is typed, and nothing after it: its end does not come.
    func typing(_ input: String, into arguments: [String], server: Server?) async throws -> CommandResult {
        try write(Array(input.utf8), toFile: path("typed"))
        let command = ([Programs.path("satchel")] + arguments).map { "'\($0)'" }.joined(separator: " ")
        return try await run(
            "/bin/sh",
            [
                "-c",
                "set -e; mkfifo keys; exec 3<>keys; rm keys; cat typed >&3; exec timeout 900 script -qec \"$1\" /dev/null <&3",
                "sh", command,
            ], environment: environment(server: server?.url), in: folder.path)
    }

    /// Asks with curl; the output is the status, then the body.
    func curl(_ arguments: String...) async throws -> CommandResult {
        try await run("/usr/bin/curl", ["-sS", "--max-time", "900"] + arguments, in: folder.path)
    }
}

/// A `satcheld serve` that has said it is ready.
final class Server: Sendable {
    let command: RunningCommand
    let url: URL

    struct NotReady: Error { let log: String }

    init(_ command: RunningCommand) async throws {
        self.command = command
        url = try await eventually {
            // Asked first, so that a last line is not missed.
            let isRunning = command.isRunning
            let line = String(decoding: command.outputSoFar, as: UTF8.self)
            if line.hasSuffix("\n"), let match = line.firstMatch(of: /https?:\/\/[0-9.]+:\d+/) {
                return URL(string: String(match.output))
            }
            if !isRunning { throw NotReady(log: command.errorsSoFar) }
            return nil
        }
    }

    var port: Int { url.port ?? 0 }
    var log: String { command.errorsSoFar }

    /// Asks it to finish; its status.
    @discardableResult
    func stop() async -> Int32 {
        command.send(signal: SIGTERM)
        return await command.status()
    }

    /// Ends it between two instructions, as a power cut would.
    func kill() async {
        command.send(signal: SIGKILL)
        _ = await command.status()
    }

    deinit { if command.isRunning { command.send(signal: SIGKILL) } }
}

extension Journey {
    /// The options of a server that speaks TLS, once there is a certificate.
    var identity: [String] { ["--tls-certificate", path("certificate.pem"), "--tls-key", path("key.pem")] }

    /// Makes `certificate.pem` and `key.pem` in the folder, for a name and for this machine's address.
    func makeCertificate(_ name: String = "one.example") async throws {
        let made = try await run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-keyout", "key.pem", "-out", "certificate.pem", "-subj", "/CN=\(name)", "-addext",
                "subjectAltName=DNS:\(name),IP:127.0.0.1",
            ], in: folder.path)
        #expect(made.status == 0, "\(made.errors)")
    }
}
