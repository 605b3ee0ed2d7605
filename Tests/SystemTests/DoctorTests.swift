import Blobs
import Foundation
import TestSupport
import Testing

/// `satchel doctor`, well and unwell.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct DoctorTests {
    private let journey: Journey
    private static let unwell: Int32 = 8

    init() throws { journey = try Journey() }

    private func doctor(
        _ arguments: String..., at url: URL?, _ environment: [String: String] = [:]
    ) async throws -> CommandResult {
        try await run(
            Programs.path("satchel"), ["doctor"] + arguments,
            environment: journey.environment(server: url).merging(environment) { $1 }, in: journey.folder.path)
    }

    /// The lines of one subject.
    private func lines(_ subject: String, _ result: CommandResult) -> [String] {
        result.lines.filter { $0.split(separator: " ").dropFirst().first.map(String.init) == subject }
    }

    /// Starts a server in Python that answers `handler`, and prints its port.
    private func peer(_ script: String) async throws -> (RunningCommand, URL) {
        let peer = try RunningCommand("/usr/bin/env", ["python3", "-uc", script])
        let port = try await eventually { Int(String(decoding: peer.outputSoFar, as: UTF8.self).dropLast()) }
        return (peer, try #require(URL(string: "http://127.0.0.1:\(port)")))
    }

    @Test func `where all is well it says so, and no secret`() async throws {
        let server = try await journey.serve()
        let told = try await doctor(at: server.url)
        #expect(told.status == 0 && told.errors.isEmpty, "\(told.output)\(told.errors)")
        #expect((10...13).contains(told.lines.count), "\(told.output)")
        for subject in ["settings", "state", "outbox", "server", "tls", "clock", "ticket", "sending", "quota"] {
            #expect(
                lines(subject, told).allSatisfy { $0.hasPrefix("ok ") } && lines(subject, told).count == 1,
                "\(told.output)")
        }
        let path = "\(journey.runtime)/satchel/127.0.0.1:\(server.port).ticket"
        let ticket = String(decoding: try bytes(ofFile: path), as: UTF8.self).split(separator: "\n")[0]
        #expect(lines("ticket", told)[0].contains(path) && !told.output.contains(ticket), "\(told.output)")
        #expect(await server.stop() == 0)
    }

    @Test func `what stands in the way is named, with what to do`() async throws {
        let server = try await journey.serve()
        let expired = "e30.\(Base64URL.encode("{\"exp\":1700000000,\"max_size\":5000000}".utf8)).e30"
        let cases: [(environment: [String: String], subject: String, words: String)] = [
            (["SATCHEL_QUALITY": "splendid"], "settings", "SATCHEL_QUALITY: splendid is not one of"),
            (["SATCHEL_SERVER": ""], "server", "set server"),
            (["SATCHEL_SERVER": "http://127.0.0.1:1"], "server", "cannot reach 127.0.0.1:1"),
            (["SATCHEL_SERVER": "http://media.example"], "tls", "use https"),
            (["XDG_STATE_HOME": "/proc/nowhere"], "state", "/proc/nowhere"),
            (["SATCHEL_TICKET": expired], "ticket", "expired on 2023-11-14 22:13 UTC"),
            (["SATCHEL_TICKET": "wrong"], "sending", "it is not the local ticket"),
            (["SATCHEL_LIFETIME": "2y"], "sending", "longer than 30d"),
            (["SATCHEL_TICKET_FILE": "missing"], "ticket", "the ticket cannot be read"),
        ]
        for (environment, subject, words) in cases {
            let told = try await doctor(at: server.url, environment)
            let line = try #require(lines(subject, told).first, "\(told.output)\(told.errors)")
            #expect(line.hasPrefix("fail ") && line.contains(words) && line.contains(" → "), "\(line)")
            #expect(told.status == Self.unwell && told.lines.last?.contains("to be mended") == true, "\(told.output)")
            #expect(!told.output.contains(expired), "\(told.output)")
        }
        #expect(await server.stop() == 0)
    }

    @Test func `an unfinished send is remembered, and does not count as illness`() async throws {
        let server = try await journey.serveOnKeptPort()
        try write(Array("a note".utf8), toFile: journey.path("note"))
        await server.stop()
        _ = try await journey.satchel("send", "note", "--attempts", "1", server: server)
        let back = try await journey.serve(port: server.port)
        let told = try await doctor(at: back.url)
        #expect(
            told.status == 0 && lines("outbox", told)[0].hasPrefix("warn  outbox     1 unfinished → "), "\(told.output)"
        )
        #expect(await back.stop() == 0)
    }

    @Test func `a certificate that nobody vouches for is told from a server that is away`() async throws {
        try await journey.makeCertificate()
        let server = try await journey.serve(journey.identity)
        let told = try await doctor(at: server.url)
        let line = try #require(lines("tls", told).first, "\(told.output)")
        #expect(told.status == Self.unwell && line.hasPrefix("fail ") && line.contains("ca-file"), "\(line)")
        let trusted = try await doctor("--ca-file", "certificate.pem", at: server.url)
        #expect(trusted.status == 0 && lines("tls", trusted)[0].contains("trusted"), "\(trusted.output)")
        #expect(await server.stop() == 0)
    }

    @Test func `a clock that differs is noticed`() async throws {
        let (peer, url) = try await peer(
            """
            import http.server
            class Old(http.server.BaseHTTPRequestHandler):
                def date_time_string(self, timestamp=None): return "Sun, 06 Nov 1994 08:49:37 GMT"
                def do_GET(self):
                    self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
                do_HEAD = do_GET
                def log_message(self, *arguments): pass
            server = http.server.HTTPServer(("127.0.0.1", 0), Old)
            print(server.server_port)
            server.serve_forever()
            """)
        let told = try await doctor(at: url)
        let line = try #require(lines("clock", told).first, "\(told.output)")
        #expect(
            line.hasPrefix("warn ") && line.contains("ahead of the server's") && line.contains("set-ntp"), "\(line)")
        peer.send(signal: SIGKILL)
        _ = await peer.status()
    }

    @Test func `a server that says nothing is not waited for without end`() async throws {
        let (peer, url) = try await peer(
            """
            import socket, time
            listener = socket.create_server(("127.0.0.1", 0))
            print(listener.getsockname()[1])
            held = [listener.accept() for _ in range(9)]
            """)
        let told = try await doctor("--stall-timeout", "1", at: url)
        let line = try #require(lines("server", told).first, "\(told.output)")
        #expect(told.status == Self.unwell && line.hasPrefix("fail ") && line.contains("no progress"), "\(line)")
        peer.send(signal: SIGKILL)
        _ = await peer.status()
    }
}
