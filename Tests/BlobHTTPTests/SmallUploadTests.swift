import Blobs
import Foundation
import HTTPTypes
import NIOCore
import NIOHTTP1
import Store
import StoreRules
import Telemetry
import TestSupport
import Testing
import Tickets
import Vault

@testable import BlobHTTP

/// Small uploads are answered beside the reads, and nobody can tell: the router answers each in the same words.
@Suite(.timeLimit(.minutes(15))) struct SmallUploadTests {
    /// A field that no upload asks for, and that the router alone looks at.
    private static let routed = ("Upload-Nothing", "1")
    private static let office = SlotOffice()

    // MARK: Which

    private static func head(
        _ fields: [(String, String)], _ method: HTTPMethod = .PUT, _ target: String = "/upload",
        _ version: HTTPVersion = .http1_1
    ) -> HTTPRequestHead {
        HTTPRequestHead(version: version, method: method, uri: target, headers: HTTPHeaders(fields))
    }

    @Test func `a plain upload of 1 to 128 KiB is small, whatever else its fields say`() {
        for length in [1, 4096, 131_072] {
            for more in [
                [], [("X-SHA-256", "x")], [("Authorization", "Bearer x")], [("Origin", "null")], [("Via", "1.1 proxy")],
                [("Connection", "close")], [("Uplo", "d")], [("", "")], [("TUSK", "1")],
            ] {
                let fields = [("Host", "a"), ("CONTENT-length", "\(length)")] + more
                for (target, operation) in [
                    ("/upload", Operation.upload),
                    ("/slots/chat/a/b.jpg?v=x", .fillSlot(SlotPath(door: "chat", encoded: "a/b.jpg"))),
                    ("/slots/chat/a//b", .fillSlot(nil)),
                ] {
                    let upload = SmallUpload(Self.head(fields, .PUT, target), doors: Self.office.doors)
                    #expect(upload?.bodyBytes == length && upload?.operation == operation, "\(target) \(fields)")
                    #expect(upload?.request.path == target && upload?.request.authority == "a")
                }
            }
        }
    }

    @Test func `everything else is the router's`() {
        let length = ("Content-Length", "5")
        let fields: [[(String, String)]] = [
            [], [("Content-Length", "0")], [("Content-Length", "131073")], [("Content-Length", "-5")],
            [("Content-Length", "99999999999999999999")], [("Content-Length", "5 ")], [("Content-Length", "")],
            [("Transfer-Encoding", "chunked")], [length, ("Expect", "100-continue")], [length, ("EXPECT", "x")],
            [length, ("Upgrade", "h2c")], [length, ("Content-Range", "bytes 0-4/5")], [length, Self.routed],
            [length, ("upload-complete", "?1")], [length, ("Tus-Resumable", "1.0.0")],
        ]
        func isRouted(_ head: HTTPRequestHead, doors: SlotDoors? = Self.office.doors) -> Bool {
            SmallUpload(head, doors: doors) == nil
        }
        for target in ["/upload", "/slots/chat/x"] {
            for fields in fields { #expect(isRouted(Self.head(fields, .PUT, target)), "\(target) \(fields)") }
            #expect(isRouted(Self.head([length], .POST, target)))
            #expect(isRouted(Self.head([length], .PUT, target, .http1_0)))
        }
        for target in [
            "/upload/", "/upload?x", "/uploads", "http://a/upload", "/slots/other/x", "/slots/chat", "/slots",
            "http://a/slots/chat/x", "/\(String(repeating: "0", count: 64))", "*",
        ] {
            #expect(isRouted(Self.head([length], .PUT, target)), "\(target)")
        }
        #expect(isRouted(Self.head([length], .PUT, "/slots/chat/x"), doors: nil))
    }

    // MARK: The same words

    /// One upload, as its fields and its body.
    private typealias Sample = (fields: [(String, String)], body: [UInt8])

    private static func bytes(_ number: UInt8, _ count: Int = 4096) -> [UInt8] {
        [UInt8](repeating: number, count: count)
    }

    /// Uploads good and bad, each after those before it.
    private static var samples: [Sample] {
        let owner = ("Satchel-Owner", Secret(bytes: [UInt8](repeating: 1, count: 16))?.hash.base64url ?? "")
        let receipts = (0..<3).map { Secret(bytes: [UInt8](repeating: $0, count: 16))?.hash.base64url ?? "" }
        let address = TestServer.address(of: bytes(1))
        return [
            ([], bytes(1)), ([], bytes(1)), ([owner], bytes(1)), ([owner], bytes(1)), ([], [7]),
            ([], bytes(2, 131_072)),
            ([("X-SHA-256", address.hex)], bytes(1)), ([("X-SHA-256", address.hex)], bytes(3)),
            ([("X-SHA-256", "abc")], bytes(3)),
            ([("Repr-Digest", "sha-256=:\(Base64.encode(address.bytes)):")], bytes(1)),
            ([("Repr-Digest", "sha-256=:AAAA:")], bytes(3)), ([("Repr-Digest", "md5=:AAAA:")], bytes(3)),
            ([("Satchel-Lifetime", "86400")], bytes(4)), ([("Satchel-Lifetime", "0")], bytes(5)),
            ([("Satchel-Lifetime", "99999999999")], bytes(5)), ([("Satchel-Recipients", "0")], bytes(5)),
            ([owner, ("Satchel-Recipients", "3"), ("Satchel-Receipt", receipts.joined(separator: ", "))], bytes(6)),
            ([("Satchel-Recipients", "2"), ("Satchel-Receipt", receipts.joined(separator: ","))], bytes(6)),
            ([("Satchel-Receipt", receipts[0])], bytes(6)), ([("Satchel-Owner", "x")], bytes(6)),
            ([("Origin", "https://elsewhere.example")], bytes(8)), ([("Origin", "https://media.example")], bytes(8)),
            ([("Origin", "null")], bytes(8)), ([("Content-Type", "text/plain")], bytes(9)), ([], bytes(10, 70_000)),
            ([("Cookie", "a=b; c=d")], bytes(11)), ([("Authorization", "Basic eA")], bytes(12)),
            ([("Authorization", "Bearer x")], bytes(13)), ([("Connection", "close")], bytes(14)),
        ]
    }

    /// An answer byte for byte, without what differs from one second to the next.
    private static func shown(_ answer: RawClient.Answer?) -> String {
        guard let answer else { return "closed" }
        let text = answer.text.replacing(#/"(expires|uploaded)":\d+/#) { "\"\($0.output.1)\":…" }
        return "\(answer.headButDate)\r\n\r\n\(text)"
    }

    /// What a server with these settings answers to uploads, each with `more` fields, of which `shortcuts` are answered
    /// beside the reads.
    private func answers(
        to uploads: [(target: String, sample: Sample)], adding more: [(String, String)], shortcuts: Int,
        _ settings: @escaping (inout BlobServerSettings) -> Void = { _ in },
        vault: @escaping (inout VaultSettings) -> Void = { _ in },
        store: @escaping @Sendable (Vault) -> any LeaseStore = { $0 }
    ) async throws -> [String] {
        var shown: [String] = []
        try await TestServer.run(
            settings: {
                $0.publicURL = PublicURL("https://media.example")
                settings(&$0)
            }, vault: vault, store: store
        ) { server in
            for (target, sample) in uploads {
                let answer = try await server.answer(
                    to: "PUT", target, fields: sample.fields + more, body: sample.body)
                #expect(answer?["date"] != nil)
                shown.append(Self.shown(answer))
            }
            #expect(server.shortcutCount(.upload) + server.shortcutCount(.slot) == shortcuts)
            shown.append(contentsOf: Self.counted(server.observer.meters))
        }
        return shown
    }

    /// What is counted at the doors.
    private static func counted(_ meters: Meters) -> [String] {
        (meters.slotsFilled.values + meters.slotWordsRefused.values).map { "\($0.label): \($0.count)" }
    }

    private func expectSame(
        _ samples: [Sample], _ settings: @escaping (inout BlobServerSettings) -> Void = { _ in },
        vault: @escaping (inout VaultSettings) -> Void = { _ in },
        store: @escaping @Sendable (Vault) -> any LeaseStore = { $0 }
    ) async throws -> Set<String> {
        try await expectSame(samples.map { ("/upload", $0) }, settings, vault: vault, store: store)
    }

    private func expectSame(
        _ uploads: [(target: String, sample: Sample)], _ settings: @escaping (inout BlobServerSettings) -> Void,
        vault: @escaping (inout VaultSettings) -> Void = { _ in },
        store: @escaping @Sendable (Vault) -> any LeaseStore = { $0 }
    ) async throws -> Set<String> {
        let small = try await answers(
            to: uploads, adding: [], shortcuts: uploads.count, settings, vault: vault, store: store)
        let routed = try await answers(
            to: uploads, adding: [Self.routed], shortcuts: 0, settings, vault: vault, store: store)
        #expect(small.count == routed.count)
        for (index, (small, routed)) in zip(small, routed).enumerated() {
            #expect(small == routed, "\(index < uploads.count ? "\(uploads[index])" : "the counts")")
        }
        return Set(small.map { String($0.prefix { $0 != "\r\n" }) })
    }

    @Test func `the answer is the same where anybody may upload`() async throws {
        let statuses = try await expectSame(Self.samples)
        #expect(statuses.isSuperset(of: ["HTTP/1.1 201 Created", "HTTP/1.1 200 OK", "HTTP/1.1 409 Conflict"]))
        _ = try await expectSame(Self.samples) { $0.mirrors = [PublicURL("https://near.example")].compactMap { $0 } }
    }

    @Test func `the answer is the same where a quota ends, a blob is too large, or bytes are not of the right kind`()
        async throws
    {
        let few = try await expectSame(Self.samples, vault: { $0.bytesPerSubject = 16_384 })
        #expect(few.contains("HTTP/1.1 429 Too Many Requests"))
        #expect(try await expectSame(Self.samples, vault: { $0.blobLimitBytes = 8192 }).contains { $0.contains("413") })
        for acceptance in [BlobAcceptance.sealedOnly, .encryptedOnly] {
            let samples =
                Self.samples + [([], Array("%PDF-1.7 and so on".utf8)), ([], SealedShape.magic), ([], [1, 2])]
            let statuses = try await expectSame(samples, vault: { $0.acceptance = acceptance })
            #expect(statuses.contains { $0.contains("415") })
        }
    }

    @Test func `the answer is the same where tickets are asked for`() async throws {
        let office = try await TicketOffice()
        let now = Timestamp(seconds: Int64(Date().timeIntervalSince1970))
        let bad = office.badTickets(now: now).map { ($0.fields, Self.bytes(1)) }
        let other = TestServer.address(of: Self.bytes(2)).hex
        let members = [
            "", #","max_size":100"#, #","max_size":4096"#, #","max_lifetime":86400"#, #","sha256":"\#(other)""#,
            #","recipients":1"#, #","accept":"any""#, #","accept":"all""#,
        ]
        let tickets = members.map { office.ticket(now: now, adding: $0) }
        let samples = bad + tickets.flatMap { ticket in Self.samples.map { ($0.fields + [ticket], $0.body) } }
        let statuses = try await expectSame(samples) { $0.tickets = office.verifier }
        #expect(
            statuses.isSuperset(of: ["HTTP/1.1 201 Created", "HTTP/1.1 401 Unauthorized", "HTTP/1.1 403 Forbidden"]))
    }

    @Test func `the answer is the same where a slot is filled, with good words and bad`() async throws {
        let now = Timestamp(seconds: Int64(Date().timeIntervalSince1970))
        let uploads = Self.slotUploads(now: now)
        for refusesPlaintext in [false, true] {
            let statuses = try await expectSame(uploads) {
                $0.slots = SlotSettings(doors: Self.office.doors, refusesPlaintext: refusesPlaintext)
                $0.mirrors = [PublicURL("https://near.example")].compactMap { $0 }
            }
            #expect(
                statuses.isSuperset(of: [
                    "HTTP/1.1 201 Created", "HTTP/1.1 400 Bad Request", "HTTP/1.1 401 Unauthorized",
                    "HTTP/1.1 403 Forbidden", "HTTP/1.1 409 Conflict", "HTTP/1.1 413 Payload Too Large",
                ]), "\(statuses)")
            #expect(statuses.contains("HTTP/1.1 415 Unsupported Media Type") == refusesPlaintext)
        }
        let limited = try await expectSame(
            uploads, { $0.slots = SlotSettings(doors: Self.office.doors) }, vault: { $0.bytesPerSubject = 6000 })
        #expect(limited.contains("HTTP/1.1 429 Too Many Requests"))
        let slow = try await expectSame(uploads) { settings in
            settings.slots = SlotSettings(doors: Self.office.doors)
            settings.addressRates = RateLimits(requestsPerSecond: 1)
            settings.subjectRates = RateLimits(requestsPerSecond: 1)
            settings.rateClock = { .uptimeNanoseconds(1 << 40) }
        }
        #expect(slow.contains("HTTP/1.1 429 Too Many Requests"))
        let failing = try await expectSame(
            uploads, { $0.slots = SlotSettings(doors: Self.office.doors) },
            store: { FailingStore($0, committing: .diskFull) })
        #expect(failing.contains { $0.contains("507") })
    }

    /// Uploads to slots, good and bad, each after those before it.
    private static func slotUploads(now: Timestamp) -> [(target: String, sample: Sample)] {
        func slot(_ path: String, _ query: String, _ sample: Sample) -> (target: String, sample: Sample) {
            (SlotOffice.target(path, query), sample)
        }
        let (user, again) = ("\(SlotOffice.user)/x/a.jpg", "\(SlotOffice.user)/x/b.jpg")
        let text = Array("%PDF-1.7 and so on".utf8)
        let token = office.bearer(office.claims(slot: "s9", file: "t.jpg", size: 100, now: now, end: 3600))
        let late = office.bearer(office.claims(slot: "s9", file: "u.jpg", size: 100, now: now, expires: -3600))
        return [
            slot("s1/a.jpg", office.v("s1/a.jpg", 4096), ([], bytes(1))),
            slot("s1/a.jpg", office.v("s1/a.jpg", 4096), ([], bytes(1))),
            slot("s1/a.jpg", office.v("s1/a.jpg", 4096), ([], bytes(2))),
            slot(user, office.v(user, 100), ([("Origin", "https://elsewhere.example")], bytes(3, 100))),
            slot(again, office.v(again, 100), ([], bytes(4, 100))),
            slot("s2/a.jpg", office.v2("s2/a.jpg", 9, "image/jpeg"), ([("Content-Type", "image/jpeg")], bytes(4, 9))),
            slot("s2/b.jpg", office.v2("s2/b.jpg", 9, "image/jpeg"), ([("Content-Type", "text/html")], bytes(4, 9))),
            slot("s2/c.txt", office.v("s2/c.txt", text.count), ([("Origin", "null")], text)),
            slot("s2/%C3%BC%20d", office.v("s2/ü d", 7), ([], bytes(5, 7))),
            slot("s3/a", office.v("s3/a", 131_072), ([], bytes(6, 131_072))),
            slot("s9/t.jpg", "", ([token], bytes(7, 100))), slot("s9/t.jpg", "", ([token], bytes(7, 101))),
            slot("s9/t.jpg", "", ([token], bytes(7, 99))), slot("s9/u.jpg", "", ([late], bytes(7, 100))),
            slot("s4/a", "", ([], bytes(8, 5))), slot("s4/a", "?v=zz", ([], bytes(8, 5))),
            slot("s4/a", office.v("s4/a", 6), ([], bytes(8, 5))), slot("s4/b", office.v("s4/a", 5), ([], bytes(8, 5))),
            slot("s4//a", office.v("s4//a", 5), ([], bytes(8, 5))), slot("", "?v=zz", ([], bytes(8, 5))),
            slot("s5/a", office.v("s5/a", 5), ([("Satchel-Lifetime", "0"), ("Connection", "close")], bytes(8, 5))),
            ("/upload", ([], bytes(9))),
        ]
    }

    @Test func `the answer is the same beyond a rate, and behind proxies`() async throws {
        let rates = try await expectSame(Self.samples) { settings in
            settings.addressRates = RateLimits(requestsPerSecond: 1)
            settings.rateClock = { .uptimeNanoseconds(1 << 40) }
        }
        #expect(rates.contains("HTTP/1.1 429 Too Many Requests"))
        let bytes = try await expectSame(Self.samples) { settings in
            settings.addressRates = RateLimits(bytesPerSecond: 1000)
            settings.rateClock = { .uptimeNanoseconds(1 << 40) }
        }
        #expect(bytes.contains("HTTP/1.1 429 Too Many Requests"))
        let clients = ["192.0.2.1", "2001:db8::1", "nobody", "192.0.2.1, 127.0.0.1"]
        let samples = clients.flatMap { client in
            Self.samples.map { ($0.fields + [("X-Forwarded-For", client)], $0.body) }
        }
        _ = try await expectSame(samples) { settings in
            settings.proxies.ranges = [IPPrefix("127.0.0.0/8")].compactMap { $0 }
            settings.addressRates = RateLimits(requestsPerSecond: 1)
            settings.rateClock = { .uptimeNanoseconds(1 << 40) }
        }
    }

    @Test func `the answer is the same where the store fails`() async throws {
        let errors: [StoreError] = [
            .diskFull, .outcomeUnknown, .io("secret path"), .unavailable("no"), .banned, .receiptTaken,
            .leaseEnded(.revoked), .busy(limit: "x", retryAfterSeconds: 61), .damaged,
        ]
        for error in errors {
            let samples = [Sample([], Self.bytes(1))]
            _ = try await expectSame(samples, store: { FailingStore($0, beginning: error) })
            let statuses = try await expectSame(samples, store: { FailingStore($0, committing: error) })
            #expect(statuses.allSatisfy { !$0.contains(" 20") })
        }
    }

    // MARK: One connection

    @Test func `requests of all kinds sent in one breath are answered in their order`() async throws {
        try await TestServer.run { server in
            let held = try await server.put(Self.bytes(1))
            let client = try await server.connect()
            var request: [UInt8] = []
            for number in UInt8(2)..<8 {
                for routed in ["", "\(Self.routed.0): 1\r\n"] {
                    request += "PUT /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4096\r\n\(routed)\r\n".utf8
                    request += Self.bytes(number)
                }
                request += "GET /\(held.hex) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8
            }
            try await client.send(request)
            for number in UInt8(2)..<8 {
                let address = TestServer.address(of: Self.bytes(number)).hex
                for status in [201, 200] {
                    let answer = try #require(await client.answer())
                    #expect(answer.status == status && answer.text.contains(address))
                }
                #expect(await client.answer()?.body == Self.bytes(1))
            }
            #expect(server.shortcutCount(.upload) == 1 + 6)
            await client.close()
        }
    }

    @Test func `a body that comes byte by byte is taken, and its sender may stop sending behind it`() async throws {
        try await TestServer.run { server in
            let client = try await server.connect()
            try await client.send("PUT /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\n")
            for byte in UInt8(1)...5 { try await client.send([byte]) }
            #expect(await client.answer()?.text.contains(TestServer.address(of: [1, 2, 3, 4, 5]).hex) == true)
            try await client.send("PUT /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n6")
            try await client.finishSending()
            #expect(await client.answer()?.status == 201)
            #expect(await client.rest().isEmpty)
        }
    }

    @Test func `a refusal does not wait for the body, and nothing behind it is done`() async throws {
        try await TestServer.run { server in
            let client = try await server.connect()
            let head = "PUT /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
            try await client.send("\(head)Satchel-Lifetime: 0\r\n\r\n")
            let refusal = try #require(await client.answer())
            #expect(refusal.status == 400 && refusal["connection"] == "close")
            try? await client.send("12345\(head)\r\n67890")
            #expect(await client.rest().isEmpty)
            await client.close()
            // All at once.
            let second = try await server.connect()
            try await second.send("\(head)Satchel-Lifetime: 0\r\n\r\n12345\(head)\r\n67890")
            #expect(await second.answer()?.status == 400)
            #expect(await second.rest().isEmpty)
            let address = TestServer.address(of: Array("67890".utf8)).hex
            #expect(try await server.answer(to: "GET", "/\(address)")?.status == 404)
        }
    }

    @Test func `a body that breaks off is refused in the words of the router, and leaves nothing`() async throws {
        for acceptance in [BlobAcceptance.any, .sealedOnly] {
            try await TestServer.run(acceptance: acceptance) { server in
                var answers: [String] = []
                for field in ["", "\(Self.routed.0): 1\r\n"] {
                    let client = try await server.connect()
                    try await client.send(
                        "PUT /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n\(field)\r\nabcdef")
                    try await client.finishSending()
                    answers.append(Self.shown(await client.answer()))
                    await client.close()
                }
                #expect(server.shortcutCount(.upload) == 1)
                #expect(answers[0] == answers[1] && answers[0].contains("400") != (acceptance == .sealedOnly))
                try await eventually { !server.vault.isTakingUploads }
            }
        }
    }
}
