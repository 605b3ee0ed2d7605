import Blobs
import Files
import Glibc
import TestSupport
import Testing
import Transfer

@testable import MediaClient

@Suite
struct RulesTests {
    @Test(arguments: [
        ("https://media.example/a", HostPolicy.Verdict.allowed(requiresPublicAddress: false)),
        ("https://media.example:8443/a", .unknownHost),
        ("https://port.example:8443/a", .allowed(requiresPublicAddress: false)),
        ("https://port.example/a", .unknownHost),
        ("https://named.example/a", .allowed(requiresPublicAddress: true)),
        ("https://other.example/a", .unknownHost), ("https://evil-media.example/a", .unknownHost),
        ("https://media.example.evil/a", .unknownHost), ("http://media.example/a", .unprotected),
        ("http://127.0.0.1:8080/a", .allowed(requiresPublicAddress: false)),
        ("http://127.0.0.1:8081/a", .unknownHost),
        ("http://localhost:8080/a", .allowed(requiresPublicAddress: false)),
        ("http://[::1]:8080/a", .allowed(requiresPublicAddress: false)), ("http://localhost:8081/a", .unknownHost),
        ("http://127.0.0.2:8080/a", .unknownHost), ("https://127.0.0.1:8080/a", .unknownHost),
        ("http://169.254.169.254/a", .unprotected), ("https://169.254.169.254/a", .unknownHost),
    ])
    func `where a message may send us`(url: String, expected: HostPolicy.Verdict) throws {
        let policy = HostPolicy(
            configured: ["media.example", "port.example:8443", "http://127.0.0.1:8080"].compactMap { HostPattern($0) },
            named: [try #require(HostPattern("named.example"))])
        #expect(policy.verdict(on: try #require(WebURL(url)).origin) == expected)
    }

    @Test(arguments: ["", "a/b", "https://a/b", "a b", "a:0", "u@a", "*", "a:b", "ftp://a"])
    func `what is no host`(text: String) {
        #expect(HostPattern(text) == nil)
    }

    private static let name = String(repeating: "ab", count: 32)

    @Test(arguments: [
        ("https://cdn.example/\(name)", "https://cdn.example/\(name)"),
        ("/x/\(name)", "https://media.example/x/\(name)"),
        ("\(name).bin?sig=1", "https://media.example/a/\(name).bin?sig=1"),
        ("//cdn.example/\(name)#f", "https://cdn.example/\(name)"),
    ])
    func `redirects to the same file are followed`(location: String, expected: String) throws {
        #expect(try step(location) == .follow(try #require(WebURL(expected))))
    }

    @Test(arguments: [
        nil, "", "http://media.example/\(name)", "/", "/\(name)/", "/\(name)/x", "/\(name)x", "/open/\(name)/../y",
        "/../\(name)", "/%2e%2e/\(name)", "https://u@media.example/\(name)", "ftp://media.example/\(name)",
        "https://media.example\\@evil.example/\(name)", "/\(name.uppercased())",
    ])
    func `other redirects are not`(location: String?) throws {
        guard case .refuse = try step(location) else {
            Issue.record("followed")
            return
        }
    }

    private func step(_ location: String?) throws -> RedirectRule.Step {
        let url = try #require(WebURL("https://media.example/a/\(Self.name)"))
        let address: BlobAddress = try #require(BlobAddress(hex: Self.name))
        return RedirectRule(address: address).step(
            from: url, location: location, count: 1)
    }

    @Test func `a server's no is read strictly, and shown in our own words`() {
        let fields = [
            HTTPField("content-type", "application/problem+json; charset=utf-8"), HTTPField("retry-after", "9"),
        ]
        let body = #"{"type":"/problems/too-large","limit":100,"title":"<b>\u001b[31m"}"#
        let refusal = ServerProblem(HTTPResponse(status: 413, fields: fields, body: Array(body.utf8)), now: 0)
        #expect(refusal.code == "too-large" && refusal.limit == 100 && refusal.retryAfterSeconds == 9)
        #expect(refusal.description == "the file is too large; the limit is 100 bytes")
    }

    @Test(arguments: [
        "", "[]", "{", #"{"type":5}"#, #"{"type":"/problems/\u001b[31m"}"#, #"{"type":"/problems/UPPER"}"#,
    ])
    func `what a server should not say is left aside`(body: String) {
        let fields = [HTTPField("content-type", "application/problem+json")]
        let refusal = ServerProblem(HTTPResponse(status: 503, fields: fields, body: Array(body.utf8)), now: 0)
        #expect(refusal.code == nil)
        #expect(refusal.description == "server error (status 503)")
    }

    @Test(arguments: [
        (502, nil, true), (503, nil, true), (504, nil, true), (500, nil, false), (503, "unavailable", false),
        (504, "origin-unreachable", true), (502, "origin-failed", true), (403, "read-only", false),
    ])
    func `whoever stands before a server that it does not reach is not that server`(
        status: Int, code: String?, isAlone: Bool
    ) {
        let fields = code.map { [HTTPField("x-reason", $0)] } ?? []
        #expect(ServerProblem(HTTPResponse(status: status, fields: fields), now: 0).isOfProxyAlone == isAlone)
    }

    @Test(arguments: [(60, "60 s"), (121, "3 min"), (3600, "60 min"), (7201, "3 h")])
    func `a limit of today is told with its name and the time to wait, which is never shortened`(
        seconds: Int64, time: String
    ) {
        let fields = [HTTPField("content-type", "application/problem+json")]
        let body = #"{"type":"/problems/quota","limit_name":"leases of this subject","retry_after":\#(seconds)}"#
        let refusal = ServerProblem(HTTPResponse(status: 429, fields: fields, body: Array(body.utf8)), now: 0)
        #expect(refusal.description == "your quota is used up (leases of this subject); try again in \(time)")
        let odd = #"{"type":"/problems/quota","limit_name":"\u001b[31m"}"#
        #expect(
            ServerProblem(HTTPResponse(status: 429, fields: fields, body: Array(odd.utf8)), now: 0).description
                == "your quota is used up")
    }

    @Test(arguments: [
        (
            #"{"type":"/problems/lifetime-too-long","max":2592000}"#,
            "the lifetime is longer than 30d; use --lifetime 30d"
        ),
        (#"{"type":"/problems/lifetime-too-long"}"#, "the lifetime is too long"),
        (
            #"{"type":"/problems/ticket-invalid","detail":"The ticket was rejected: it has expired (exp)."}"#,
            "the ticket is not accepted: it has expired (exp)"
        ),
        (#"{"type":"/problems/ticket-invalid"}"#, "the ticket is invalid or has expired"),
        (#"{"type":"/problems/ticket-invalid","detail":"\u001b[31m"}"#, "the ticket is invalid or has expired"),
        (
            #"{"type":"/problems/ticket-too-small","limit_name":"max_size","limit":1000}"#,
            "the ticket does not permit this: its max_size is 1000 bytes"
        ),
        (
            #"{"type":"/problems/ticket-too-small","limit_name":"max_lifetime","limit":86400}"#,
            "the ticket does not permit this: its max_lifetime is 1d"
        ),
        (
            #"{"type":"/problems/ticket-too-small","limit_name":"recipients","limit":5}"#,
            "the ticket does not permit this: its recipients is 5"
        ),
        (
            #"{"type":"/problems/ticket-too-small","limit_name":"sha256"}"#,
            "the ticket does not permit this: its sha256 claim is another"
        ),
        (#"{"type":"/problems/ticket-too-small"}"#, "the ticket does not permit this"),
        (
            #"{"type":"/problems/bad-field","detail":"Satchel-Lifetime must be a number of seconds, at least 1."}"#,
            "it does not understand the request: Satchel-Lifetime must be a number of seconds, at least 1"
        ),
    ])
    func `a refusal says what the server said of it`(body: String, expected: String) {
        let fields = [HTTPField("content-type", "application/problem+json")]
        let refusal = ServerProblem(HTTPResponse(status: 403, fields: fields, body: Array(body.utf8)), now: 0)
        #expect(refusal.description == expected)
    }

    @Test func `what HEAD cannot say in a body is in its fields`() {
        func told(_ fields: [(String, String)]) -> String {
            ServerProblem(HTTPResponse(status: 403, fields: fields.map { HTTPField($0, $1) }), now: 0).description
        }
        #expect(
            told([("x-reason", "lifetime-too-long"), ("x-limit", "86400")])
                == "the lifetime is longer than 1d; use --lifetime 1d")
        #expect(
            told([("x-reason", "ticket-too-small"), ("x-limit", "7"), ("x-limit-name", "max_size")])
                == "the ticket does not permit this: its max_size is 7 bytes")
        let challenge = #"Bearer error="invalid_token", error_description="it is for another audience (aud)""#
        #expect(
            told([("x-reason", "ticket-invalid"), ("www-authenticate", challenge)])
                == "the ticket is not accepted: it is for another audience (aud)")
        #expect(
            told([("x-reason", "quota"), ("x-limit-name", "leases of this subject")])
                == "your quota is used up (leases of this subject)")
    }

    @Test(arguments: [
        ("https://media.example", "use --from media.example"),
        ("http://127.0.0.1:8080", "SATCHEL_SERVER=http://127.0.0.1:8080"),
        ("https://10.0.0.5", "SATCHEL_SERVER=https://10.0.0.5"),
        ("https://nas.local", "SATCHEL_SERVER=https://nas.local"),
    ])
    func `the way to a host that is not configured is one that works`(url: String, way: String) throws {
        let sentence = MediaClientError.hostNotAllowed(try #require(WebURL(url)).origin).description
        #expect(sentence.contains(way) && sentence.contains("--from") == way.contains("--from"))
    }

    @Test func `HEAD has only X-Reason, and that is enough`() {
        let refusal = ServerProblem(
            HTTPResponse(status: 401, fields: [HTTPField("x-reason", "ticket-invalid")]), now: 0)
        #expect(refusal.code == "ticket-invalid")
    }

    @Test(arguments: [
        ("https://h/\(name)", name, "5", true), ("https://h/\(String(name.reversed()))", name, "5", false),
        ("https://h/\(name)?x", name, "5", false), ("https://h/\(name)", name, "-5", false),
        ("https://h/\(name)", name, "5.0", false), ("https://h/\(name)", "x", "5", false),
    ])
    func `a description of a blob must name the same blob throughout`(
        url: String, address: String, size: String, isRead: Bool
    ) {
        let body = #"{"url":"\#(url)","sha256":"\#(address)","size":\#(size),"expires":9}"#
        let fields = [HTTPField("content-type", "application/json")]
        let descriptor = RemoteBlob(HTTPResponse(status: 201, fields: fields, body: Array(body.utf8)))
        #expect((descriptor != nil) == isRead)
    }
}

@Suite
struct StateTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: [true, false])
    func `a file in the making has no name, or loses it with its maker`(allowsUnnamed: Bool) throws {
        do {
            let file = try TemporaryFile(in: folder.path, allowsUnnamed: allowsUnnamed)
            try file.file.write([1, 2, 3])
            #expect(try Folder.names(in: folder.path).count == (allowsUnnamed ? 0 : 1))
        }
        #expect(try Folder.names(in: folder.path).isEmpty)
    }

    @Test(arguments: [true, false])
    func `publishing replaces nothing unless it is told to`(allowsUnnamed: Bool) throws {
        let path = folder.path("target")
        for (content, replacing) in [(1, false), (2, true)] as [(UInt8, Bool)] {
            let file = try TemporaryFile(in: folder.path, allowsUnnamed: allowsUnnamed)
            try file.file.write([content])
            try file.publish(as: path, replacing: replacing)
            #expect(try bytes(ofFile: path) == [content])
        }
        let late = try TemporaryFile(in: folder.path, allowsUnnamed: allowsUnnamed)
        let error = #expect(throws: FileError.self) { try late.publish(as: path, replacing: false) }
        #expect(error?.isExistence == true)
        #expect(try bytes(ofFile: path) == [2])
        _ = consume late
        #expect(try Folder.names(in: folder.path) == ["target"])
    }

    @Test func `a line that a crash cut short spoils no other`() throws {
        let log = SentLog(path: folder.path("sent.jsonl"))
        let sending = try Self.sending()
        try write(Array("{\"v\":1,\"eve".utf8), toFile: log.path)
        try log.record(sending)
        try log.record(.sent(expires: nil), of: sending, at: 2)
        let lines = String(decoding: try bytes(ofFile: log.path), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[1].hasPrefix("{\"v\":1,\"event\":\"sending\",\"at\":1,") && lines[1].hasSuffix("}"))
        #expect(lines[2].hasPrefix("{\"v\":1,\"event\":\"sent\",\"at\":2,") && lines[2].hasSuffix("}"))
        #expect(try log.leases().map(\.isSent) == [true])
    }

    @Test func `the log is read as it was written: leases in order, each with what was last heard of it`() throws {
        let log = SentLog(path: folder.path("sent.jsonl"))
        #expect(try log.leases().isEmpty)
        let sendings = try (0..<3).map { _ in try Self.sending() }
        for sending in sendings { try log.record(sending) }
        try log.record(.sent(expires: Timestamp(seconds: 9)), of: sendings[0], at: 2)
        try log.record(.renewed(expires: Timestamp(seconds: 99)), of: sendings[0], at: 3)
        try log.record(.sent(expires: Timestamp(seconds: 9)), of: sendings[1], at: 2)
        try log.record(.ended(.delivered, received: 4), of: sendings[1], at: 5)
        let leases = try log.leases()
        #expect(leases.map(\.owner.bytes) == sendings.map(\.owner.bytes))
        #expect(leases.map(\.isSent) == [true, true, false])
        #expect(leases[0].expires?.seconds == 99 && leases[0].end == nil)
        #expect(leases[1].end == LeaseEnd(reason: .delivered, at: Timestamp(seconds: 5), received: 4))
        #expect(
            leases[2].header == sendings[2].header
                && leases[2].receipts.map(\.bytes) == sendings[2].receipts.map(\.bytes))
    }

    @Test
    func `pruning forgets whole leases, keeps every other line, and whoever waited for the log writes to the new one`()
        throws
    {
        let log = SentLog(path: folder.path("sent.jsonl"))
        let sendings = try (0..<3).map { _ in try Self.sending() }
        for sending in sendings {
            try log.record(sending)
            try log.record(.sent(expires: Timestamp(seconds: 9)), of: sending, at: 2)
        }
        let gone = sendings[1].owner.bytes
        #expect(try log.prune { $0.owner.bytes == gone } == 1)
        #expect(try log.prune { $0.owner.bytes == gone } == 0)
        #expect(try log.lines().count == 4)
        #expect(try log.leases().map(\.owner.bytes) == [sendings[0].owner.bytes, sendings[2].owner.bytes])
        try log.record(.ended(.revoked, received: 0), of: sendings[0], at: 3)
        #expect(try log.leases()[0].end?.reason == .revoked)
        #expect(try Folder.status(log.path)?.permissions == 0o600)
        #expect(try Folder.names(in: folder.path) == ["sent.jsonl"])
    }

    @Test(arguments: ["", "{", "[]", #"{"v":2,"event":"sending"}"#, #"{"v":1,"event":"sending","owner":"short"}"#])
    func `lines of another kind are left aside`(line: String) throws {
        let log = SentLog(path: folder.path("sent.jsonl"))
        try write(Array("\(line)\n".utf8), toFile: log.path)
        try log.record(try Self.sending())
        #expect(try log.leases().count == 1)
        #expect(try log.lines().count == 1)
    }

    private static func sending() throws -> LeaseRequest {
        LeaseRequest(
            at: Timestamp(seconds: 1), server: try #require(WebURL("https://h/")),
            address: try #require(BlobAddress(bytes: Secret.random().bytes + Secret.random().bytes)), size: 5,
            owner: .random(), receipts: [.random(), .random()], header: noise(64), padding: "none")
    }
}

extension SentLog {
    func record(_ event: Event, of sending: LeaseRequest, at seconds: Int64) throws {
        try record(
            event, at: Timestamp(seconds: seconds), server: sending.server, address: sending.address,
            owner: sending.owner)
    }
}

func makeReadableByOthers(_ path: String) throws {
    try OpenFile(path, .update).setPermissions(0o644)
}
