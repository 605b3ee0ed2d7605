import Foundation
import TestSupport
import Testing

/// The server behind proxies, as they come and as docs/operations.md sets them up.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct ProxyTests {
    /// What stands in front, and how.
    enum Setup: String, CustomTestStringConvertible {
        case nginx = "nginx that adds nothing"
        case nginxOfManual = "nginx as in the manual"
        case haproxyOfManual = "HAProxy as in the manual"

        var testDescription: String { rawValue }
    }

    private static let ofNginx = [Setup.nginx, .nginxOfManual]
    private static let audience = "media.example"

    private let journey: Journey
    private let forge = TokenForge()

    init() throws {
        journey = try Journey()
        try forge.writeKeys(to: journey.path("keys"))
        let ticket = forge.ticket(audience: Self.audience, now: Int64(Date.now.timeIntervalSince1970))
        try write(Array("Authorization: Bearer \(ticket)\n".utf8), toFile: journey.path("ticket"))
    }

    @Test(arguments: [("\"send-104\"", "nginx"), ("proxy_pass", "nginx"), ("frontend", "HAProxy")])
    func `the settings of the manual follow the words that announce them`(word: String, proxy: String) throws {
        let announcement = try Manual.announcement(word)
        #expect(announcement.contains(proxy) && announcement.hasSuffix(":"), "\(announcement)")
    }

    // MARK: Refusals

    /// A refusal, and the settings that bring it about.
    struct Refusal: CustomTestStringConvertible {
        let status: Int
        let reason: String
        var hasTicket = true
        var settings: [String] = []

        var testDescription: String { "\(status) \(reason)" }
    }

    private static let refusals = [
        Refusal(status: 401, reason: "ticket-missing", hasTicket: false),
        Refusal(status: 413, reason: "too-large", settings: ["--blob-limit", "1MiB"]),
        Refusal(status: 429, reason: "quota", settings: ["--leases-per-subject", "1"]),
        Refusal(status: 507, reason: "disk-full", settings: ["--keep-free", "1000000TiB"]),
    ]

    @Test(
        .enabled(if: Proxy.hasNginx, Comment(rawValue: Proxy.missingNginx)), arguments: ofNginx, refusals)
    func `a refusal reaches a client that still sends megabytes through nginx`(setup: Setup, refusal: Refusal)
        async throws
    {
        try await expectRefusal(refusal, through: setup)
    }

    @Test(.enabled(if: Proxy.hasHAProxy, Comment(rawValue: Proxy.missingHAProxy)), arguments: refusals)
    func `a refusal reaches a client that still sends megabytes through HAProxy`(refusal: Refusal) async throws {
        try await expectRefusal(refusal, through: .haproxyOfManual)
    }

    private func expectRefusal(_ refusal: Refusal, through setup: Setup) async throws {
        let server = try await serve(setup, refusal.settings)
        let proxy = try await proxy(setup, before: server)
        if refusal.status == 429 { #expect(try await upload(bytes: 5, ["-H", "@ticket"], proxy, setup).status == 201) }
        let ticket = refusal.hasTicket ? ["-H", "@ticket"] : []
        // curl waits for 100 Continue unless told not to.
        for (megabytes, waiting) in [
            (2, []), (2, ["-H", "Expect:"]), (20, ["-H", "Expect:"]), (100, ["-H", "Expect:"]),
        ] {
            let answer = try await upload(bytes: megabytes * 1_000_000, ticket + waiting, proxy, setup)
            #expect(answer.status == refusal.status && answer.reason == refusal.reason, "\(megabytes) MB: \(answer)")
        }
        proxy.stop()
        #expect(await server.stop() == 0)
    }

    // MARK: Uploads

    @Test(.enabled(if: Proxy.hasNginx, Comment(rawValue: Proxy.missingNginx)), arguments: ofNginx)
    func `resumable uploads of both kinds pass through nginx`(setup: Setup) async throws {
        try await expectUploads(through: setup)
    }

    @Test(.enabled(if: Proxy.hasHAProxy, Comment(rawValue: Proxy.missingHAProxy)))
    func `resumable uploads of both kinds pass through HAProxy`() async throws {
        try await expectUploads(through: .haproxyOfManual)
    }

    private func expectUploads(through setup: Setup) async throws {
        let server = try await serve(setup, [])
        let proxy = try await proxy(setup, before: server)
        let ietf = ["-H", "@ticket", "-H", "Upload-Draft-Interop-Version: 8"]
        let whole = try await upload(bytes: 3_000_000, ietf + ["-H", "Upload-Complete: ?1"], proxy, setup)
        #expect(whole.status == 201, "\(whole)")
        let begun = try await upload(bytes: 1_000_000, ietf + ["-H", "Upload-Complete: ?0"], proxy, setup)
        #expect(begun.status == 201 && begun.text.contains("/uploads/"), "\(begun)")
        let tus =
            ["-X", "POST", "-H", "@ticket", "-H", "Tus-Resumable: 1.0.0", "-H", "Upload-Length: 2000000"]
            + ["-H", "Content-Type: application/offset+octet-stream"]
        let created = try await upload(bytes: 2_000_000, tus, to: "/uploads", proxy, setup)
        #expect(created.status == 201 && created.text.contains("upload-offset: 2000000"), "\(created)")
        proxy.stop()
        #expect(await server.stop() == 0)
    }

    // MARK: Means

    /// The last status of an answer, its X-Reason, and all of its heads in lower case.
    struct Answer: CustomStringConvertible {
        let status: Int?
        let reason: String?
        let text: String
        let errors: String

        var description: String { "\(text) \(errors)" }
    }

    private func upload(
        bytes count: Int, _ arguments: [String], to path: String = "/upload", _ proxy: Proxy, _ setup: Setup
    ) async throws -> Answer {
        try write([], toFile: journey.path("body"))
        try FileHandle(forUpdating: URL(filePath: journey.path("body"))).truncate(atOffset: UInt64(count))
        let scheme = setup == .nginx ? "http" : "https"
        let result = try await proxy.curl(
            ["--cacert", "media.pem", "-D", "-", "-o", "/dev/null", "-T", "body"] + arguments
                + ["\(scheme)://media.example\(path)"], in: journey)
        // As header names are where they came by HTTP/2.
        let text = result.output.replacing("\r\n", with: "\n").lowercased()
        return Answer(
            status: text.matches(of: /http\/[0-9.]+ (\d+)/).last.flatMap { Int($0.1) },
            reason: text.firstMatch(of: /\nx-reason: ([a-z-]+)/).map { String($0.1) }, text: text,
            errors: result.errors)
    }

    private func serve(_ setup: Setup, _ options: [String]) async throws -> Server {
        var settings: [String] = []
        if setup == .nginxOfManual {
            try write(Array(try Manual.block("\"send-104\"").utf8), toFile: journey.path("settings"))
            settings = ["--config", journey.path("settings")]
        }
        return try await Server(
            RunningCommand(
                Programs.path("satcheld"),
                [
                    "serve", "--listen", "127.0.0.1:0", "--storage", journey.storage, "--accept", "any",
                    "--ticket-keys", journey.path("keys"), "--ticket-audience", Self.audience,
                ] + settings + options, environment: journey.environment(server: nil)))
    }

    private func proxy(_ setup: Setup, before server: Server) async throws -> Proxy {
        if setup == .nginx { return try await .nginx(before: server, bodyLimit: "1g", in: journey) }
        let made = try await run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=media.example", "-addext", "subjectAltName=DNS:media.example", "-keyout", "media.key",
                "-out", "media.pem",
            ], in: journey.folder.path)
        #expect(made.status == 0, "\(made.errors)")
        let (certificate, key) = (journey.path("media.pem"), journey.path("media.key"))
        if setup == .nginxOfManual {
            return try await .nginx(in: journey) { socket in
                try Manual.block("proxy_pass")
                    .replacingOnly("listen 443", with: "listen unix:\(socket)")
                    .replacingOnly("/etc/ssl/media.example.pem", with: certificate)
                    .replacingOnly("/etc/ssl/media.example.key", with: key)
                    .replacingOnly("127.0.0.1:8080", with: "127.0.0.1:\(server.port)")
            }
        }
        let both = journey.path("both.pem")
        try write(try bytes(ofFile: certificate) + bytes(ofFile: key), toFile: both)
        return try await .haproxy(in: journey) { socket in
            try Manual.block("frontend")
                .replacingOnly("bind :443", with: "bind unix@\(socket)")
                .replacingOnly("/etc/ssl/media.example.pem", with: both)
                .replacingOnly("127.0.0.1:8080", with: "127.0.0.1:\(server.port)")
        }
    }
}

/// The examples of docs/operations.md.
enum Manual {
    struct Missing: Error { let what: String }

    private static func lines() throws -> [Substring] {
        let top = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let text = try String(contentsOf: top.appending(path: "docs/operations.md"), encoding: .utf8)
        return text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The last line of text before the indented block with `word` in it.
    static func announcement(_ word: String) throws -> Substring {
        let lines = try lines()
        guard let place = lines.firstIndex(where: { $0.hasPrefix("    ") && $0.contains(word) }),
            let line = lines[..<place].last(where: { !$0.hasPrefix("    ") && !$0.isEmpty })
        else { throw Missing(what: word) }
        return line
    }

    /// The indented block with `word` in it, as one would copy it.
    static func block(_ word: String) throws -> String {
        var blocks = [""]
        for line in try lines() {
            if line.hasPrefix("    ") {
                blocks[blocks.count - 1] += line.dropFirst(4) + "\n"
            } else if line.isEmpty {
                blocks[blocks.count - 1] += "\n"
            } else {
                blocks.append("")
            }
        }
        guard let block = blocks.first(where: { $0.contains(word) }) else { throw Missing(what: word) }
        return block
    }
}

extension String {
    /// With `new` in the one place where `old` stands.
    fileprivate func replacingOnly(_ old: String, with new: String) throws -> String {
        guard components(separatedBy: old).count == 2 else { throw Manual.Missing(what: old) }
        return replacing(old, with: new)
    }
}
