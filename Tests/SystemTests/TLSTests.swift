import Files
import Foundation
import TestSupport
import Testing

@Suite("TLS and HTTP/2", .enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct TLSTests {
    let journey: Journey

    init() throws { journey = try Journey() }

    private func makeCertificate(_ name: String) async throws {
        let made = try await run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-keyout", "key.pem", "-out", "certificate.pem", "-subj", "/CN=\(name)", "-addext",
                "subjectAltName=DNS:\(name),IP:127.0.0.1",
            ], in: journey.folder.path)
        #expect(made.status == 0, "\(made.errors)")
    }

    private func serve() async throws -> Server {
        try await journey.serve(
            "--accept", "any", "--tls-certificate", journey.path("certificate.pem"), "--tls-key",
            journey.path("key.pem"))
    }

    private func curl(_ arguments: String...) async throws -> CommandResult { try await curl(arguments) }

    private func curl(_ arguments: [String]) async throws -> CommandResult {
        try await run(
            "/usr/bin/curl", ["-sS", "--max-time", "30", "--cacert", "certificate.pem"] + arguments,
            in: journey.folder.path)
    }

    @Test func anUploadIsNamedBeforeItsBytesInEveryWayOfSpeaking() async throws {
        try await makeCertificate("one.example")
        let server = try await serve()
        try write([UInt8](repeating: 7, count: 300_000), toFile: journey.path("blob"))
        for (version, line) in [("--http1.1", "HTTP/1.1"), ("--http2", "HTTP/2")] {
            let begun = try await curl(
                version, "-i", "-T", "blob", "-H", "Upload-Draft-Interop-Version: 8", "-H", "Upload-Complete: ?0",
                "\(server.url)/upload")
            #expect(begun.output.contains("\(line) 104"), "\(begun.output) \(begun.errors)")
            let places = begun.output.matches(of: /(?i)location: (\S+)/).map(\.output.1)
            #expect(places.count == 2 && Set(places).count == 1, "the interim answer names the same upload as the last")
            let head = try await curl(version, "-I", String(try #require(places.first)))
            #expect(head.output.lowercased().contains("upload-offset: 300000"), "\(head.output)")
        }
        #expect(await server.stop() == 0)
    }

    @Test func aStreamLeavesNothingBehindWhenItIsOver() async throws {
        try await makeCertificate("one.example")
        let server = try await serve()
        try write([UInt8](repeating: 7, count: 4000), toFile: journey.path("blob"))
        let stored = try await curl("-T", "blob", "\(server.url)/upload")
        let url = try #require(stored.output.split(separator: "\"").first { $0.hasPrefix("https://") })
        var resident: [Int] = []
        for count in [2000, 10_000] {
            let read = try await curl("--http2", "-o", "/dev/null", "-w", "%{http_code}\n", "\(url)?[1-\(count)]")
            #expect(read.lines.filter { $0 == "200" }.count == count, "\(read.errors)")
            resident.append(try #require(residentPeak(of: server.command.processIdentifier)))
        }
        // What each of ten thousand streams left behind was a kilobyte once.
        #expect(resident[1] - resident[0] < 4 << 20, "\(resident)")
        #expect(await server.stop() == 0)
    }

    @Test(arguments: ["http/1.1", "h2"])
    func aClientThatTakesItsLeaveIsLetGoBeforeItsConnectionWouldBeIdle(_ version: String) async throws {
        try await makeCertificate("one.example")
        let server = try await serve()
        let before = try openSockets(of: server.command.processIdentifier)
        for _ in 0..<10 {
            let visit = try await run(
                "/usr/bin/openssl",
                ["s_client", "-connect", "127.0.0.1:\(server.port)", "-alpn", version, "-quiet", "-no_ign_eof"],
                in: journey.folder.path)
            #expect(visit.status == 0, "\(visit.errors)")
        }
        for _ in 0..<300 where try openSockets(of: server.command.processIdentifier) > before {
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(try openSockets(of: server.command.processIdentifier) <= before)
        #expect(await server.stop() == 0)
    }

    @Test(.timeLimit(.minutes(15)), arguments: ["http/1.1", "h2"])
    func aClientThatSaysNothingIsIdleAndEnded(_ version: String) async throws {
        try await makeCertificate("one.example")
        let server = try await journey.serve(
            "--idle-timeout", "1s", "--tls-certificate", journey.path("certificate.pem"), "--tls-key",
            journey.path("key.pem"))
        // Without a word of either protocol, it stays until the server has had enough.
        let silent = try await run(
            "/usr/bin/openssl", ["s_client", "-connect", "127.0.0.1:\(server.port)", "-alpn", version, "-quiet"],
            in: journey.folder.path)
        #expect(!silent.errors.contains("refused"), "\(silent.errors)")
        #expect(await server.stop() == 0)
    }

    /// Curl's library resets a stream that is not over when it has all bytes, and is cut off after a thousand in half a
    /// minute. (It resets one that is over too, if the answer is a 304.)
    @Test(arguments: [["-T", "blob"], [], ["-I"], ["-r", "5-9"]])
    func oneConnectionServesAsManyRequestsAsAClientHas(_ options: [String]) async throws {
        try await makeCertificate("one.example")
        let server = try await serve()
        try write([UInt8](repeating: 7, count: 4000), toFile: journey.path("blob"))
        let stored = try await curl("-T", "blob", "\(server.url)/upload")
        let blob = try #require(stored.output.split(separator: "\"").first { $0.hasPrefix("https://") })
        let targets = options.first == "-T" ? ["\(server.url)/upload"] : [String(blob), "\(server.url)/nothing"]
        for target in targets {
            let requests = ["--http2", "-o", "/dev/null", "-w", "%{http_version} %{num_connects}\n"] + options
            let read = try await curl(requests + ["\(target)?[1-1200]"])
            #expect(read.lines.filter { $0 == "2 0" }.count == 1199, "\(target): \(read.errors)")
        }
        #expect(await server.stop() == 0)
    }

    @Test func everyWayOfSpeakingGivesTheSameAnswers() async throws {
        try await makeCertificate("one.example")
        let server = try await serve()
        #expect(server.url.scheme == "https")
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        try write(bytes, toFile: journey.path("blob"))
        let stored = try await curl(
            "--http2", "-T", "blob", "\(server.url)/upload", "-w", "\n%{http_version} %{http_code}")
        #expect(stored.lines.last == "2 201", "\(stored.output) \(stored.errors)")
        let url = try #require(stored.output.split(separator: "\"").first { $0.hasPrefix("https://") }).description
        #expect(url.hasPrefix("\(server.url)"))
        for range in [
            [], ["-r", "5-1999999"], ["-r", "0-0,-1"], ["-r", "9999999-"], ["-I"], ["-H", "If-None-Match: *"],
        ] {
            var answers: [String] = []
            for version in ["--http1.1", "--http2"] {
                let answer = try await run(
                    "/usr/bin/curl",
                    [
                        "-sS", "--max-time", "30", "--cacert", "certificate.pem", version, "-D", "fields", "-o", "body",
                        url,
                    ]
                        + range, in: journey.folder.path)
                #expect(answer.status == 0, "\(answer.errors)")
                let fields = String(decoding: try bytesOf("fields"), as: UTF8.self).split(separator: "\r\n")
                    .dropFirst().map { $0.lowercased() }.filter { !$0.hasPrefix("date:") }.sorted()
                let body = range == ["-I"] ? [] : try bytesOf("body")
                answers.append(fields.joined(separator: "\n") + "\n\(body.hashValue) \(body.count)")
            }
            #expect(answers[0] == answers[1], "\(range)")
        }
        let refused = try await curl(
            "--http2", "-T", "blob", "-H", "X-SHA-256: no", "\(server.url)/upload", "-w", "\n%{http_code}")
        #expect(refused.lines.last == "400", "\(refused.output) \(refused.errors)")
        #expect(await server.stop() == 0)
    }

    private static let script =
        "\(#filePath)".split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Peer/renewal.py"

    private func bytesOf(_ name: String) throws -> [UInt8] { try bytes(ofFile: journey.path(name)) }

    @Test func aNewCertificateIsTakenOnSIGHUPAndOpenConnectionsStay() async throws {
        try await makeCertificate("one.example")
        let server = try await serve()
        let client = try RunningCommand(
            "/usr/bin/python3", [Self.script, "\(server.port)"], in: journey.folder.path)
        for _ in 0..<3000 where !FileManager.default.fileExists(atPath: journey.path("connected")) {
            try await Task.sleep(for: .milliseconds(20))
        }
        try await makeCertificate("two.example")
        server.command.send(signal: SIGHUP)
        let result = await client.result()
        #expect(result.lines == ["200 one.example", "200 one.example", "200 two.example"], "\(result.errors)")
        try write([], toFile: journey.path("certificate.pem"))
        server.command.send(signal: SIGHUP)
        try await Task.sleep(for: .milliseconds(300))
        #expect(try await curl("-k", "\(server.url)/healthz").output == "ok\n", "a bad file leaves the old one in use")
        #expect(await server.stop() == 0)
    }

    @Test func filesThatCannotBeUsedAreSaid() async throws {
        try await makeCertificate("one.example")
        let certificate = try bytesOf("certificate.pem")
        try await makeCertificate("two.example")
        try write(certificate, toFile: journey.path("certificate.pem"))
        for arguments in [
            ["--tls-certificate", "certificate.pem"], ["--tls-certificate", "missing.pem", "--tls-key", "key.pem"],
            ["--tls-certificate", "certificate.pem", "--tls-key", "certificate.pem"],
            ["--tls-certificate", "certificate.pem", "--tls-key", "key.pem"],
        ] {
            let ended = try await run(
                Programs.path("satcheld"),
                ["serve", "--listen", "127.0.0.1:0", "--storage", journey.storage] + arguments,
                in: journey.folder.path)
            #expect(ended.status == 78 && ended.errors.hasPrefix("satcheld: "), "\(arguments): \(ended.errors)")
        }
    }
}
