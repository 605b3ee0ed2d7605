import BlobHTTP
import Blobs
import Foundation
import Store
import StoreRules
import Testing
import Vault

@Suite(.timeLimit(.minutes(15))) struct UploadRouteTests {
    @Test func `new bytes are 201, the same again 200, and the descriptor says all about them`() async throws {
        try await TestServer.run { server in
            let bytes = [UInt8](repeating: 5, count: 700_000)
            let address = TestServer.address(of: bytes)
            let owner = ("Satchel-Owner", Secret.random().hash.base64url)
            let fields = [owner, ("X-SHA-256", address.hex), ("Satchel-Lifetime", "3600")]
            let created = try #require(try await server.answer(to: "PUT", "/upload", fields: fields, body: bytes))
            #expect(created.status == 201 && created["location"] == "\(server.url)/\(address.hex)")
            #expect(created.text.contains("\"sha256\":\"\(address.hex)\"") && created.text.contains("\"size\":700000"))
            #expect(created.text.contains("\"url\":\"\(server.url)/\(address.hex)\""))
            #expect(created["connection"] == nil)
            let again = try #require(try await server.answer(to: "PUT", "/upload", fields: fields, body: bytes))
            #expect(again.status == 200 && again["location"] == nil)
            #expect(again.text == created.text)
        }
    }

    @Test func `who asks first hears where the blob would be, and of a refusal the limit`() async throws {
        try await TestServer.run { server in
            let asked = try #require(try await server.answer(to: "HEAD", "/upload"))
            #expect(asked.status == 200 && asked["satchel-public-url"] == "\(server.url)")
            for method in ["HEAD", "PUT"] {
                let refused = try #require(
                    try await server.answer(
                        to: method, "/upload", fields: [("Satchel-Lifetime", "99999999")],
                        body: method == "PUT" ? [1] : nil))
                #expect(refused["x-reason"] == "lifetime-too-long" && refused["x-limit"] == "2592000", "\(method)")
            }
        }
    }

    @Test func `the descriptor is JSON as its readers know it`() async throws {
        struct Descriptor: Decodable {
            let url, sha256, type: String
            let size, uploaded, expires: Int64
        }
        try await TestServer.run { server in
            let answer = try #require(try await server.answer(to: "PUT", "/upload", body: [1, 2, 3]))
            let descriptor = try JSONDecoder().decode(Descriptor.self, from: Data(answer.text.utf8))
            let hex = TestServer.address(of: [1, 2, 3]).hex
            #expect(descriptor.url == "\(server.url)/\(hex)" && descriptor.sha256 == hex && descriptor.size == 3)
            #expect(descriptor.type == "application/octet-stream")
            #expect(descriptor.expires - descriptor.uploaded == 30 * 86_400)
        }
    }

    @Test func `mirrors are in the descriptor and in the lease of a held blob`() async throws {
        struct Answer: Decodable { let mirrors: [String]? }
        let owner = Secret.random()
        let fields = [("Satchel-Owner", owner.hash.base64url)]
        let shown = [("Satchel-Secret", owner.base64url)]
        for mirrors in [[], ["https://near.example", "http://far.example:81/files"]] {
            try await TestServer.run(settings: { $0.mirrors = mirrors.compactMap { PublicURL($0) } }) { server in
                let hex = TestServer.address(of: [1, 2, 3]).hex
                let expected = mirrors.isEmpty ? nil : mirrors.map { "\($0)/\(hex)" }
                let requests: [(String, String, [(String, String)], [UInt8]?)] = [
                    ("PUT", "/upload", fields, [1, 2, 3]), ("POST", "/\(hex)/leases", fields, []),
                    ("GET", "/\(hex)/lease", shown, nil), ("PATCH", "/\(hex)/lease", shown, []),
                ]
                for (method, path, fields, body) in requests {
                    let answer = try #require(try await server.answer(to: method, path, fields: fields, body: body))
                    let told = try JSONDecoder().decode(Answer.self, from: Data(answer.text.utf8)).mirrors
                    #expect(told == expected, "\(method) \(path)")
                    #expect(answer.text.contains("mirrors") == (expected != nil))
                }
                _ = try await server.answer(to: "DELETE", "/\(hex)", fields: shown)
                let ended = try #require(try await server.answer(to: "GET", "/\(hex)/lease", fields: shown))
                #expect(ended.text.contains("revoked") && !ended.text.contains("mirrors"))
            }
        }
    }

    @Test func `a client is not read from while the store is behind`() async throws {
        let hold = HeldUp()
        try await TestServer.run(store: { FailingStore($0, holdsUp: hold) }) { server in
            let sent = HeldUp()
            let sending = Task {
                let client = try await server.connect()
                try await client.send("PUT /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 67108864\r\n\r\n")
                try await client.send([UInt8](repeating: 7, count: 64 << 20))
                sent.end()
                let status = await client.answer()?.status
                await client.close()
                return status
            }
            try await Task.sleep(for: .milliseconds(500))
            #expect(!sent.isOver, "the kernel keeps a few megabytes, and the server a piece")
            hold.end()
            #expect(try await sending.value == 201)
        }
    }

    @Test func `URLs come from the setting, never from the request's Host`() async throws {
        try await TestServer.run(settings: { $0.publicURL = PublicURL("http://127.0.0.1:9/files") }) { server in
            let answer = try #require(
                try await server.answer(to: "PUT", "/upload", body: [1], host: "localhost:1234"))
            #expect(answer["location"]?.hasPrefix("http://127.0.0.1:9/files/") == true)
        }
    }

    @Test func `a refusal has its status and reason, and ends the connection`() async throws {
        try await TestServer.run(acceptance: .sealedOnly, blobLimitBytes: 1000) { server in
            let wrong = String(repeating: "0", count: 64)
            let sealed = SealedShape.magic + [UInt8](repeating: 0, count: 96)
            let table: [(fields: [(String, String)], body: [UInt8], status: Int, reason: String)] = [
                ([], [UInt8](repeating: 1, count: 100), 415, "not-sealed"),
                ([], Array(sealed.prefix(87)), 415, "not-sealed"),
                ([], [], 415, "not-sealed"),
                ([], [UInt8](repeating: 1, count: 1001), 413, "too-large"),
                ([("X-SHA-256", wrong)], sealed, 409, "digest-mismatch"),
                ([("Satchel-Lifetime", "99999999")], sealed, 400, "lifetime-too-long"),
                ([("Satchel-Lifetime", "soon")], sealed, 400, "bad-field"),
                ([("Origin", "https://x.example")], sealed, 401, "ticket-missing"),
                ([("Expect", "miracles")], sealed, 417, "bad-expectation"),
            ]
            for row in table {
                let answer = try #require(
                    try await server.answer(to: "PUT", "/upload", fields: row.fields, body: row.body))
                #expect(answer.status == row.status && answer["x-reason"] == row.reason, "\(row)")
                if row.status != 417 { #expect(answer["connection"] == "close", "\(row)") }
                #expect(answer["cache-control"] == "no-store")
                #expect(answer.text.contains("\"type\":\"/problems/\(row.reason)\""))
                let head = try #require(
                    try await server.answer(
                        to: "HEAD", "/upload", fields: row.fields + [("X-Content-Length", "\(row.body.count)")]))
                let isSeenBefore = ![409].contains(row.status) && !(row.reason == "not-sealed" && row.body.count >= 88)
                #expect(head.status == (isSeenBefore ? row.status : 200), "HEAD \(row)")
            }
            let strangers = try #require(
                try await server.answer(to: "PUT", "/upload", body: sealed, host: "media.example"))
            #expect(strangers.status == 401 && strangers["www-authenticate"] == "Bearer")
            #expect(try await server.answer(to: "PUT", "/upload", body: sealed)?.status == 201)
        }
    }

    @Test func `without a length there is no plain upload`() async throws {
        try await TestServer.run { server in
            let chunked = try #require(
                try await server.answer(to: "PUT", "/upload", fields: [("Transfer-Encoding", "chunked")]))
            #expect(chunked.status == 411 && chunked["connection"] == "close")
        }
    }

    @Test func `what the store cannot do is 503 with a time to wait, a full disk is 507`() async throws {
        let table: [(StoreError, Int, String?)] = [
            (.diskFull, 507, nil), (.unavailable("The disk is ill."), 503, "5"), (.io("x"), 503, "5"),
            (.busy(limit: "leases per subject", retryAfterSeconds: 60), 429, "60"),
        ]
        for (error, status, retryAfter) in table {
            try await TestServer.run(store: { FailingStore($0, beginning: error) }) { server in
                for method in ["PUT", "HEAD"] {
                    let answer = try #require(
                        try await server.answer(to: method, "/upload", body: method == "PUT" ? [1] : nil))
                    #expect(answer.status == status && answer["retry-after"] == retryAfter)
                }
            }
        }
        try await TestServer.run(store: { FailingStore($0, committing: .outcomeUnknown) }) { server in
            let answer = try #require(try await server.answer(to: "PUT", "/upload", body: [1]))
            #expect(answer.status == 503 && answer.text.contains("unknown"))
        }
    }

    @Test func `100 Continue is sent when the upload is accepted, and not when it is refused`() async throws {
        try await TestServer.run(acceptance: .sealedOnly) { server in
            let body = SealedShape.magic + [UInt8](repeating: 9, count: 200)
            let head = "PUT /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n"
            let accepted = try await server.connect()
            try await accepted.send(head + "Content-Length: \(body.count)\r\n\r\n")
            #expect(await accepted.answer()?.statusLine == "HTTP/1.1 100 Continue")
            try await accepted.send(body)
            #expect(await accepted.answer()?.status == 201)
            try await accepted.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            #expect(await accepted.answer()?.status == 200)
            await accepted.close()
            let refused = try await server.connect()
            try await refused.send(head + "Content-Length: 5\r\n\r\n")
            let answer = try #require(await refused.answer())
            #expect(answer.status == 415 && answer["connection"] == "close")
            #expect(await refused.rest().isEmpty)
            await refused.close()
            let old = try await server.connect()
            try await old.send(
                "PUT /upload HTTP/1.0\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: \(body.count)\r\n\r\n"
            )
            try await old.send(body)
            #expect(await old.answer()?.status == 200, "HTTP/1.0 knows no 100")
            await old.close()
        }
    }

    @Test func `a refusal in the middle of a body reaches a client that is still sending, and the rest is thrown away`()
        async throws
    {
        try await TestServer.run(
            acceptance: .sealedOnly,
            settings: {
                ($0.connections.drainTimeout, $0.connections.longestDrain) = (.seconds(900), .seconds(900))
            }
        ) { server in
            let client = try await server.connect()
            try await client.send("PUT /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000000\r\n\r\njunk")
            let answer = try #require(await client.answer())
            #expect(answer.status == 415 && answer["connection"] == "close")
            #expect(await client.rest().isEmpty, "the answer is over, and nothing more will come")
            // Were it reset, a proxy that sends on before it reads would lose the answer.
            for _ in 0..<20 { try await client.send([UInt8](repeating: 0, count: 1_000_000)) }
            await client.close()
        }
    }

    @Test func `an upload that is cut leaves nothing behind`() async throws {
        try await TestServer.run { server in
            let bytes = [UInt8](repeating: 3, count: 10)
            let client = try await server.connect()
            try await client.send("PUT /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n\u{3}\u{3}")
            await client.close()
            let half = try await server.connect()
            try await half.send("PUT /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n\u{3}\u{3}")
            try await half.finishSending()
            #expect(await half.answer()?.status == 400)
            await half.close()
            let path = "/\(TestServer.address(of: bytes).hex)"
            #expect(try await server.answer(to: "GET", path)?.status == 404)
        }
    }

    @Test func `with the operator's word anybody may upload, through proxies too`() async throws {
        try await TestServer.run(settings: { $0.publicURL = PublicURL("https://media.example") }) { server in
            for host in ["media.example", "127.0.0.1"] {
                let fields = [("X-Forwarded-For", "1.2.3.4"), ("Via", "1.1 proxy")]
                let answer = try await server.answer(to: "PUT", "/upload", fields: fields, body: [1], host: host)
                #expect(answer?.status == 201 || answer?.status == 200, "\(host)")
            }
        }
    }
}
