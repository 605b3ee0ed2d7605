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
        return try UploadFields.announcement(put: fields, subject: "test")
    }

    @Test("Every field is read into its place")
    func all() throws {
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

    @Test("Nothing is a must but the length")
    func minimal() throws {
        let announcement = try announcement([:])
        #expect(announcement.address == nil && announcement.terms.owner == nil && announcement.terms.lifetime == nil)
        #expect(throws: Problem(.lengthRequired)) { try UploadFields.announcement(put: [:], subject: "") }
        #expect(try UploadFields.announcement(head: [:], subject: "").size == nil)
    }

    @Test(
        "A malformed field is refused by its name",
        arguments: [
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
    func malformed(name: String, value: String) throws {
        let name = try #require(HTTPField.Name(name))
        let problem = #expect(throws: Problem.self) { _ = try announcement([name: value]) }
        #expect(problem?.code == .badField)
        #expect(problem?.detail?.hasPrefix(name.rawName) == true)
        if value.count > 9 { #expect(problem?.detail?.contains(value) == false) }
    }

    @Test(
        "Receipt hashes are one for all, or one for each recipient",
        arguments: [
            (0, nil, true), (0, 3, true), (1, nil, true), (1, 1, true), (1, 1024, true), (2, nil, true), (2, 2, true),
            (2, 1, false), (2, 3, false), (256, 256, true), (256, 255, false),
        ] as [(Int, Int?, Bool)])
    func receiptHashes(count: Int, recipients: Int?, isFine: Bool) throws {
        var fields: HTTPFields = [:]
        if count > 0 {
            let hashes = (0..<count).map { _ in Secret.random().hash.base64url }
            fields[.satchelReceipt] = hashes.joined(separator: ",")
        }
        if let recipients { fields[.satchelRecipients] = "\(recipients)" }
        do {
            #expect(try UploadFields.terms(fields, subject: "s").receipts.count == count && isFine)
        } catch {
            #expect(error.code == .badField && error.detail?.hasPrefix("Satchel-Receipt") == true && !isFine)
        }
    }

    @Test("Renewing changes the end and nothing else")
    func renewal() throws {
        #expect(try UploadFields.renewal([.satchelLifetime: "60"])?.seconds == 60)
        #expect(try UploadFields.renewal([:]) == nil)
        for name in [HTTPField.Name.satchelRecipients, .satchelOwner, .satchelReceipt] {
            #expect(#expect(throws: Problem.self) { try UploadFields.renewal([name: hash]) }?.code == .badField)
        }
        #expect(throws: Problem.self) { try UploadFields.renewal([.satchelLifetime: "0"]) }
    }

    @Test("Numbers too large to count are the largest there is, and left to the store's limits")
    func saturation() throws {
        let announcement = try announcement([
            .contentLength: "99999999999999999999999", .satchelLifetime: "99999999999999999999999",
        ])
        #expect(announcement.size == .max)
        #expect(announcement.terms.lifetime?.seconds == .max)
    }

    @Test("Two digests that differ are refused")
    func contradiction() {
        let other = String(repeating: "0", count: 64)
        #expect(throws: Problem.self) { _ = try announcement([.xSHA256: other, .reprDigest: digest]) }
    }

    @Test("A secret is 22 characters, and its absence is told")
    func secrets() throws {
        let secret = Secret.random()
        #expect(try UploadFields.secret([.satchelSecret: secret.base64url]).bytes == secret.bytes)
        #expect(#expect(throws: Problem.self) { try UploadFields.secret([:]) }?.code == .wrongSecret)
        #expect(
            #expect(throws: Problem.self) { try UploadFields.secret([.satchelSecret: "x"]) }?.code == .badField)
    }
}

@Suite struct WriteAdmissionTests {
    private func validate(host: String?, _ fields: HTTPFields = [:], allowsAnyone: Bool = false) throws(Problem) {
        let own = PublicURL(listeningAt: Authority(host: "127.0.0.1", port: 8080))
        try AnonymousWritePolicy(allowsAnyone: allowsAnyone).validate(host: host, fields: fields, own: own)
    }

    @Test(
        "Programs on this machine may write",
        arguments: [
            "127.0.0.1:8080", "127.0.0.1", "localhost:8080", "LOCALHOST", "127.255.0.3:1", "[::1]:8080", "[::1]",
            "[::ffff:127.0.0.1]:80",
        ])
    func loopback(host: String) throws {
        try validate(host: host)
        try validate(host: host, [.origin: "http://127.0.0.1:8080"])
    }

    @Test(
        "A Host that is not this machine may not",
        arguments: [
            nil, "", "example.com", "127.0.0.1.example.com", "localhost.example.com", "128.0.0.1", "[::2]", "127.1",
            "0.0.0.0", "127.0.0.256", "127.0.0.1:99999", "127.0.0.1:x", "[::1", "::1",
        ] as [String?])
    func strangers(host: String?) {
        #expect(#expect(throws: Problem.self) { try validate(host: host) }?.code == .ticketMissing)
    }

    @Test(
        "Nor may what came through a proxy, or from a page of another origin",
        arguments: [
            (HTTPField.Name.forwarded, "for=1.2.3.4"), (.xForwardedFor, ""), (.via, "1.1 proxy"),
            (.origin, "http://example.com"), (.origin, "null"), (.origin, "http://localhost:8080"),
            (.origin, "https://127.0.0.1:8080"),
        ])
    func others(name: HTTPField.Name, value: String) throws {
        #expect(throws: Problem.self) { try validate(host: "127.0.0.1:8080", [name: value]) }
        try validate(host: "example.com", [name: value], allowsAnyone: true)
    }

    @Test(
        "A server that others can reach does not start without keys or a plain word",
        arguments: [
            ("127.0.0.1", nil, true), ("::1", nil, true), ("localhost", nil, true),
            ("0.0.0.0", nil, false), ("::", nil, false), ("192.168.1.2", nil, false),
            ("127.0.0.1", "https://media.example", false), ("127.0.0.1", "http://127.0.0.1:9", true),
        ] as [(String, String?, Bool)])
    func start(host: String, url: String?, isFine: Bool) {
        let listening = Authority(host: host, port: 80)
        let publicURL = url.flatMap { PublicURL($0) }
        func refusal(hasKeys: Bool = false, allowsAnyone: Bool = false) -> String? {
            AnonymousMode.refusal(
                listening: listening, publicURL: publicURL, hasKeys: hasKeys, allowsAnyone: allowsAnyone)
        }
        #expect((refusal() == nil) == isFine)
        #expect(refusal().map { $0.contains("--ticket-keys") && $0.contains("--allow-anonymous-uploads") } ?? true)
        #expect(refusal(hasKeys: true) == nil)
        #expect(refusal(allowsAnyone: true) == nil)
    }
}

@Suite struct NamesTests {
    private static let hex = String(repeating: "a1", count: 32)

    @Test(
        "A path names one thing or nothing",
        arguments: [
            ("/\(hex)", "blob"), ("/\(hex).jpg", "blob"), ("/\(hex)?download=1", "blob"), ("/\(hex)/lease", "lease"),
            ("/upload", "upload"), ("/quota", "quota"), ("/open/\(hex)", "openPage"), ("/healthz", "health"),
            ("/readyz", "readiness"),
            ("*", "server"),
            ("/", nil), ("", nil), ("//", nil), ("/\(hex)/", nil), ("/\(hex).", nil), ("/\(hex).a-b", nil),
            ("/\(hex).aaaaaaaaaaaaaaaaa", nil), ("/\(hex).tar.gz", nil), ("/\(hex.uppercased())", nil),
            ("/\(hex)0", nil), ("/\(hex.dropLast())", nil), ("/%61\(hex.dropFirst())", nil), ("/open/x", nil),
            ("/open", nil), ("/lease", nil), ("/upload/", nil), ("/\(hex).jpg/lease", nil), ("upload", nil),
            ("/../\(hex)", nil), ("/uploads", "uploads"), ("/uploads/\(hex.prefix(32))", "resumable"),
            ("/uploads/", nil),
            ("/uploads/\(hex.prefix(31))", nil), ("/uploads/\(hex.prefix(33))", nil),
            ("/uploads/\(hex.prefix(32))/x", nil),
            ("/\(hex)/leases", "leases"), ("/\(hex)/receipts/AAAAAAAAAAAAAAAAAAAAAA", "receipt"),
            ("/\(hex)/receipts", nil), ("/\(hex)/receipts/", nil), ("/\(hex)/receipts/AAAAAAAAAAAAAAAAAAAAA", nil),
            ("/\(hex)/receipts/AAAAAAAAAAAAAAAAAAAAAB", nil),  // spare bits that are not zero
            ("/\(hex)/receipts/AAAAAAAAAAAAAAAAAAAAAA/x", nil), ("/x/receipts/AAAAAAAAAAAAAAAAAAAAAA", nil),
            ("/\(hex)/lease/AAAAAAAAAAAAAAAAAAAAAA", nil), ("/\(hex).jpg/leases", nil), ("/x/leases", nil),
        ] as [(String, String?)])
    func routes(target: String, expected: String?) {
        let name = Route(target: target).map { "\($0)".prefix { $0 != "(" } }
        #expect(name.map(String.init) == expected)
    }

    @Test(
        "A public URL is scheme, host, port and perhaps a path",
        arguments: [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://Media.Example/", "https://media.example", "https://media.example"),
            ("https://media.example:443/a/b/", "https://media.example", "https://media.example/a/b"),
            ("HTTP://[::1]:80", "http://[::1]", "http://[::1]"),
        ])
    func publicURLs(text: String, origin: String, whole: String) {
        #expect(PublicURL(text)?.origin == origin)
        #expect(PublicURL(text)?.description == whole)
    }

    @Test(
        "Anything else is no public URL",
        arguments: [
            "", "media.example", "ftp://media.example", "http://", "http://a b", "http://user@host", "http://h?q",
            "http://h#f", "http://h:70000", "http://h:x",
        ])
    func noPublicURLs(text: String) {
        #expect(PublicURL(text) == nil)
    }

    @Test(
        "Addresses are shortened for logs and grouped for charging",
        arguments: [
            ([192, 0, 2, 77], "192.0.2.0/24", "address:192.0.2.77"),
            ([UInt8](repeating: 0, count: 10) + [0xff, 0xff, 192, 0, 2, 77], "192.0.2.0/24", "address:192.0.2.77"),
            (
                [0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78] + [UInt8](repeating: 9, count: 8),
                "2001:db8:1234::/48", "address:2001:db8:1234:5678::/64"
            ),
            ([], "local", "address:local"),
        ] as [([UInt8], String, String)])
    func clients(bytes: [UInt8], abbreviated: String, subject: String) {
        #expect(ClientAddress(bytes: bytes).abbreviated == abbreviated)
        #expect(ClientAddress(bytes: bytes).subject == subject)
    }

    @Test("Every code has a status, a title and a reason of its own")
    func problems() {
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

    @Test("What a store throws gets its status")
    func storeErrors() {
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

    @Test("Any page reads; only the server's own writes in anonymous mode, any where there are tickets")
    func table() {
        let anonymous = CrossOrigin(writers: .only(origin: own))
        let ticketed = CrossOrigin(writers: .anyOrigin)
        #expect(anonymous.fields(for: .read, origin: "http://x.example")[.accessControlAllowOrigin] == "*")
        #expect(anonymous.fields(for: .write, origin: "http://x.example")[.accessControlAllowOrigin] == nil)
        #expect(anonymous.fields(for: .write, origin: nil)[.accessControlAllowOrigin] == nil)
        #expect(anonymous.fields(for: .write, origin: own)[.accessControlAllowOrigin] == own)
        #expect(anonymous.fields(for: .write, origin: own)[.vary] == "Origin")
        #expect(ticketed.fields(for: .write, origin: "http://x.example")[.accessControlAllowOrigin] == "*")
    }

    @Test("A preflight names methods and fields, or nothing for a page that may not")
    func preflight() {
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
