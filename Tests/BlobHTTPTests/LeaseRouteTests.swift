import BlobHTTP
import Blobs
import Store
import Testing
import Vault

/// Receipts, renewing and forwarding over the wire.
@Suite(.timeLimit(.minutes(15))) struct LeaseRouteTests {
    private let owner = Secret.random()
    private let receipt = Secret.random()
    private let bytes: [UInt8] = [4, 5, 6]
    private let name = String(repeating: "A", count: 22)

    private var path: String { "/\(TestServer.address(of: bytes).hex)" }
    private var unknown: String { "/" + String(repeating: "0", count: 64) }

    private func shown(_ secret: Secret) -> [(String, String)] { [("Satchel-Secret", secret.base64url)] }

    private func upload(to server: TestServer, recipients: Int = 2) async throws {
        _ = try await server.put(
            bytes,
            fields: [
                ("Satchel-Owner", owner.hash.base64url), ("Satchel-Receipt", receipt.hash.base64url),
                ("Satchel-Recipients", "\(recipients)"), ("Satchel-Lifetime", "7200"),
            ])
    }

    @Test func `a recipient says delivered, again and again, and the owner sees it once`() async throws {
        try await TestServer.run { server in
            try await upload(to: server)
            for _ in 0..<3 {
                let answer = try #require(
                    try await server.answer(to: "PUT", "\(path)/receipts/\(name)", fields: shown(receipt), body: []))
                #expect(answer.statusLine == "HTTP/1.1 204 No Content" && answer["cache-control"] == "no-store")
            }
            let lease = try #require(try await server.answer(to: "GET", "\(path)/lease", fields: shown(owner)))
            #expect(lease.text.contains("\"received\":[{\"at\":") && lease.text.contains("\"recipient\":\"\(name)\""))
            #expect(lease.text.pieces(around: name) == 2 && lease.text.contains("\"state\":\"held\""))
        }
    }

    @Test func `a body that nobody asked for is passed over, and the connection goes on`() async throws {
        try await TestServer.run { server in
            try await upload(to: server)
            let client = try await server.connect()
            let fields = "Host: 127.0.0.1\r\nContent-Length: 9\r\nSatchel-Secret: "
            try await client.send(
                "PUT \(path)/receipts/\(name) HTTP/1.1\r\n\(fields)\(receipt.base64url)\r\n\r\ndelivered"
                    + "PATCH \(path)/lease HTTP/1.1\r\n\(fields)\(owner.base64url)\r\n\r\nreceived!"
                    + "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            #expect(await client.answer()?.status == 204)
            #expect(await client.answer()?.status == 200)
            #expect(await client.answer()?.body == bytes)
            await client.close()
        }
    }

    @Test func `the last delivered moves the Sunset of the blob and what caches may keep`() async throws {
        try await TestServer.run(settings: { $0.cacheSeconds = 100_000 }) { server in
            try await upload(to: server, recipients: 1)
            let before = try #require(try await server.answer(to: "GET", path))
            #expect((7100...7200).contains(maxAge(before)))
            #expect(
                try await server.answer(to: "PUT", "\(path)/receipts/\(name)", fields: shown(receipt), body: [])?.status
                    == 204)
            let after = try #require(try await server.answer(to: "GET", path))
            #expect((500...600).contains(maxAge(after)) && after["sunset"] != before["sunset"])
            let renewal = shown(owner) + [("Satchel-Lifetime", "3600")]
            let renewed = try #require(try await server.answer(to: "PATCH", "\(path)/lease", fields: renewal))
            #expect(renewed.status == 200 && renewed["cache-control"] == "no-store")
            #expect(renewed.text.contains("\"state\":\"held\"") && renewed.text.contains("\"received\":[{"))
            #expect((3500...3600).contains(maxAge(try #require(try await server.answer(to: "GET", path)))))
        }
    }

    private func maxAge(_ answer: RawClient.Answer) -> Int {
        let field = answer["cache-control"] ?? ""
        return field.split(separator: "max-age=").last.flatMap { Int($0) } ?? -1
    }

    @Test func `a receipt hash that names another lease on the blob is refused, however a lease is asked for`()
        async throws
    {
        try await TestServer.run { server in
            try await upload(to: server)
            func wanted(_ owner: Secret) -> [(String, String)] {
                [("Satchel-Owner", owner.hash.base64url), ("Satchel-Receipt", receipt.hash.base64url)]
            }
            let announced = wanted(.random()) + [("X-SHA-256", String(path.dropFirst()))]
            func metadata(_ names: [String: String]) -> (String, String) {
                let pairs = names.map { "\($0.key) \(Base64.encode($0.value.utf8))" }
                return ("Upload-Metadata", pairs.joined(separator: ","))
            }
            let tus = [("Tus-Resumable", "1.0.0"), ("Upload-Length", "\(bytes.count)")]
            let resumable = tus + [metadata(["receipt": receipt.hash.base64url, "sha256": String(path.dropFirst())])]
            let requests: [(method: String, path: String, fields: [(String, String)], body: [UInt8]?)] = [
                ("PUT", "/upload", wanted(.random()), bytes), ("HEAD", "/upload", announced, nil),
                ("POST", "\(path)/leases", wanted(.random()), []), ("POST", "/uploads", resumable, []),
            ]
            for isEnded in [false, true] {
                for (method, place, fields, body) in requests where !isEnded || !place.hasSuffix("/leases") {
                    let answer = try #require(
                        try await server.answer(to: method, place, fields: fields, body: body))
                    #expect(answer.status == 409 && answer["x-reason"] == "receipt-taken", "\(method) \(place)")
                }
                if isEnded { break }
                let retry = try await server.answer(to: "PUT", "/upload", fields: wanted(owner), body: bytes)
                #expect(retry?.status == 200, "the same owner asks again")
                #expect(try await server.answer(to: "DELETE", path, fields: shown(owner))?.status == 204)
            }
            // One whose address nobody told is refused at its end, for good.
            let creation = tus + [metadata(["receipt": receipt.hash.base64url])]
            let created = try #require(try await server.answer(to: "POST", "/uploads", fields: creation, body: []))
            let upload = try #require(created["location"]).dropFirst(server.url.count)
            let append = [
                ("Tus-Resumable", "1.0.0"), ("Content-Type", "application/offset+octet-stream"), ("Upload-Offset", "0"),
            ]
            for (method, fields) in [("PATCH", append), ("HEAD", [tus[0]])] {
                let body = method == "PATCH" ? bytes : nil
                let answer = try await server.answer(to: method, String(upload), fields: fields, body: body)
                #expect(answer?.status == 409 && answer?["x-reason"] == "receipt-taken", "\(method)")
            }
        }
    }

    @Test func `secrets are asked for, and a stranger learns what GET would tell`() async throws {
        try await TestServer.run { server in
            try await upload(to: server)
            let other = shown(Secret.random())
            let requests = [("PUT", "/receipts/\(name)"), ("PATCH", "/lease"), ("GET", "/lease"), ("DELETE", "")]
            for (method, suffix) in requests {
                let table: [([(String, String)], String, Int, String)] = [
                    ([], path, 403, "wrong-secret"), ([("Satchel-Secret", "x")], path, 400, "bad-field"),
                    (other, path, 403, "wrong-secret"), (other, unknown, 404, "not-found"),
                ]
                for (fields, place, status, reason) in table {
                    let answer = try #require(try await server.answer(to: method, place + suffix, fields: fields))
                    #expect(answer.status == status && answer["x-reason"] == reason, "\(method) \(suffix)")
                }
            }
            // The owner's secret is no receipt, nor the receipt's an owner's.
            #expect(try await server.answer(to: "PUT", "\(path)/receipts/\(name)", fields: shown(owner))?.status == 403)
            #expect(try await server.answer(to: "PATCH", "\(path)/lease", fields: shown(receipt))?.status == 403)
            #expect(try await server.answer(to: "DELETE", path, fields: shown(owner))?.status == 204)
            for (method, suffix) in requests {
                let answer = try #require(try await server.answer(to: method, path + suffix, fields: other))
                #expect(answer.status == 410 && answer.text.contains("\"reason\":\"revoked\""), "\(method) \(suffix)")
            }
            #expect(
                try await server.answer(to: "PUT", "\(path)/receipts/\(name)", fields: shown(receipt))?.status == 204)
            let renewed = try #require(try await server.answer(to: "PATCH", "\(path)/lease", fields: shown(owner)))
            #expect(renewed.status == 410 && renewed["x-reason"] == "lease-ended")
        }
    }

    @Test func `renewing takes a lifetime within the limit and nothing else`() async throws {
        try await TestServer.run { server in
            try await upload(to: server)
            let table: [((String, String), Int, String)] = [
                (("Satchel-Lifetime", "2592001"), 400, "lifetime-too-long"),
                (("Satchel-Lifetime", "0"), 400, "bad-field"),
                (("Satchel-Recipients", "5"), 400, "bad-field"),
                (("Satchel-Owner", owner.hash.base64url), 400, "bad-field"),
            ]
            for (field, status, reason) in table {
                let answer = try #require(
                    try await server.answer(to: "PATCH", "\(path)/lease", fields: shown(owner) + [field]))
                #expect(answer.status == status && answer["x-reason"] == reason, "\(field)")
                if reason == "lifetime-too-long" { #expect(answer.text.contains("\"max\":2592000")) }
            }
            let plain = try #require(try await server.answer(to: "PATCH", "\(path)/lease", fields: shown(owner)))
            #expect(plain.status == 200)
        }
    }

    @Test func `a forward is a lease without an upload: 201, and 200 when it is there already`() async throws {
        try await TestServer.run { server in
            let fields = [("Satchel-Owner", Secret.random().hash.base64url), ("Satchel-Lifetime", "3600")]
            #expect(try await server.answer(to: "POST", "\(unknown)/leases", fields: fields)?.status == 404)
            try await upload(to: server)
            let made = try #require(try await server.answer(to: "POST", "\(path)/leases", fields: fields, body: []))
            #expect(made.status == 201 && made["location"] == "\(server.url)\(path)")
            #expect(made.text.contains("\"size\":3") && made.text.contains("\"url\":\"\(server.url)\(path)\""))
            let again = try #require(try await server.answer(to: "POST", "\(path)/leases", fields: fields))
            #expect(again.status == 200 && again.text == made.text)
            #expect(try await server.answer(to: "DELETE", path, fields: shown(owner))?.status == 204)
            #expect(try await server.answer(to: "GET", path)?.status == 200, "the forward holds it")
            let ended = [("Satchel-Owner", owner.hash.base64url)]
            let refused = try #require(try await server.answer(to: "POST", "\(path)/leases", fields: ended))
            #expect(refused.status == 410 && refused["x-reason"] == "lease-ended")
            let disagreeing = fields + [("Satchel-Recipients", "3"), ("Satchel-Receipt", "\(hash()),\(hash())")]
            let bad = try #require(try await server.answer(to: "POST", "\(path)/leases", fields: disagreeing))
            #expect(bad.status == 400 && bad["x-reason"] == "bad-field")
        }
    }

    private func hash() -> String { Secret.random().hash.base64url }

    @Test func `what an operator banned is refused at every door, and gone for readers`() async throws {
        try await TestServer.run { server in
            try await upload(to: server)
            let address = TestServer.address(of: bytes)
            _ = try await server.vault.takeDown(address, banning: true)
            let gone = try #require(try await server.answer(to: "GET", path))
            #expect(gone.status == 410 && gone.text.contains("\"reason\":\"removed\""))
            let announced = [("X-SHA-256", address.hex), ("X-Content-Length", "3")]
            let requests: [(String, String, [(String, String)], [UInt8]?)] = [
                ("PUT", "/upload", [], bytes), ("PUT", "/upload", announced, bytes),
                ("HEAD", "/upload", announced, nil),
                ("POST", "\(path)/leases", [], nil),
            ]
            for (method, place, fields, body) in requests {
                let answer = try #require(try await server.answer(to: method, place, fields: fields, body: body))
                #expect(answer.status == 403 && answer["x-reason"] == "banned", "\(method) \(place)")
            }
            let lease = try #require(try await server.answer(to: "GET", "\(path)/lease", fields: shown(owner)))
            #expect(lease.status == 200 && lease.text.contains("\"state\":\"removed\""))
        }
    }

    @Test func `where no ticket is asked for, no page of another origin writes, with whatever secret`() async throws {
        try await TestServer.run { server in
            try await upload(to: server)
            let requests = [
                ("PUT", "\(path)/receipts/\(name)", receipt), ("PATCH", "\(path)/lease", owner),
                ("POST", "\(path)/leases", owner), ("DELETE", path, owner),
            ]
            for (method, place, secret) in requests {
                let fields = shown(secret) + [("Origin", "https://page.example")]
                let answer = try #require(try await server.answer(to: method, place, fields: fields))
                #expect(answer.status == 401 && answer["x-reason"] == "ticket-missing", "\(method) \(place)")
            }
        }
    }
}

extension String {
    /// How many pieces stand around `word`: one more than there are of it.
    fileprivate func pieces(around word: String) -> Int {
        split(separator: word, omittingEmptySubsequences: false).count
    }
}
