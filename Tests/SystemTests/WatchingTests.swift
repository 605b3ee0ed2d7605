import Files
import Foundation
import TestSupport
import Testing

/// The Debian package prometheus has the program that judges metrics.
private enum Promtool {
    static let path = "/usr/bin/promtool"
    static let isThere = FileManager.default.isExecutableFile(atPath: path)
}

@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct WatchingTests {
    let journey: Journey

    init() throws { journey = try Journey(anyoneUploads: true) }

    @Test(.enabled(if: Promtool.isThere, "promtool is in the Debian package prometheus, which scripts/test installs"))
    func `promtool finds nothing wrong with the metrics of a busy server`() async throws {
        let server = try await journey.serve("--admin-listen", "0", "--accept", "any")
        try await beBusy(with: server)
        var page = try await journey.curl("\(try server.adminURL)/metrics")
        // Some are looked at once a second.
        try await eventually {
            page = try await journey.curl("\(try server.adminURL)/metrics")
            return Self.missing(in: page).isEmpty
        }
        let judged = try await run(Promtool.path, ["check", "metrics"], input: page.outputBytes)
        #expect(
            judged.status == 0 && judged.errors.isEmpty && judged.output.isEmpty, "\(judged.output)\(judged.errors)")
        #expect(await server.stop() == 0)
    }

    /// Metrics that a busy server has, each with its least value.
    private static let expected: [(line: String, least: Double)] = [
        (#"satcheld_requests_total{route="upload",status="201"}"#, 2),
        (#"satcheld_refusals_total{code="not-found"}"#, 1), (#"satcheld_blobs{state="held"}"#, 2),
        (#"satcheld_commit_seconds_count"#, 2), (#"satcheld_file_sync_seconds_count"#, 2),
        (#"satcheld_name_sync_seconds_count"#, 1), (#"satcheld_batch_changes_count"#, 1),
        (#"satcheld_event_loop_lag_seconds_count"#, 1), ("process_resident_memory_bytes", 1_000_000),
        ("process_open_fds", 5), ("satcheld_gc_passes_total{outcome=\"done\"}", 1),
        ("satcheld_catalog_log_bytes", 1),
    ]

    /// Those that `page` lacks, or tells too little of.
    private static func missing(in page: CommandResult) -> [String] {
        expected.filter { line, least in
            let told = page.lines.first { $0.hasPrefix(line + " ") }
            return told.flatMap { Double($0.split(separator: " ").last ?? "") } ?? -1 < least
        }.map(\.line)
    }

    /// Some of everything: uploads, reads, refusals, a sweep.
    private func beBusy(with server: Server) async throws {
        for name in ["one", "two"] {
            try write(Array(name.utf8), toFile: journey.path(name))
            _ = try await journey.curl("-T", name, "\(server.url)/upload")
        }
        _ = try await journey.curl("\(server.url)/\(String(repeating: "0", count: 64))")
        _ = try await journey.curl("\(server.url)/no-such-thing")
        #expect(try await journey.satcheld("gc").status == 0)
    }

    @Test func `the access log has a line for every request and is turned over at a signal`() async throws {
        let log = journey.path("access.log")
        let server = try await journey.serve("--access-log", log, "--accept", "any")
        try write(Array("hello".utf8), toFile: journey.path("hello"))
        let stored = try await journey.curl("-T", "hello", "\(server.url)/upload")
        let address = try #require(stored.output.firstMatch(of: /"sha256":"([0-9a-f]{64})"/)).output.1
        _ = try await journey.curl("\(server.url)/\(address)?secret=in-a-query")
        let first = try await lines(of: log, count: 2)
        #expect(first[0].contains(" client=127.0.0.0/24 method=PUT route=upload blob=- status=201 in=5 "), "\(first)")
        #expect(
            first[1].contains(" method=GET route=blob blob=\(address.prefix(8)) status=200 in=0 out=5 "), "\(first)")
        #expect(first[1].hasSuffix(" protocol=HTTP/1.1"), "\(first)")
        #expect(!first.joined().contains("secret") && !first.joined().contains(address))

        try FileManager.default.moveItem(atPath: log, toPath: journey.path("access.log.1"))
        server.command.send(signal: SIGHUP)
        try await eventually { FileManager.default.fileExists(atPath: log) }
        _ = try await journey.curl("-I", "\(server.url)/\(address)")
        let second = try await lines(of: log, count: 1)
        #expect(second[0].contains(" method=HEAD route=blob "), "\(second)")
        #expect(try await lines(of: journey.path("access.log.1"), count: 2).count == 2)
        #expect(await server.stop() == 0)
    }

    /// The lines of a file as soon as there are `count`.
    private func lines(of path: String, count: Int) async throws -> [String] {
        try await eventually {
            let lines = ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n").map(
                String.init)
            return lines.count >= count ? lines : nil
        }
    }

    @Test func `an access log that cannot be written keeps the server from starting`() async throws {
        let refused = try await journey.satcheld(
            "serve", "--listen", "127.0.0.1:0", "--access-log", journey.path("no/such/folder/log"))
        #expect(refused.status != 0)
        #expect(refused.errors.contains("no/such/folder/log"), "\(refused.errors)")
    }

    @Test func `stats shows what is held by age and size with or without a server`() async throws {
        let server = try await journey.serve("--accept", "any")
        for (name, size) in [("small", 1000), ("large", 3_000_000)] {
            try write([UInt8](repeating: UInt8(size % 251), count: size), toFile: journey.path(name))
            _ = try await journey.curl("-T", name, "\(server.url)/upload")
        }
        let asked = try await journey.satcheld("stats")
        #expect(asked.status == 0, "\(asked.errors)")
        #expect(asked.output.contains("held        2 blobs, 2.8 MiB, 2 leases\n"), "\(asked.output)")
        #expect(asked.lines.contains { $0.hasPrefix("< 64 KiB") && $0.hasSuffix("▏") }, "\(asked.output)")
        #expect(asked.lines.contains { $0.hasPrefix("< 16 MiB") && $0.hasSuffix("████") }, "\(asked.output)")
        let asJSON = try await journey.satcheld("stats", "--json")
        #expect(await server.stop() == 0)
        let alone = try await journey.satcheld("stats", "--json")
        #expect(alone.status == 0 && alone.output == asJSON.output, "\(alone.output) \(asJSON.output)")
        let object = try JSONSerialization.jsonObject(with: Data(alone.outputBytes)) as? [String: Any]
        #expect(object?["bytes"] as? Int == 3_001_000 && object?["blobs"] as? Int == 2)
    }
}

extension Server {
    /// Where it tells operators things, as its log says.
    var adminURL: String {
        get throws {
            let match = log.firstMatch(of: /address="?(127\.0\.0\.1:\d+)/)
            guard let match else { throw NotReady(log: log) }
            return "http://\(match.output.1)"
        }
    }
}
