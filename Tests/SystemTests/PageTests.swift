import Blobs
import Foundation
import TestSupport
import Testing

/// The pages for browsers, from the finished programs.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct PageTests {
    static let hasTerminals = FileManager.default.isExecutableFile(atPath: "/usr/bin/script")

    private let journey: Journey

    init() throws {
        journey = try Journey()
    }

    /// The SHA-256 of what `satcheld page --digest` prints, by the name of the file.
    private func digests() async throws -> [String: String] {
        let printed = try await run(Programs.path("satcheld"), ["page"])
        #expect(printed.status == 0 && printed.lines.first?.hasPrefix("# ") == true, "\(printed.errors)")
        let pairs = printed.lines.dropFirst().map { $0.split(separator: " ").map(String.init) }
        return Dictionary(uniqueKeysWithValues: pairs.map { ($0[1], $0[0]) })
    }

    /// The SHA-256 of a file, by another's program.
    private func sha256(_ name: String) async throws -> String {
        let summed = try await run("/usr/bin/sha256sum", [name], in: journey.folder.path)
        return String(summed.output.prefix(64))
    }

    private static let places = [
        ("open/" + String(repeating: "5", count: 64), "open.html"), ("open/video.js", "video.js"),
        ("send", "send.html"),
    ]

    @Test(arguments: ["--http1.1", "--http2"])
    func `what is served has the digests that are told, compressed or not, by both protocols`(version: String)
        async throws
    {
        try await journey.makeCertificate()
        let server = try await journey.serve(journey.identity)
        let digests = try await digests()
        for (path, name) in Self.places {
            for options in [[], ["--compressed"]] {
                let got = try await run(
                    "/usr/bin/curl",
                    [
                        "-sS", version, "--cacert", "certificate.pem", "-D", "head", "-o", "body",
                        "\(server.url)/\(path)",
                    ]
                        + options, in: journey.folder.path)
                #expect(got.status == 0, "\(got.errors)")
                let head = try String(contentsOfFile: journey.path("head"), encoding: .utf8).lowercased()
                #expect(head.hasPrefix(version == "--http2" ? "http/2 200" : "http/1.1 200"))
                #expect(head.contains("content-encoding: gzip") != options.isEmpty)
                #expect(try await sha256("body") == digests[name], "\(name)")
                let tag = try #require(head.firstMatch(of: /etag: ("[0-9a-f]+")/)).output.1
                let again = try await run(
                    "/usr/bin/curl",
                    ["-sS", version, "--cacert", "certificate.pem", "-w", "%{http_code}", "-o", "body"]
                        + ["-H", "If-None-Match: \(tag)", "\(server.url)/\(path)"] + options, in: journey.folder.path)
                #expect(again.output == "304", "\(again.errors)")
            }
        }
        #expect(await server.stop() == 0)
    }

    @Test func `a server is checked, and what it does not have is said`() async throws {
        let digests = try await digests()
        for (offer, names) in [("open,send", ["open.html", "video.js", "send.html"]), ("none", ["note.html"])] {
            let server = try await journey.serve("--pages", offer)
            let checked = try await journey.satchel("page", "--check", "\(server.url)")
            #expect(checked.status == 0, "\(checked.errors)")
            for name in names {
                let digest = try #require(digests[name])
                #expect(
                    checked.lines.contains("\(name)  the same, of release \(Release.version)  \(digest)"),
                    "\(checked.output)")
            }
            #expect(checked.lines.count { $0.hasSuffix("not served") } == 3 - names.count, "\(checked.output)")
            #expect(await server.stop() == 0)
        }
    }

    @Test func `an edge has pages of its own`() async throws {
        let server = try await journey.serve()
        for pass in ["true", "false"] {
            let edge = try await Server(
                RunningCommand(
                    Programs.path("satcheld"),
                    [
                        "edge", "--listen", "127.0.0.1:0", "--origin", "\(server.url)", "--cache", journey.path(pass),
                        "--keep-free", "0", "--pass", pass,
                    ], environment: journey.environment(server: nil)))
            let checked = try await journey.satchel("page", "--check", "\(edge.url)")
            #expect(checked.status == 0 && checked.output.contains("open.html  the same"), "\(checked.errors)")
            #expect(checked.output.contains("send.html  not served") == (pass == "false"), "\(checked.output)")
            #expect(await edge.stop() == 0)
        }
        #expect(await server.stop() == 0)
    }

    @Test(.enabled(if: Proxy.hasNginx, Comment(rawValue: Proxy.missingNginx)))
    func `a changed page is found, a page behind a proxy that only passes it on is not`() async throws {
        let server = try await journey.serve()
        let passing = try await nginx("location / { proxy_pass \(server.url); gzip on; gzip_types *; }")
        let same = try await journey.satchel("page", "--check", passing.url)
        #expect(
            same.status == 0 && same.lines.allSatisfy { $0.contains("  the same, of release \(Release.version)  ") },
            "\(same.output)\(same.errors)")
        let changing = try await nginx(
            """
            location / { proxy_pass \(server.url); }
            location /send { return 200 '<meta name="generator" content="Satchel 9.9.9">'; }
            location /open/video.js { proxy_pass \(server.url); proxy_hide_header Content-Security-Policy; }
            """)
        let found = try await journey.satchel("page", "--check", changing.url)
        #expect(found.status == 5 && found.errors.contains("does not know: video.js, send.html"), "\(found.errors)")
        #expect(found.output.contains("open.html  the same, of release "), "\(found.output)")
        #expect(
            found.output.contains("video.js  the same, of release \(Release.version), but with another policy"),
            "\(found.output)")
        #expect(found.output.contains("send.html  unknown; it calls itself 9.9.9"), "\(found.output)")
        let empty = try await nginx("location / { return 404; }")
        let nothing = try await journey.satchel("page", "--check", empty.url)
        #expect(nothing.status == 4 && nothing.errors.contains("no page at /open"), "\(nothing.errors)")
        for proxy in [passing, changing, empty] { proxy.proxy.stop() }
        #expect(await server.stop() == 0)
    }

    @Test(.enabled(if: Proxy.hasNginx, Comment(rawValue: Proxy.missingNginx)))
    func `the static host of the manual gives the saved page for every address`() async throws {
        let printed = try await journey.satchel("page")
        try write(printed.outputBytes, toFile: journey.path("open.html"))
        let location = try Manual.block("try_files").replacing("/srv/satchel", with: journey.folder.path)
        let host = try await nginx(location)
        for path in ["open/" + String(repeating: "5", count: 64), "open/anything"] {
            let got = try await journey.curl("-D", "head", "-o", "body", "\(host.url)/\(path)")
            let head = try String(contentsOfFile: journey.path("head"), encoding: .utf8).lowercased()
            #expect(got.status == 0 && head.contains(" 200 ok") && head.contains("content-type: text/html"), "\(head)")
            #expect(head.contains("referrer-policy: no-referrer") && head.contains("frame-ancestors 'none'"))
            #expect(try bytes(ofFile: journey.path("body")) == printed.outputBytes)
        }
        host.proxy.stop()
    }

    /// nginx at a port of this machine, since `satchel` knows no other sockets.
    private func nginx(_ locations: String) async throws -> (proxy: Proxy, url: String) {
        var lastError: any Error = Server.NotReady(log: "")
        for _ in 0..<20 {
            let port = Int.random(in: 20_000..<32_000)
            do {
                let proxy = try await Proxy.nginx(in: journey) { socket in
                    "server { listen unix:\(socket); listen 127.0.0.1:\(port); \(locations) }"
                }
                return (proxy, "http://127.0.0.1:\(port)")
            } catch { lastError = error }
        }
        throw lastError
    }

    @Test(arguments: [
        (["--check", "media.example"], 64, "is not the URL of a server"),
        (["--check", "http://media.example"], 77, "plain http"),
        (["--check", "http://127.0.0.1:1", "--attempts", "1"], 69, "127.0.0.1:1"),
    ])
    func `a check that cannot be made says why`(arguments: [String], status: Int32, words: String) async throws {
        let refused = try await run(
            Programs.path("satchel"), ["page"] + arguments, environment: journey.environment(server: nil),
            in: journey.folder.path)
        #expect(refused.status == status && refused.errors.contains(words), "\(refused.errors)")
        #expect(refused.output.isEmpty)
    }

    @Test func `the page is printed to be kept, and not onto a terminal`() async throws {
        let printed = try await journey.satchel("page")
        #expect(printed.status == 0 && printed.output.contains("<meta http-equiv=\"Content-Security-Policy\""))
        try write(printed.outputBytes, toFile: journey.path("page"))
        #expect(try await sha256("page") == digests()["saved.html"])
        guard Self.hasTerminals else { return }
        let shown = try await run(
            "/usr/bin/script", ["-qec", "\(Programs.path("satchel")) page", "/dev/null"],
            environment: journey.environment(server: nil))
        #expect(shown.status == 64 && shown.output.contains("satchel page > open.html"), "\(shown.output)")
        #expect(!shown.output.contains("<meta"))
    }

    @Test(.enabled(if: hasTerminals, "needs script (Debian: bsdutils)"))
    func `on a terminal a server on its defaults says where a first file is sent, and in a journal it does not`()
        async throws
    {
        let link = /to send a file from a browser, open (http:[^#\s]+)#ticket=([\w-]{22})\n/
        for (options, hasLink, hasPlace) in [
            ("", true, true), (" --pages open", false, false), (" --allow-anonymous-uploads", false, true),
        ] {
            let command =
                "echo $$ > \(journey.path("pid")); exec \(Programs.path("satcheld")) serve --listen 127.0.0.1:0 --storage \(journey.storage)"
            let terminal = try RunningCommand(
                "/usr/bin/script", ["-qefc", command + options, "/dev/null"],
                environment: journey.environment(server: nil))
            let told = try await eventually {
                // A terminal ends lines with two characters, which Swift takes for one.
                let text = String(decoding: terminal.outputSoFar.filter { $0 != 0x0d }, as: UTF8.self)
                let isComplete =
                    text.contains("ready at") && text.hasSuffix("\n") && (!hasPlace || text.contains("/send"))
                return isComplete || !terminal.isRunning ? text : nil
            }
            #expect(told.contains("/send") == hasPlace, "\(told)")
            let found = told.firstMatch(of: link)
            #expect((found != nil) == hasLink, "\(told)")
            if let found {
                let page = try await journey.curl("-o", "/dev/null", "-w", "%{http_code}", String(found.output.1))
                #expect(page.output == "200")
                let quota = try await journey.curl(
                    "-o", "/dev/null", "-w", "%{http_code}", "-H", "Authorization: Bearer \(found.output.2)",
                    String(found.output.1).replacing("/send", with: "/quota"))
                #expect(quota.output == "200", "the ticket in the link is the server's")
            }
            let process = try String(contentsOfFile: journey.path("pid"), encoding: .utf8)
            kill(try #require(Int32(process.prefix { $0 != "\n" })), SIGTERM)
            #expect(await terminal.status() == 0)
        }
        let server = try await journey.serve()
        let line = String(decoding: server.command.outputSoFar, as: UTF8.self)
        #expect(line.split(separator: "\n").count == 1 && !line.contains("/send"), "\(line)")
        #expect(await server.stop() == 0)
    }
}
