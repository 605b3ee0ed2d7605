import Foundation
import TestSupport

/// A proxy as people run it in front of a server, listening at a Unix socket.
final class Proxy: Sendable {
    private static let nginxPath = "/usr/sbin/nginx"
    private static let haproxyPath = "/usr/sbin/haproxy"
    static let hasNginx = FileManager.default.isExecutableFile(atPath: nginxPath)
    static let hasHAProxy = FileManager.default.isExecutableFile(atPath: haproxyPath)
    static let missingNginx = "needs nginx (Debian: nginx-light), which scripts/test installs"
    static let missingHAProxy = "needs HAProxy (Debian: haproxy), which scripts/test installs"

    let socket: String
    private let command: RunningCommand
    private let folder: String

    private init(_ folder: String, _ program: String, _ arguments: [String]) async throws {
        self.folder = folder
        socket = "\(folder)/socket"
        command = try RunningCommand(program, arguments)
        try await eventually { [socket, command] in
            FileManager.default.fileExists(atPath: socket) || !command.isRunning
        }
        if !command.isRunning { throw NotRunning(log: command.errorsSoFar) }
    }

    struct NotRunning: Error { let log: String }

    private static func makeFolder(_ journey: Journey) throws -> String {
        let folder = journey.path("proxy\(UInt32.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    /// nginx with one `server` block, made by `block` for the socket to listen at.
    static func nginx(in journey: Journey, _ block: (_ socket: String) throws -> String) async throws -> Proxy {
        let folder = try makeFolder(journey)
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
            "\($0)_temp_path \(folder)/\($0);"
        }
        // Started by root, its workers would be somebody else, who may not write into this folder.
        let user = geteuid() == 0 ? "user root;" : ""
        let configuration = """
            \(user) daemon off; pid \(folder)/pid; error_log \(folder)/error.log; worker_processes 1;
            events {}
            http {
                access_log \(folder)/access.log; \(temporary.joined(separator: " "))
                \(try block("\(folder)/socket"))
            }
            """
        try write(Array(configuration.utf8), toFile: "\(folder)/conf")
        return try await Proxy(
            folder, nginxPath, ["-p", folder, "-c", "\(folder)/conf", "-e", "\(folder)/error.log"])
    }

    /// nginx with nothing set but where to pass requests on, and how large they may be.
    static func nginx(before server: Server, bodyLimit: String, in journey: Journey) async throws -> Proxy {
        try await nginx(in: journey) { socket in
            "server { listen unix:\(socket); client_max_body_size \(bodyLimit); location / { proxy_pass \(server.url); } }"
        }
    }

    /// HAProxy with the configuration that `text` makes for the socket to listen at.
    static func haproxy(in journey: Journey, _ text: (_ socket: String) throws -> String) async throws -> Proxy {
        let folder = try makeFolder(journey)
        try write(Array(try text("\(folder)/socket").utf8), toFile: "\(folder)/conf")
        return try await Proxy(folder, haproxyPath, ["-db", "-f", "\(folder)/conf"])
    }

    var log: String { (try? String(contentsOfFile: "\(folder)/access.log", encoding: .utf8)) ?? "" }

    /// Asks through the proxy with curl.
    func curl(_ arguments: [String], in journey: Journey) async throws -> CommandResult {
        try await run(
            "/usr/bin/curl", ["-sS", "--max-time", "900", "--unix-socket", socket] + arguments, in: journey.folder.path)
    }

    func stop() { command.send(signal: SIGTERM) }

    deinit { if command.isRunning { command.send(signal: SIGTERM) } }
}
