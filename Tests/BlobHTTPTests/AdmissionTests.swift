import BlobHTTP
import Blobs
import HTTPTypes
import Store
import Testing

@Suite struct UploadFieldsTests {
    private let hash = Secret.random().hash.base64url
    private let hex = BlobHasher().address().hex
    private let digest = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"

    private func announcement(_ fields: HTTPFields) throws(Problem) -> UploadAnnouncement {
        var fields = fields
        if fields[.contentLength] == nil { fields[.contentLength] = "100" }
        return try UploadAnnouncement(put: fields, subject: "test")
    }

    @Test func `every field is read into its place`() throws {
        let other = Secret.random().hash.base64url
        let announcement = try announcement([
            .satchelLifetime: "3600", .satchelRecipients: "2", .satchelOwner: hash,
            .satchelReceipt: "\(hash), \(other)", .xSHA256: hex, .reprDigest: "sha-512=:AAAA:, \(digest)",
        ])
        #expect(announcement.size == 100)
        #expect(announcement.address?.hex == hex)
        #expect(announcement.terms.lifetime?.seconds == 3600)
        #expect(announcement.terms.recipients == 2)
        #expect(announcement.terms.owner?.base64url == hash)
        #expect(announcement.terms.receipts.map(\.base64url) == [hash, other])
        #expect(announcement.terms.subject == "test")
    }

    @Test func `nothing is a must but the length`() throws {
        let announcement = try announcement([:])
        #expect(announcement.address == nil && announcement.terms.owner == nil && announcement.terms.lifetime == nil)
        #expect(throws: Problem(.lengthRequired)) { try UploadAnnouncement(put: [:], subject: "") }
        #expect(try UploadAnnouncement(head: [:], subject: "").size == nil)
    }

    @Test(arguments: [
        ("Satchel-Lifetime", "0"), ("Satchel-Lifetime", "-1"), ("Satchel-Lifetime", "1.5"),
        ("Satchel-Lifetime", "30d"), ("Satchel-Lifetime", ""), ("Satchel-Lifetime", "1, 2"),
        ("Satchel-Recipients", "0"), ("Satchel-Recipients", "1025"), ("Satchel-Recipients", "many"),
        ("Satchel-Recipients", "99999999999999999999999"),
        ("Satchel-Owner", "short"), ("Satchel-Owner", String(repeating: "=", count: 43)),
        ("Satchel-Owner", String(repeating: "A", count: 42) + "B"),  // spare bits that are not zero
        ("Satchel-Receipt", ""), ("Satchel-Receipt", ","), ("Satchel-Receipt", "x"),
        ("Satchel-Receipt", Array(repeating: String(repeating: "A", count: 43), count: 2).joined(separator: ",")),
        (
            "Satchel-Receipt",
            Array(repeating: String(repeating: "A", count: 43), count: 257).joined(separator: ",")
        ),
        ("X-SHA-256", "abc"), ("X-SHA-256", String(repeating: "A", count: 64)),
        ("Repr-Digest", "sha-256=abc"), ("Repr-Digest", "sha-256=:AAAA:"), ("Repr-Digest", "sha-256"),
        ("Repr-Digest", "sha-256=::"), ("Repr-Digest", ","), ("Repr-Digest", "sha-256=:"),
        ("Content-Length", "ten"), ("Content-Length", "-1"), ("Content-Range", "bytes 0-1/2"),
    ])
    func `a malformed field is refused by its name`(name: String, value: String) throws {
        let name = try #require(HTTPField.Name(name))
        let problem = #expect(throws: Problem.self) { _ = try announcement([name: value]) }
        #expect(problem?.code == .badField)
        #expect(problem?.detail?.hasPrefix(name.rawName) == true)
        if value.count > 9 { #expect(problem?.detail?.contains(value) == false) }
    }

    @Test(
        arguments: [
            (0, nil, true), (0, 3, true), (1, nil, true), (1, 1, true), (1, 1024, true), (2, nil, true), (2, 2, true),
            (2, 1, false), (2, 3, false), (256, 256, true), (256, 255, false),
        ] as [(Int, Int?, Bool)])
    func `receipt hashes are one for all, or one for each recipient`(count: Int, recipients: Int?, isFine: Bool) throws
    {
        var fields: HTTPFields = [:]
        if count > 0 {
            let hashes = (0..<count).map { _ in Secret.random().hash.base64url }
            fields[.satchelReceipt] = hashes.joined(separator: ",")
        }
        if let recipients { fields[.satchelRecipients] = "\(recipients)" }
        do {
            #expect(try LeaseTerms(fields, subject: "s").receipts.count == count && isFine)
        } catch {
            #expect(error.code == .badField && error.detail?.hasPrefix("Satchel-Receipt") == true && !isFine)
        }
    }

    @Test func `renewing changes the end and nothing else`() throws {
        #expect(try ([.satchelLifetime: "60"] as HTTPFields).renewal()?.seconds == 60)
        #expect(try ([:] as HTTPFields).renewal() == nil)
        for name in [HTTPField.Name.satchelRecipients, .satchelOwner, .satchelReceipt] {
            #expect(#expect(throws: Problem.self) { try ([name: hash] as HTTPFields).renewal() }?.code == .badField)
        }
        #expect(throws: Problem.self) { try ([.satchelLifetime: "0"] as HTTPFields).renewal() }
    }

    @Test func `numbers too large to count are the largest there is, and left to the store's limits`() throws {
        let announcement = try announcement([
            .contentLength: "99999999999999999999999", .satchelLifetime: "99999999999999999999999",
        ])
        #expect(announcement.size == .max)
        #expect(announcement.terms.lifetime?.seconds == .max)
    }

    @Test func `two digests that differ are refused`() {
        let other = String(repeating: "0", count: 64)
        #expect(throws: Problem.self) { _ = try announcement([.xSHA256: other, .reprDigest: digest]) }
    }

    @Test func `a secret is 22 characters, and its absence is told`() throws {
        let secret = Secret.random()
        #expect(try ([.satchelSecret: secret.base64url] as HTTPFields).secret().bytes == secret.bytes)
        #expect(#expect(throws: Problem.self) { try ([:] as HTTPFields).secret() }?.code == .wrongSecret)
        #expect(
            #expect(throws: Problem.self) { try ([.satchelSecret: "x"] as HTTPFields).secret() }?.code == .badField)
    }
}

@Suite struct WriteAdmissionTests {
    private func validate(host: String?, _ fields: HTTPFields = [:], listening: String = "127.0.0.1") throws(Problem) {
        let own = PublicURL("http://media.example:8080") ?? PublicURL(listeningAt: Authority(host: "", port: nil))
        try AnonymousWritePolicy(listening: Authority(host: listening, port: 80))
            .validate(host: host, fields: fields, own: own)
    }

    @Test(arguments: [
        "127.0.0.1:8080", "127.0.0.1", "localhost:8080", "LOCALHOST", "127.255.0.3:1", "[::1]:8080", "[::1]",
        "[::ffff:127.0.0.1]:80", "media.example", "Media.Example:443",
    ])
    func `what names this machine, or the public URL, may write, whatever it came through`(host: String) throws {
        try validate(host: host)
        let proxied: HTTPFields = [.forwarded: "for=1.2.3.4", .xForwardedFor: "1.2.3.4", .via: "1.1 proxy"]
        try validate(host: host, proxied)
        try validate(host: host, [.origin: "http://media.example:8080"])
    }

    @Test(
        arguments: [
            nil, "", "example.com", "127.0.0.1.example.com", "localhost.example.com", "128.0.0.1", "[::2]", "127.1",
            "0.0.0.0", "127.0.0.256", "127.0.0.1:99999", "127.0.0.1:x", "[::1", "::1", "media.example.com",
        ] as [String?])
    func `on loopback no other Host may`(host: String?) throws {
        #expect(#expect(throws: Problem.self) { try validate(host: host) }?.code == .ticketMissing)
        try validate(host: host, listening: "0.0.0.0")
    }

    @Test(arguments: ["http://example.com", "null", "http://localhost:8080", "https://media.example:8080"])
    func `on loopback no page of another origin may`(origin: String) throws {
        #expect(throws: Problem.self) { try validate(host: "127.0.0.1:8080", [.origin: origin]) }
        try validate(host: "127.0.0.1:8080", [.origin: origin], listening: "192.0.2.1")
    }

    @Test(arguments: ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LocalHost"])
    func `on loopback the server's own page may, by whatever name it was asked for`(host: String) throws {
        try validate(host: host, [.origin: "http://\(host.lowercased())"])
        #expect(throws: Problem.self) { try validate(host: host, [.origin: "http://localhost:8081"]) }
        // By a name that is not this machine's, it is only that of the public URL.
        #expect(throws: Problem.self) { try validate(host: "media.example", [.origin: "http://media.example"]) }
    }

    @Test(
        arguments: [
            ("127.0.0.1", nil, true), ("::1", nil, true), ("localhost", nil, true),
            ("0.0.0.0", nil, false), ("::", nil, false), ("192.168.1.2", nil, false),
            ("127.0.0.1", "https://media.example", false), ("127.0.0.1", "http://127.0.0.1:9", true),
        ] as [(String, String?, Bool)])
    func `a server that others can reach does not start with its local ticket alone`(
        host: String, url: String?, isFine: Bool
    ) {
        let refusal = LocalTicketMode.refusal(
            listening: Authority(host: host, port: 80), publicURL: url.flatMap { PublicURL($0) })
        #expect((refusal == nil) == isFine)
        for remedy in ["--ticket-keys", "--slot-secrets", "--allow-anonymous-uploads"] {
            #expect(refusal?.contains(remedy) ?? true, "\(remedy)")
        }
        #expect(refusal?.contains("leave --public-url out") ?? false == (url == "https://media.example"))
    }
}

@Suite struct NamesTests {
    private static let hex = String(repeating: "a1", count: 32)

    @Test(
        arguments: [
            ("/\(hex)", "blob"), ("/\(hex).jpg", "blob"), ("/\(hex)?download=1", "blob"), ("/\(hex)/lease", "lease"),
            ("/upload", "upload"), ("/quota", "quota"), ("/open/\(hex)", "page"), ("/open/\(hex)?x", "page"),
            ("/open/video.js", "page"), ("/send", "page"), ("/send?x", "page"), ("/healthz", "health"),
            ("/readyz", "readiness"),
            ("*", "server"), ("/changes", "changes"), ("/changes?after=x", "changes"), ("/changes/", nil),
            ("/", nil), ("", nil), ("//", nil), ("/\(hex)/", nil), ("/\(hex).", nil), ("/\(hex).a-b", nil),
            ("/\(hex).aaaaaaaaaaaaaaaaa", nil), ("/\(hex).tar.gz", nil), ("/\(hex.uppercased())", nil),
            ("/\(hex)0", nil), ("/\(hex.dropLast())", nil), ("/%61\(hex.dropFirst())", nil), ("/open/x", "page"),
            ("/open/", "page"), ("/open/video.mjs", "page"), ("/open/\(hex)/", "page"), ("/open/stream/1", "page"),
            ("/send/", nil),
            ("/video.js", nil), ("/Send", nil),
            ("/open", "page"), ("/lease", nil), ("/upload/", "upload"), ("/upload//", nil), ("/\(hex).jpg/lease", nil),
            ("upload", nil),
            ("/../\(hex)", nil), ("/uploads", "uploads"), ("/uploads/\(hex.prefix(32))", "resumable"),
            ("/uploads/", "uploads"), ("/uploads//", nil), ("/files", "uploads"),
            ("/uploads/\(hex.prefix(31))", nil), ("/uploads/\(hex.prefix(33))", nil),
            ("/uploads/\(hex.prefix(32))/x", nil),
            ("/\(hex)/leases", "leases"), ("/\(hex)/receipts/AAAAAAAAAAAAAAAAAAAAAA", "receipt"),
            ("/\(hex)/receipts", nil), ("/\(hex)/receipts/", nil), ("/\(hex)/receipts/AAAAAAAAAAAAAAAAAAAAA", nil),
            ("/\(hex)/receipts/AAAAAAAAAAAAAAAAAAAAAB", nil),  // spare bits that are not zero
            ("/\(hex)/receipts/AAAAAAAAAAAAAAAAAAAAAA/x", nil), ("/x/receipts/AAAAAAAAAAAAAAAAAAAAAA", nil),
            ("/\(hex)/lease/AAAAAAAAAAAAAAAAAAAAAA", nil), ("/\(hex).jpg/leases", nil), ("/x/leases", nil),
        ] as [(String, String?)])
    func `a path names one thing or nothing`(target: String, expected: String?) {
        let name = Route(target: target).map { "\($0)".prefix { $0 != "(" } }
        #expect(name.map(String.init) == expected)
    }

    @Test(arguments: [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://Media.Example/", "https://media.example", "https://media.example"),
        ("https://media.example:443/a/b/", "https://media.example", "https://media.example/a/b"),
        ("HTTP://[::1]:80", "http://[::1]", "http://[::1]"),
    ])
    func `a public URL is scheme, host, port and perhaps a path`(text: String, origin: String, whole: String) {
        #expect(PublicURL(text)?.origin == origin)
        #expect(PublicURL(text)?.description == whole)
    }

    @Test(arguments: [
        "", "media.example", "ftp://media.example", "http://", "http://a b", "http://user@host", "http://h?q",
        "http://h#f", "http://h:70000", "http://h:x",
    ])
    func `anything else is no public URL`(text: String) {
        #expect(PublicURL(text) == nil)
    }

    @Test(
        arguments: [
            ([192, 0, 2, 77], "192.0.2.0/24", "address:192.0.2.77"),
            ([UInt8](repeating: 0, count: 10) + [0xff, 0xff, 192, 0, 2, 77], "192.0.2.0/24", "address:192.0.2.77"),
            (
                [0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78] + [UInt8](repeating: 9, count: 8),
                "2001:db8:1234::/48", "address:2001:db8:1234:5678::/64"
            ),
            ([], "local", "address:local"),
        ] as [([UInt8], String, String)])
    func `addresses are shortened for logs and grouped for charging`(
        bytes: [UInt8], abbreviated: String, subject: String
    ) {
        #expect(ClientAddress(bytes: bytes).abbreviated == abbreviated)
        #expect(ClientAddress(bytes: bytes).subject == subject)
    }

    @Test func `every code has a status, a title and a reason of its own`() {
        for code in Problem.Code.allCases {
            let problem = Problem(code, detail: "Because.", limit: 5)
            #expect(code.status.code >= 400 && !code.title.isEmpty)
            #expect(problem.answerFields[.cacheControl] == "no-store")
            #expect(problem.answerFields[.xReason] == code.rawValue)
            let text = String(decoding: problem.body, as: UTF8.self)
            let registered = [
                Problem.Code.wrongOffset: "mismatching-upload-offset", .wrongLength: "inconsistent-upload-length",
                .uploadComplete: "completed-upload",
            ]
            let type =
                registered[code].map { "https://iana.org/assignments/http-problem-types#\($0)" }
                ?? "/problems/\(code.rawValue)"
            #expect(text.contains("\"type\":\"\(type)\""))
            #expect(text.contains("\"status\":\(code.status.code)"))
        }
    }

    @Test func `what a store throws gets its status`() {
        let address = BlobHasher().address()
        let table: [(StoreError, Int)] = [
            (.tooLarge(limitBytes: 1), 413), (.notSealed, 415), (.lengthMismatch(announced: 1, received: 2), 400),
            (.digestMismatch(announced: address, actual: address), 409), (.lifetimeTooLong(limit: .days(1)), 400),
            (.sizeNotEntitled(limitBytes: 1), 403), (.lifetimeNotEntitled(limit: .days(1)), 403),
            (.leaseEnded(.revoked), 410), (.notFound, 404), (.gone(.expired), 410), (.damaged, 404),
            (.wrongSecret, 403), (.wrongSubject, 403), (.banned, 403), (.busy(limit: "x", retryAfterSeconds: 9), 429),
            (.diskFull, 507),
            (.unavailable("x"), 503), (.outcomeUnknown, 503), (.io("secret path"), 503),
        ]
        for (error, status) in table {
            let problem = Problem(storeError: error)
            #expect(problem.status.code == status)
            #expect((problem.answerFields[.retryAfter] != nil) == [429, 503].contains(status))
        }
        #expect(!String(decoding: Problem(storeError: .io("secret path")).body, as: UTF8.self).contains("secret"))
    }
}

@Suite struct CrossOriginTests {
    private let own = "http://127.0.0.1:8080"

    @Test func `any page reads; only the server's own writes without tickets, any with them`() {
        let anonymous = CrossOrigin(writers: .only(origin: own))
        let ticketed = CrossOrigin(writers: .anyOrigin)
        #expect(anonymous.fields(for: .read, origin: "http://x.example")[.accessControlAllowOrigin] == "*")
        #expect(anonymous.fields(for: .write, origin: "http://x.example")[.accessControlAllowOrigin] == nil)
        #expect(anonymous.fields(for: .write, origin: nil)[.accessControlAllowOrigin] == nil)
        #expect(anonymous.fields(for: .write, origin: own)[.accessControlAllowOrigin] == own)
        #expect(anonymous.fields(for: .write, origin: own)[.vary] == "Origin")
        #expect(ticketed.fields(for: .write, origin: "http://x.example")[.accessControlAllowOrigin] == "*")
    }

    @Test func `a preflight names methods and fields, or nothing for a page that may not`() {
        let anonymous = CrossOrigin(writers: .only(origin: own))
        let read = anonymous.preflightFields(for: .read, origin: "http://x.example", methods: [.get, .head])
        #expect(read[.accessControlAllowMethods] == "GET, HEAD")
        #expect(read[.accessControlAllowHeaders] == "Range, If-Range, If-None-Match, If-Match")
        #expect(read[.accessControlMaxAge] == "86400")
        let write = anonymous.preflightFields(for: .write, origin: own, methods: [.put])
        #expect(write[.accessControlAllowHeaders]?.contains("Satchel-Owner") == true)
        let stranger = anonymous.preflightFields(for: .write, origin: "http://x.example", methods: [.put])
        #expect(stranger[.accessControlAllowMethods] == nil && stranger[.vary] == "Origin")
    }
}
