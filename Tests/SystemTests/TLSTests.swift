import Files
import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct TLSTests {
    let journey: Journey

    init() throws { journey = try Journey(anyoneUploads: true) }

    private func serve(idleTimeout: String = "75s", addressRate: String = "0") async throws -> Server {
        try await journey.serve(
            "--accept", "any", "--address-request-rate", addressRate, "--idle-timeout", idleTimeout,
            "--tls-certificate",
            journey.path("certificate.pem"), "--tls-key", journey.path("key.pem"))
    }

    private func curl(_ arguments: String...) async throws -> CommandResult { try await curl(arguments) }

    private func curl(_ arguments: [String]) async throws -> CommandResult {
        try await run(
            "/usr/bin/curl", ["-sS", "--max-time", "900", "--cacert", "certificate.pem"] + arguments,
            in: journey.folder.path)
    }

    @Test(arguments: ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "SATCHEL_CA_FILE"])
    func `certificates that the environment names are trusted, and others are not`(variable: String) async throws {
        try await journey.makeCertificate("one.example")
        let server = try await serve()
        try write([7], toFile: journey.path("note"))
        for (file, status) in [("certificate.pem", 0), ("key.pem", ExitCodes.network)] {
            var environment = journey.environment(server: server.url)
            environment[variable] = journey.path(file)
            let sent = try await run(
                Programs.path("satchel"), ["send", "note", "--attempts", "1"], environment: environment,
                in: journey.folder.path)
            #expect(sent.status == status, "\(file): \(sent.errors)")
        }
        #expect(await server.stop() == 0)
    }

    @Test func `an upload is named before its bytes in every way of speaking`() async throws {
        try await journey.makeCertificate("one.example")
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

    @Test func `a stream leaves nothing behind when it is over`() async throws {
        try await journey.makeCertificate("one.example")
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
    func `a client that takes its leave is let go before its connection would be idle`(_ version: String) async throws {
        try await journey.makeCertificate("one.example")
        let server = try await serve(idleTimeout: "1h")
        let before = try openSockets(of: server.command.processIdentifier)
        for _ in 0..<10 {
            let visit = try await run(
                "/usr/bin/openssl",
                ["s_client", "-connect", "127.0.0.1:\(server.port)", "-alpn", version, "-quiet", "-no_ign_eof"],
                in: journey.folder.path)
            #expect(visit.status == 0, "\(visit.errors)")
        }
        try await eventually { try openSockets(of: server.command.processIdentifier) <= before }
        #expect(await server.stop() == 0)
    }

    @Test(.timeLimit(.minutes(15)), arguments: ["http/1.1", "h2"])
    func `a client that says nothing is idle and ended`(_ version: String) async throws {
        try await journey.makeCertificate("one.example")
        let server = try await serve(idleTimeout: "1s")
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
    func `one connection serves as many requests as a client has`(_ options: [String]) async throws {
        try await journey.makeCertificate("one.example")
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

    @Test func `every way of speaking gives the same answers`() async throws {
        try await journey.makeCertificate("one.example")
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
                        "-sS", "--max-time", "900", "--cacert", "certificate.pem", version, "-D", "fields", "-o",
                        "body",
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

    /// Without a rate all of them are answered; with one of a request a second, the burst of ten is soon used up.
    @Test(arguments: ["name", "length", "given-up"])
    func `requests over HTTP 2 of which none is read count against the rate, and end a connection`(kind: String)
        async throws
    {
        try await journey.makeCertificate("one.example")
        for (rate, outcome) in [("0", "open"), ("1", "ended")] {
            let server = try await serve(addressRate: rate)
            let script = "\(#filePath)".split(separator: "/").dropLast().map { "/" + $0 }.joined()
            let answer = try await run(
                "/usr/bin/python3", ["\(script)/Peer/unread_streams.py", "\(server.port)", kind, "150"],
                in: journey.folder.path)
            #expect(answer.output == "\(outcome)\n", "\(rate) \(answer.errors)")
            #expect(await server.stop() == 0)
        }
    }

    @Test func `a new certificate is taken on SIGHUP and open connections stay`() async throws {
        try await journey.makeCertificate("one.example")
        let server = try await serve()
        let client = try RunningCommand(
            "/usr/bin/python3", [Self.script, "\(server.port)"], in: journey.folder.path)
        try await eventually { FileManager.default.fileExists(atPath: journey.path("connected")) }
        try await journey.makeCertificate("two.example")
        server.command.send(signal: SIGHUP)
        let result = await client.result()
        #expect(result.lines == ["200 one.example", "200 one.example", "200 two.example"], "\(result.errors)")
        try write([], toFile: journey.path("certificate.pem"))
        server.command.send(signal: SIGHUP)
        try await eventually { server.log.contains("Reloading failed") }
        #expect(try await curl("-k", "\(server.url)/healthz").output == "ok\n", "a bad file leaves the old one in use")
        #expect(await server.stop() == 0)
    }

    /// A method of this name once stood for requests that cannot be read; HTTP/2 lets a client send any.
    @Test(arguments: ["UNREADABLE", "GET", "BREW"], ["--http1.1", "--http2"])
    func `no request passes for one that could not be read`(method: String, version: String) async throws {
        try await journey.makeCertificate("one.example")
        let server = try await serve()
        for path in ["/slow-header", "/header-too-large", "/malformed"] {
            let answer = try await curl(
                version, "-i", "-X", method, "-H", "X-Reason: a reason of my own", "\(server.url)\(path)")
            // The parser of HTTP/1.1 knows the methods that there are.
            let expected = version == "--http1.1" && method != "GET" ? "400" : "404"
            #expect(answer.output.contains(" \(expected)"), "\(answer.output)")
            #expect(!answer.output.contains("of my own"))
        }
        #expect(await server.stop() == 0)
    }

    @Test(arguments: [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", true), ("ECDHE-ECDSA-AES256-GCM-SHA384", true),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", true), ("ECDHE-ECDSA-AES128-SHA", false), ("ECDHE-ECDSA-AES256-SHA", false),
        ("ECDHE-ECDSA-AES128-SHA256", false), ("ECDHE-ECDSA-AES256-SHA384", false),
    ])
    func `no suite of TLS 1.2 without authenticated encryption is taken`(suite: String, isTaken: Bool) async throws {
        try await journey.makeCertificate("one.example")
        let server = try await serve()
        let shake = try await run(
            "/usr/bin/openssl",
            ["s_client", "-tls1_2", "-cipher", "\(suite):@SECLEVEL=0", "-connect", "127.0.0.1:\(server.port)"])
        #expect(shake.output.contains("Cipher is \(suite)") == isTaken, "\(shake.output) \(shake.errors)")
        #expect(await server.stop() == 0)
    }

    @Test func `a key that others can read or write is not used, and a reload keeps the old one`() async throws {
        try await journey.makeCertificate("one.example")
        for (permissions, word) in [(0o644, "chmod o-rwx"), (0o660, "chmod go-w"), (0o606, "chmod go-w")] {
            try FileManager.default.setAttributes(
                [.posixPermissions: permissions], ofItemAtPath: journey.path("key.pem"))
            let ended = try await run(
                Programs.path("satcheld"),
                [
                    "serve", "--listen", "127.0.0.1:0", "--storage", journey.storage, "--tls-certificate",
                    "certificate.pem", "--tls-key", "key.pem",
                ], in: journey.folder.path)
            #expect(ended.status == 78 && ended.errors.contains(word), "\(ended.errors)")
        }
        // As where a group of its own reads the keys of a machine.
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: journey.path("key.pem"))
        let server = try await serve()
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: journey.path("key.pem"))
        server.command.send(signal: SIGHUP)
        try await eventually { server.log.contains("Reloading failed") && server.log.contains("chmod o-rwx") }
        #expect(try await curl("\(server.url)/healthz").output == "ok\n")
        #expect(await server.stop() == 0)
    }

    @Test func `files that cannot be used are said`() async throws {
        try await journey.makeCertificate("one.example")
        let certificate = try bytesOf("certificate.pem")
        try await journey.makeCertificate("two.example")
        try write(certificate, toFile: journey.path("certificate.pem"))
        for arguments in [
            ["--tls-certificate", "certificate.pem"], ["--tls-certificate", "missing.pem", "--tls-key", "key.pem"],
            ["--tls-certificate", "missing.pem", "--tls-key", "missing.pem"],
            ["--tls-certificate", "certificate.pem", "--tls-key", "certificate.pem"],
            ["--tls-certificate", "certificate.pem", "--tls-key", "key.pem"],
        ] {
            let ended = try await run(
                Programs.path("satcheld"),
                ["serve", "--listen", "127.0.0.1:0", "--storage", journey.storage] + arguments,
                in: journey.folder.path)
            #expect(ended.status == 78 && ended.errors.hasPrefix("satcheld: "), "\(arguments): \(ended.errors)")
            if arguments.contains("missing.pem") {
                #expect(ended.errors == "satcheld: --tls-certificate: there is no file missing.pem\n")
            }
        }
    }
}
