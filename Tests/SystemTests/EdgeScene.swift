import Blobs
import Files
import Foundation
import TestSupport
import Testing

/// An origin, a relay that can spoil its answers, and edges behind that, each with a cache of its own.
struct EdgeScene {
    let journey: Journey
    let origin: Server
    /// Stands between the edges and the origin; knows what they ask.
    let relay: OriginRelay

    /// - Parameter options: for the origin.
    init(accepting kind: String = "any", _ options: String...) async throws {
        journey = try Journey(anyoneUploads: true)
        let made = try await run(Programs.path("satcheld"), ["edge-key", journey.path("edge.key")])
        #expect(made.status == 0, "\(made.errors)")
        origin = try await journey.serve(
            ["--accept", kind, "--edge-keys", journey.path("edge.key"), "--address-request-rate", "0"] + options)
        relay = try await OriginRelay(of: origin)
    }

    /// Starts an edge. Without `feed` it has no key, and lives by ages alone.
    func edge(
        _ name: String = "one", origin url: String? = nil, feed: Bool = true, on disk: FailingDisk? = nil,
        _ options: String...
    ) async throws -> Server {
        try await edge(name, origin: url, feed: feed, on: disk, options: options)
    }

    func edge(
        _ name: String = "one", origin url: String? = nil, feed: Bool = true, on disk: FailingDisk? = nil,
        options: [String]
    ) async throws -> Server {
        let key = feed ? ["--edge-key", journey.path("edge.key")] : []
        let edge = try await Server(
            RunningCommand(
                Programs.path("satcheld"),
                [
                    "edge", "--listen", "127.0.0.1:0", "--origin", url ?? relay.url, "--cache", journey.path(name),
                    "--edge-name", name, "--keep-free", "0", "--address-request-rate", "0",
                ] + key + options,
                environment: journey.environment(server: nil).merging(disk?.environment ?? [:]) { $1 }))
        if feed { try await hears(edge, name) }
        return edge
    }

    /// The option of a server that other edges may follow.
    var keys: [String] { ["--edge-keys", journey.path("edge.key")] }

    /// Waits until an edge follows the feed.
    func hears(_ edge: Server, _ name: String = "one") async throws {
        try await eventually {
            let stats = try await run(
                Programs.path("satcheld"), ["edge-stats", "--json", "--cache", journey.path(name)],
                environment: journey.environment(server: nil))
            return stats.output.contains("feed_age")
        }
    }

    /// Stores bytes at the origin; their address. `owner` is the hash of a secret.
    func store(_ bytes: [UInt8], ownedBy secret: Secret? = nil) async throws -> String {
        let path = journey.path("blob-\(UInt64.random(in: 0 ... .max))")
        try write(bytes, toFile: path)
        let fields = secret.map { ["-H", "Satchel-Owner: \($0.hash.base64url)"] } ?? []
        let stored = try await run(
            "/usr/bin/curl", ["-sS", "-T", path] + fields + ["\(origin.url)/upload"])
        guard let match = stored.output.firstMatch(of: /"sha256":"([0-9a-f]{64})"/) else {
            throw Server.NotReady(log: stored.output + stored.errors)
        }
        return String(match.output.1)
    }

    func revoke(_ address: String, _ secret: Secret) async throws {
        let revoked = try await journey.curl(
            "-X", "DELETE", "-H", "Satchel-Secret: \(secret.base64url)", "-o", "/dev/null", "-w", "%{http_code}",
            "\(origin.url)/\(address)")
        #expect(revoked.output == "204", "\(revoked.errors)")
    }

    /// Asks a server for a blob: status, fields in lower case, body.
    func get(_ server: Server, _ address: String, _ options: String...) async throws -> EdgeAnswer {
        try await get(server, address, options)
    }

    func get(_ server: Server, _ address: String, _ options: [String]) async throws -> EdgeAnswer {
        let body = journey.path("body-\(UInt64.random(in: 0 ... .max))")
        let result = try await run(
            "/usr/bin/curl",
            ["-sS", "--max-time", "900", "-D", "-", "-o", body] + options + ["\(server.url)/\(address)"])
        return EdgeAnswer(head: result.output, body: (try? bytes(ofFile: body)) ?? [])
    }

    /// What so many readers got at the same time: outcome → how many.
    func readers(_ count: Int, of address: String, at server: Server, range: String? = nil) async throws
        -> [String: Int]
    {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "Peer/edge_readers.py").path
        let result = try await run(
            "/usr/bin/python3", [script, "\(server.port)", address, "\(count)"] + (range.map { [$0] } ?? []))
        #expect(result.status == 0, "\(result.errors)")
        return try JSONDecoder().decode([String: Int].self, from: Data(result.outputBytes))
    }

    /// Bytes that nobody has seen before.
    static func sample(_ count: Int) -> [UInt8] {
        var random = SeededGenerator(seed: .random(in: 0 ... .max))
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            let word = random.next()
            for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return Array(bytes.prefix(count))
    }
}

/// An answer as curl wrote it down.
struct EdgeAnswer {
    let status: Int
    let fields: [String: String]
    let body: [UInt8]

    init(head: String, body: [UInt8]) {
        let last = head.components(separatedBy: "\r\n\r\n").last { !$0.isEmpty } ?? ""
        let lines = last.split(separator: "\r\n")
        status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 {
                fields[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        self.fields = fields
        self.body = body
    }

    var cacheStatus: String { fields["cache-status"] ?? "" }
}

/// `Peer/origin_relay.py` under way.
final class OriginRelay: Sendable {
    struct Asked: Equatable {
        let method: String
        let path: String
        let range: String?
        let bytes: Int
    }

    private let command: RunningCommand
    let url: String

    init(of origin: Server) async throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "Peer/origin_relay.py").path
        let command = try RunningCommand("/usr/bin/python3", [script, "\(origin.port)"])
        self.command = command
        let port: String = try await eventually {
            let text = String(decoding: command.outputSoFar, as: UTF8.self)
            return text.hasSuffix("\n") ? String(text.dropLast()) : nil
        }
        url = "http://127.0.0.1:\(port)"
    }

    /// Spoils the answers that follow, as the script says.
    func spoil(_ faults: String) async throws {
        let result = try await run("/usr/bin/curl", ["-sS", "-X", "PUT", "--data-binary", faults, "\(url)/-/faults"])
        #expect(result.status == 0, "\(result.errors)")
    }

    /// What was asked for a blob since the last time.
    func asked(for address: String? = nil) async throws -> [Asked] {
        let result = try await run("/usr/bin/curl", ["-sS", "\(url)/-/requests"])
        let list = try JSONSerialization.jsonObject(with: Data(result.outputBytes)) as? [[Any]] ?? []
        return list.map {
            Asked(
                method: $0[0] as? String ?? "", path: $0[1] as? String ?? "", range: $0[2] as? String,
                bytes: $0[3] as? Int ?? 0)
        }.filter { asked in address.map { asked.path == "/\($0)" } ?? true }
    }

    deinit { if command.isRunning { command.send(signal: SIGKILL) } }
}
