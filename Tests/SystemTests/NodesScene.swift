import Blobs
import Foundation
import Synchronization
import TestEngines
import TestSupport
import Testing

/// Nodes of one store, as an operator starts them: `satcheld serve` on a real database and a real object store.
final class NodesScene: Sendable {
    let journey: Journey
    private let settings: [String]
    private let keys: [String: String]
    private let nodes: Mutex<[Server?]>
    private let schema: String
    /// Where each node runs; none where all run here.
    private let hosts: [HostNetwork.Host]

    /// - Parameters:
    ///   - database: A connection string of libpq; that of all tests without one.
    ///   - objects: The store of all tests without one.
    ///   - hosts: One for each node; none where they run here.
    init(
        nodes count: Int, database: String? = nil, objects: ObjectEngine? = nil, on hosts: [HostNetwork.Host] = []
    ) async throws {
        let engine = try objects ?? Engines.objects()
        let name = "nodes_\(UInt64.random(in: .min ... .max))"
        schema = name
        self.hosts = hosts
        journey = try Journey()
        settings = [
            "--database", try database ?? Engines.postgres(), "--database-schema", name, "--objects",
            "\(engine.endpoint)/\(name)?bucket=\(engine.bucket)&region=\(engine.region)", "--keep-free", "0",
        ]
        keys = ["AWS_ACCESS_KEY_ID": engine.accessKey, "AWS_SECRET_ACCESS_KEY": engine.secretKey]
        nodes = Mutex(Array(repeating: nil, count: count))
        for number in 0..<count { try await start(number) }
    }

    deinit {
        // No node may be at its tables by then.
        for node in serving where node.command.isRunning { node.command.send(signal: SIGKILL) }
        // A database of the test's own goes with all that is in it.
        if hosts.isEmpty { _ = try? Engines.console().ask("DROP SCHEMA IF EXISTS \(schema) CASCADE") }
    }

    var count: Int { nodes.withLock { $0.count } }

    /// Those that have said that they are ready, and were not killed since.
    var serving: [Server] { nodes.withLock { $0.compactMap { $0 } } }

    /// Starts a node in the folder that it had before, again where the engines are too busy to answer it.
    func start(_ number: Int) async throws {
        let server = try await eventually { try? await self.started(number) }
        nodes.withLock { $0[number] = server }
    }

    private func started(_ number: Int) async throws -> Server {
        let host = hosts.isEmpty ? nil : hosts[number]
        let arguments =
            [
                "serve", "--listen", "\(host?.address ?? "127.0.0.1"):0", "--cache", journey.path("cache-\(number)"),
                "--node-name", "node-\(number)", "--accept", "any", "--allow-anonymous-uploads",
                "--address-request-rate", "0",
            ] + settings
        let program = Programs.path("satcheld")
        return try await Server(
            host?.start(program, arguments, environment: environment)
                ?? RunningCommand(program, arguments, environment: environment))
    }

    /// Kills a node between two instructions.
    func kill(_ number: Int) async {
        let server = nodes.withLock { nodes in
            defer { nodes[number] = nil }
            return nodes[number]
        }
        await server?.kill()
    }

    /// Runs a command of `satcheld` that is one more node.
    func satcheld(_ arguments: String...) async throws -> CommandResult {
        try await run(
            Programs.path("satcheld"), arguments + ["--cache", journey.path("cache-command")] + settings,
            environment: environment)
    }

    private var environment: [String: String] { journey.environment(server: nil).merging(keys) { $1 } }

    /// Sends bytes to a node; whether it said that it has them.
    func upload(_ bytes: [UInt8], ownedBy owner: Secret, to node: Server) async throws -> Bool {
        let path = journey.path("blob-\(UInt64.random(in: 0 ... .max))")
        try write(bytes, toFile: path)
        defer { _ = try? FileManager.default.removeItem(atPath: path) }
        let status = try await ask(["-T", path, "-H", "Satchel-Owner: \(owner.hash.base64url)", "\(node.url)/upload"])
        return status == "200" || status == "201"
    }

    /// Ends a lease at a node; whether it said that it has.
    func revoke(_ address: String, _ owner: Secret, at node: Server) async throws -> Bool {
        try await ask(["-X", "DELETE", "-H", "Satchel-Secret: \(owner.base64url)", "\(node.url)/\(address)"]) == "204"
    }

    /// The status of an answer; nil where there was none.
    private func ask(_ arguments: [String]) async throws -> String? {
        let answer = try await run(
            "/usr/bin/curl", ["-sS", "--max-time", "60", "-o", "/dev/null", "-w", "%{http_code}"] + arguments)
        return answer.status == 0 ? answer.output : nil
    }

    /// Whether a node says that it can be used.
    func isReady(_ node: Server) async throws -> Bool { try await ask(["\(node.url)/readyz"]) == "200" }

    /// What a node says of a blob in the end: the engines behind it may be too busy at first.
    func answer(_ address: String, at node: Server) async throws -> (status: String?, body: [UInt8]) {
        try await eventually {
            let found = try await self.get(address, at: node)
            return found.status == nil || found.status == "503" ? nil : found
        }
    }

    /// The status of a blob at a node, and its bytes; no status where there was no answer.
    func get(_ address: String, at node: Server) async throws -> (status: String?, body: [UInt8]) {
        let answer = try await run(
            "/usr/bin/curl", ["-sS", "--max-time", "60", "-w", "\n%{http_code}", "\(node.url)/\(address)"])
        guard answer.status == 0, let end = answer.outputBytes.lastIndex(of: 0x0a) else { return (nil, []) }
        let status = String(decoding: answer.outputBytes[(end + 1)...], as: UTF8.self)
        return (status, Array(answer.outputBytes[..<end]))
    }
}
