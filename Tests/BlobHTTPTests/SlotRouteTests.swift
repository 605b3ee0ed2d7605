import BlobHTTP
import Blobs
import Store
import StoreRules
import Telemetry
import Testing
import Tickets
import Vault

/// The doors for uploads through a chat server (XEP-0363), over HTTP.
@Suite(.timeLimit(.minutes(15))) struct SlotRouteTests {
    private let office = SlotOffice()

    private func run(
        settings change: @escaping (inout SlotSettings) -> Void = { _ in },
        server changeServer: @escaping (inout BlobServerSettings) -> Void = { _ in },
        vault: (inout VaultSettings) -> Void = { _ in }, _ body: (TestServer) async throws -> Void
    ) async throws {
        var slots = SlotSettings(doors: office.doors)
        change(&slots)
        let settings = slots
        try await TestServer.run(
            acceptance: .sealedOnly,
            settings: {
                $0.slots = settings
                changeServer(&$0)
            }, vault: vault, body)
    }

    /// Fills a slot with the plainest word; the status.
    private func fill(
        _ path: String, _ bytes: [UInt8], at server: TestServer, fields: [(String, String)] = []
    ) async throws -> Int? {
        try await server.answer(
            to: "PUT", SlotOffice.target(path, office.v(path, bytes.count)), fields: fields, body: bytes)?.status
    }

    @Test func `what is put is got, by its name alone`() async throws {
        try await run { server in
            let bytes = [UInt8](repeating: 7, count: 100_000)
            let put = try #require(
                try await server.answer(
                    to: "PUT", SlotOffice.target("s1/a.jpg", office.v("s1/a.jpg", bytes.count)), body: bytes))
            #expect(put.status == 201 && put.body.isEmpty && put["access-control-allow-origin"] == "*")
            #expect(put["cache-control"] == "no-store")
            let get = try #require(try await server.answer(to: "GET", SlotOffice.target("s1/a.jpg")))
            let address = TestServer.address(of: bytes)
            #expect(get.status == 200 && get.body == bytes && get["etag"] == "\"\(address.hex)\"")
            #expect(get["content-type"] == "image/jpeg" && get["content-disposition"] == "inline")
            #expect(get["x-content-type-options"] == "nosniff" && get["access-control-allow-origin"] == "*")
            #expect(get["content-security-policy"] == "sandbox; default-src 'none'")
            #expect(get["repr-digest"] != nil && get["sunset"] != nil)
            #expect(get["cache-control"] == "public, no-transform, must-revalidate, max-age=300")
            let head = try #require(try await server.answer(to: "HEAD", SlotOffice.target("s1/a.jpg", "?v=1")))
            #expect(head.status == 200 && head["content-length"] == "100000" && head.body.isEmpty)
            for path in [
                "/\(address.hex)", "/\(address.hex).jpg", SlotOffice.target("s1/b.jpg"), "/slots/other/s1/a.jpg",
            ] {
                let missing = try #require(try await server.answer(to: "GET", path))
                #expect(missing.status == 404 && missing["access-control-allow-origin"] == "*", "\(path)")
            }
            #expect(
                try await server.answer(
                    to: "GET", "/\(address.hex)/lease",
                    fields: [
                        ("Satchel-Secret", String(repeating: "A", count: 22))
                    ])?.status == 404)
        }
    }

    @Test func `ranges and conditions are answered as of any blob`() async throws {
        try await run { server in
            let bytes = (0..<90_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
            #expect(try await fill("s1/a.txt", bytes, at: server) == 201)
            let target = SlotOffice.target("s1/a.txt")
            let tag = "\"\(TestServer.address(of: bytes).hex)\""
            let table: [(field: (String, String), status: Int, body: [UInt8])] = [
                (("Range", "bytes=80000-"), 206, Array(bytes[80_000...])),
                (("Range", "bytes=-5"), 206, Array(bytes.suffix(5))), (("Range", "bytes=90000-"), 416, []),
                (("If-None-Match", tag), 304, []), (("If-Match", "\"x\""), 412, []), (("If-Match", tag), 200, bytes),
            ]
            for (field, status, body) in table {
                let answer = try #require(try await server.answer(to: "GET", target, fields: [field]))
                #expect(answer.status == status, "\(field)")
                #expect(status >= 400 || answer.body == body, "\(field)")
                #expect(answer["access-control-allow-origin"] == "*")
                if status == 206 { #expect(answer["content-type"] == "text/plain; charset=utf-8") }
            }
            let several = try #require(
                try await server.answer(to: "GET", target, fields: [("Range", "bytes=0-1,5-6")]))
            #expect(several.status == 206 && several.text.contains("Content-Type: text/plain; charset=utf-8"))
            let small = Array("small".utf8)
            #expect(try await fill("s1/b.html", small, at: server) == 201)
            let client = try await server.connect()
            for _ in 0..<3 {
                try await client.send("GET \(SlotOffice.target("s1/b.html")) HTTP/1.1\r\nHost: x\r\n\r\n")
                let answer = try #require(await client.answer())
                #expect(answer.body == small && answer["content-type"] == "application/octet-stream")
                #expect(answer["content-disposition"] == "attachment")
            }
            await client.close()
        }
    }

    @Test func `one path has many spellings and one slot`() async throws {
        try await run { server in
            let path = "s1/Fü+b&c d.jpg"
            let written = ["s1/F%C3%BC%2Bb%26c%20d.jpg", "s1/F%c3%bc+b&c%20d.jpg", "%73%31/F%C3%bc%2bb%26c%20%64.jpg"]
            let put = try await server.answer(
                to: "PUT", SlotOffice.target(written[0], office.v(path, 3)), body: [1, 2, 3])
            #expect(put?.status == 201)
            for spelling in written {
                #expect(
                    try await server.answer(to: "GET", SlotOffice.target(spelling))?.body == [1, 2, 3], "\(spelling)")
                let again = try await server.answer(
                    to: "PUT", SlotOffice.target(spelling, office.v(path, 3)), body: [1, 2, 3])
                #expect(again?.status == 409 && again?["x-reason"] == "slot-used", "\(spelling)")
            }
            let absolute = "http://x:1\(SlotOffice.target(written[1]))"
            #expect(try await server.answer(to: "GET", absolute)?.body == [1, 2, 3])
            for malformed in ["s1//a", "s1/../a", "s1/%", "s1/%00", ""] {
                #expect(try await server.answer(to: "GET", SlotOffice.target(malformed))?.status == 404, "\(malformed)")
                let refused = try #require(
                    try await server.answer(to: "PUT", SlotOffice.target(malformed, office.v(malformed, 1)), body: [1]))
                #expect(refused.status == 400 && refused["access-control-allow-origin"] == "*", "\(malformed)")
            }
        }
    }

    @Test func `without a good word nothing is taken, and nothing is told of the slot`() async throws {
        try await run { server in
            let now = server.vault.now()
            #expect(try await fill("s1/used.jpg", [9], at: server) == 201)
            let good = office.claims(file: "used.jpg", size: 1, now: now)
            let words: [(name: String, query: String, fields: [(String, String)], status: Int, reason: String)] = [
                ("none", "", [], 401, "slot-word-missing"),
                ("of another size", office.v("s1/used.jpg", 2), [], 403, "slot-word"),
                ("of another path", office.v("s1/b.jpg", 1), [], 403, "slot-word"),
                ("not hexadecimal", "?v=zz", [], 403, "slot-word"),
                (
                    "of another form", "?v=\(office.v2("s1/used.jpg", 1, "image/jpeg").dropFirst(4))", [], 403,
                    "slot-word"
                ),
                (
                    "a bad token beside a good code", office.v("s1/used.jpg", 1), [("Authorization", "Bearer x")], 403,
                    "slot-word"
                ),
                (
                    "signed by nobody", "", [office.bearer(good, secret: String(repeating: "q", count: 32))], 403,
                    "slot-word"
                ),
                (
                    "expired", "", [office.bearer(office.claims(file: "used.jpg", size: 1, now: now, expires: -100))],
                    403, "slot-expired"
                ),
                (
                    "for fewer bytes", "", [office.bearer(office.claims(file: "used.jpg", size: 0, now: now))], 413,
                    "too-large"
                ),
                (
                    "for more bytes", "", [office.bearer(office.claims(file: "used.jpg", size: 2, now: now))], 400,
                    "bad-field"
                ),
                ("good, the second time", office.v("s1/used.jpg", 1), [], 409, "slot-used"),
                ("a token, the second time", "", [office.bearer(good)], 409, "slot-used"),
            ]
            for (name, query, fields, status, reason) in words {
                for path in ["s1/used.jpg", "s1/free.jpg"] where status != 409 || path == "s1/used.jpg" {
                    let answer = try #require(
                        try await server.answer(to: "PUT", SlotOffice.target(path, query), fields: fields, body: [1]))
                    if path == "s1/used.jpg" {
                        #expect(answer.status == status && answer["x-reason"] == reason, "\(name)")
                    }
                    #expect(answer.status >= 400 && answer["access-control-allow-origin"] == "*", "\(name)")
                    #expect((answer["www-authenticate"] != nil) == (answer.status == 401), "\(name)")
                    #expect(answer["connection"] == "close", "\(name)")
                }
            }
            #expect(try await server.answer(to: "GET", SlotOffice.target("s1/used.jpg"))?.body == [9])
            #expect(try await server.answer(to: "GET", SlotOffice.target("s1/free.jpg"))?.status == 404)
            let chunked = try await server.connect()
            try await chunked.send(
                "PUT \(SlotOffice.target("s1/c.jpg", office.v("s1/c.jpg", 1))) HTTP/1.1\r\nHost: x\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
            #expect(await chunked.answer()?.status == 411)
            await chunked.close()
            let partial = try await server.answer(
                to: "PUT", SlotOffice.target("s1/c.jpg", office.v("s1/c.jpg", 1)),
                fields: [("Content-Range", "bytes 0-0/2")], body: [1])
            #expect(partial?.status == 400)
            #expect(server.observer.meters.slotsFilled.values.map(\.count) == [1])
            #expect(server.observer.meters.slotWordsRefused.values.map(\.label) == ["chat"])
        }
    }

    @Test func `every form of a word opens a slot, with the secret before the present one too`() async throws {
        let former = "another secret of thirty-two bytes"
        let both = SlotOffice(former: former)
        try await TestServer.run(
            acceptance: .sealedOnly, settings: { $0.slots = SlotSettings(doors: both.doors) }
        ) { server in
            let now = server.vault.now()
            let old = "?v=\(both.code("s1/d.jpg 1", former))"
            let table: [(path: String, query: String, fields: [(String, String)])] = [
                ("s1/a.jpg", both.v("s1/a.jpg", 1), []),
                ("s1/b.jpg", both.v2("s1/b.jpg", 1, "image/jpeg"), [("Content-Type", "image/jpeg")]),
                ("s1/c.xyz", both.v2("s1/c.xyz", 1, "x/y", name: "token"), [("Content-Type", "x/y")]),
                ("s1/d.jpg", old, []),
                ("s1/e.jpg", "", [both.bearer(both.claims(file: "e.jpg", size: 1, now: now))]),
                ("s1/f.jpg", "", [both.bearer(both.claims(file: "f.jpg", size: 1, now: now), secret: former)]),
            ]
            for (path, query, fields) in table {
                let answer = try await server.answer(
                    to: "PUT", SlotOffice.target(path, query), fields: fields, body: [1])
                #expect(answer?.status == 201, "\(path)")
                #expect(try await server.answer(to: "GET", SlotOffice.target(path))?.status == 200, "\(path)")
            }
            both.doors.replace([:])
            #expect(try await server.answer(to: "GET", SlotOffice.target("s1/a.jpg"))?.status == 404)
        }
    }

    @Test func `of two at once one is taken, and a body that breaks off leaves the slot free`() async throws {
        try await run { server in
            let target = SlotOffice.target("s1/a.jpg", office.v("s1/a.jpg", 300_000))
            let cut = try await server.connect()
            try await cut.send("PUT \(target) HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\nabcdefghijklmnop")
            while server.observer.meters.openUploads.value == 0 { try await Task.sleep(for: .milliseconds(5)) }
            await cut.close()
            while server.observer.meters.openUploads.value > 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await server.answer(to: "GET", SlotOffice.target("s1/a.jpg"))?.status == 404)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<6 {
                    let bytes = [UInt8](repeating: UInt8(number), count: 300_000)
                    group.addTask { try await server.answer(to: "PUT", target, body: bytes)?.status ?? 0 }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.sorted() == [201, 409, 409, 409, 409, 409])
            let got = try #require(try await server.answer(to: "GET", SlotOffice.target("s1/a.jpg")))
            #expect(got.body.count == 300_000 && Set(got.body).count == 1)
            let check = try await server.vault.check()
            #expect(check.isClean && check.blobsChecked == 1)
        }
    }

    @Test func `a slot ends when the chat server said, or else when the operator did, and never later`() async throws {
        try await run(
            settings: {
                $0.lifetime = .days(2)
                $0.longestLifetime = .days(3)
            }, server: { $0.cacheSeconds = 7200 }
        ) { server in
            /// Uploads to a slot, and expects that it ends so many seconds later.
            func put(_ file: String, end: Int64?, isLeft seconds: Int64) async throws {
                let before = server.vault.now()
                let claims = office.claims(file: file, size: 1, now: before, end: end)
                let answer = try await server.answer(
                    to: "PUT", SlotOffice.target("s1/\(file)"), fields: [office.bearer(claims)], body: [1])
                #expect(answer?.status == 201)
                let after = server.vault.now()
                let head = try #require(try await server.answer(to: "HEAD", SlotOffice.target("s1/\(file)")))
                let sunset = try #require(head["sunset"].flatMap { HTTPDate.parse($0) })
                #expect((seconds...after.secondsSince(before) + seconds).contains(sunset.secondsSince(before)))
                let freshness = head["cache-control"]?.split(separator: "max-age=").last.flatMap { Int64($0) }
                #expect(try #require(freshness) <= min(seconds, 7200))
            }
            try await put("a.jpg", end: 3600, isLeft: 3600)
            try await put("b.jpg", end: nil, isLeft: 2 * 86_400)
            try await put("c.jpg", end: 10_000_000, isLeft: 3 * 86_400)
            // The same bytes, and each of them by its own end.
            let report = try await server.vault.remove(
                RemoveOptions(.alias(try #require(SlotPath(door: "chat", encoded: "s1/b.jpg")).name), action: .takeDown)
            )
            #expect(report.leasesEnded == 3)
            for file in ["a.jpg", "b.jpg", "c.jpg"] {
                let gone = try #require(try await server.answer(to: "GET", SlotOffice.target("s1/\(file)")))
                #expect(
                    gone.status == 410 && gone.text.contains("removed") && gone["access-control-allow-origin"] == "*")
            }
        }
    }

    @Test func `a person is charged as by their ticket, and whom no word names by the door`() async throws {
        let tickets = try await TicketOffice()
        try await run(
            server: { $0.tickets = tickets.verifier },
            vault: {
                $0.bytesPerSubject = 10_000
                $0.leasesPerSharedSubject = 2
            }
        ) { server in
            let user = SlotOffice.user
            let ticket = tickets.ticket("xmpp:\(user)", now: server.vault.now())
            #expect(try await fill("\(user)/r1/a.jpg", [1], at: server) == 201)
            let quota = try #require(try await server.answer(to: "GET", "/quota", fields: [ticket]))
            #expect(quota.text.contains(#""bytes":{"limit":10000,"reserved":0,"used":4096}"#), "\(quota.text)")
            #expect(try await fill("\(user)/r2/a.jpg", [UInt8](repeating: 1, count: 6000), at: server) == 429)
            #expect(try await fill("\(user)/r2/a.jpg", [UInt8](repeating: 1, count: 10_001), at: server) == 413)
            let late = try #require(
                try await server.answer(
                    to: "PUT", SlotOffice.target("\(user)/r3/a.jpg", office.v("\(user)/r3/a.jpg", 6000)),
                    body: [UInt8](repeating: 2, count: 6000)))
            #expect(late["retry-after"] != nil && late["x-reason"] == "quota")
            #expect(try await fill("x/a.jpg", [UInt8](repeating: 1, count: 20_000), at: server) == 201)
            #expect(try await fill("x/b.jpg", [UInt8](repeating: 1, count: 20_000), at: server) == 201)
            #expect(try await fill("x/c.jpg", [1], at: server) == 429)
            let usage = try await server.vault.quotaUsage(of: "door:chat")
            #expect(usage.leases == 2 && usage.bytes == 40_000)
            let report = try await server.vault.remove(RemoveSubjectOptions(subject: "ticket:xmpp:\(user)"))
            #expect(report.leasesEnded == 1)
            #expect(try await server.answer(to: "GET", SlotOffice.target("\(user)/r1/a.jpg"))?.status == 410)
            #expect(try await server.answer(to: "GET", SlotOffice.target("x/a.jpg"))?.status == 200)
        }
    }

    @Test func `what is not encrypted is refused where the operator wants none`() async throws {
        try await run(settings: { $0.refusesPlaintext = true }) { server in
            let jpeg = [0xff, 0xd8, 0xff, 0xe0] + [UInt8](repeating: 5, count: 400_000)
            let client = try await server.connect()
            let target = SlotOffice.target("s1/a.jpg", office.v("s1/a.jpg", jpeg.count))
            try await client.send(
                Array("PUT \(target) HTTP/1.1\r\nHost: x\r\nContent-Length: \(jpeg.count)\r\n\r\n".utf8)
                    + jpeg.prefix(12))
            let refused = try #require(await client.answer())
            #expect(refused.status == 415 && refused["x-reason"] == "not-encrypted", "before the rest has come")
            await client.close()
            #expect(try await fill("s1/b.jpg", Array("%PDF-".utf8), at: server) == 415)
            #expect(try await fill("s1/a.jpg", [UInt8](repeating: 5, count: 400_000), at: server) == 201)
        }
    }

    @Test func `pages may ask first, and are told what they may`() async throws {
        try await run { server in
            for method in ["PUT", "GET"] {
                let answer = try #require(
                    try await server.answer(
                        to: "OPTIONS", SlotOffice.target("s1/a.jpg"),
                        fields: [("Origin", "https://chat.example"), ("Access-Control-Request-Method", method)]))
                #expect(answer.status == 204 && answer["access-control-allow-origin"] == "*")
                #expect(answer["access-control-allow-methods"] == "GET, PUT, HEAD")
                let fields = try #require(answer["access-control-allow-headers"])
                for name in ["Authorization", "Content-Type", "Range", "If-None-Match", "If-Range", "If-Match"] {
                    #expect(fields.contains(name), "\(name)")
                }
            }
            let wrong = try #require(try await server.answer(to: "DELETE", SlotOffice.target("s1/a.jpg")))
            #expect(wrong.status == 405 && wrong["allow"] == "GET, PUT, HEAD, OPTIONS")
        }
    }

    @Test func `without doors there are no slots`() async throws {
        try await TestServer.run { server in
            for method in ["GET", "PUT", "OPTIONS", "HEAD"] {
                let answer = try await server.answer(
                    to: method, SlotOffice.target("s1/a.jpg", office.v("s1/a.jpg", 1)),
                    body: method == "PUT" ? [1] : nil)
                #expect(answer?.status == 404, "\(method)")
            }
        }
    }

    @Test func `bytes that are not sealed are taken with a ticket that says so, in one request`() async throws {
        let tickets = try await TicketOffice()
        try await TestServer.run(acceptance: .sealedOnly, settings: { $0.tickets = tickets.verifier }) { server in
            let now = server.vault.now()
            let any = tickets.ticket("ann", now: now, adding: #","accept":"any""#)
            #expect(try await server.answer(to: "PUT", "/upload", fields: [any], body: [1, 2])?.status == 201)
            #expect(
                try await server.answer(to: "HEAD", "/upload", fields: [any, ("X-Content-Length", "2")])?.status == 200)
            let plain = tickets.ticket("ann", now: now)
            #expect(try await server.answer(to: "PUT", "/upload", fields: [plain], body: [1, 3])?.status == 415)
            let other = tickets.ticket("ann", now: now, adding: #","accept":"all""#)
            #expect(try await server.answer(to: "PUT", "/upload", fields: [other], body: [1, 3])?.status == 401)
            let kept = try await server.answer(
                to: "POST", "/uploads", fields: [any, ("Tus-Resumable", "1.0.0"), ("Upload-Length", "2")], body: [])
            #expect(kept?.status == 415, "an upload in several requests is sealed")
        }
    }

    @Test func `the access log tells doors and digits, and no path`() async throws {
        try await run { server in
            #expect(try await fill("s1/My holiday.jpg".replacing(" ", with: "_"), [1], at: server) == 201)
            _ = try await server.answer(to: "GET", SlotOffice.target("s1/My_holiday.jpg", "?v=abc"))
            _ = try await server.answer(to: "GET", "/slots/nowhere/s1/My_holiday.jpg")
            _ = try await server.answer(to: "GET", SlotOffice.target("s1/My_holiday.jpg/../x"))
            let log = try #require(server.observer.accessLog)
            let lines = log.takeAll().entries.map { AccessLogLine.text($0) }
            let digits = try #require(SlotPath(door: "chat", encoded: "s1/My_holiday.jpg")).name.abbreviated
            #expect(lines.count == 4)
            #expect(lines.prefix(2).allSatisfy { $0.contains("route=slot blob=slots/chat/\(digits) ") }, "\(lines)")
            for line in lines {
                #expect(!line.contains("holiday") && !line.contains("nowhere") && !line.contains("v="))
            }
        }
    }
}
