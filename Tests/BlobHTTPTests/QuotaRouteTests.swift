import BlobHTTP
import Blobs
import Store
import Testing
import Vault

@Suite(.timeLimit(.minutes(15))) struct QuotaRouteTests {
    /// The number of a member of the document of `GET /quota`.
    private func number(_ path: String, in text: String) -> Int64? {
        var rest = text[...]
        for name in path.split(separator: ".") {
            guard let place = rest.firstRange(of: "\"\(name)\":") else { return nil }
            rest = rest[place.upperBound...]
        }
        return Int64(rest.prefix { $0.isNumber })
    }

    @Test func `a ticket's holder sees what is used, what is left, and when more comes back`() async throws {
        let office = try await TicketOffice()
        try await TestServer.run(
            settings: { $0.tickets = office.verifier }, vault: { $0.bytesPerSubject = 20_000 }
        ) { server in
            let now = server.vault.now()
            let ann = office.ticket("ann", now: now)
            let before = try #require(try await server.answer(to: "GET", "/quota", fields: [ann]))
            #expect(before.status == 200 && before["cache-control"] == "no-store")
            #expect(number("bytes.used", in: before.text) == 0 && number("next_end", in: before.text) == nil)
            for (byte, lifetime) in [(1, 7200), (2, 3600)] as [(UInt8, Int)] {
                let fields = [ann, ("Satchel-Lifetime", "\(lifetime)")]
                _ = try await server.put([UInt8](repeating: byte, count: 5000), fields: fields)
            }
            let text = try #require(try await server.answer(to: "GET", "/quota", fields: [ann])).text
            #expect(number("bytes.used", in: text) == 10_000 && number("bytes.limit", in: text) == 20_000)
            #expect(number("bytes.reserved", in: text) == 0 && number("leases.used", in: text) == 2)
            #expect(number("leases.limit", in: text) == 10_000 && number("uploads.used", in: text) == 0)
            let end = try #require(number("next_end", in: text))
            #expect((3500...3700).contains(end - now.seconds))
            let others = try #require(
                try await server.answer(to: "GET", "/quota", fields: [office.ticket("ben", now: now)]))
            #expect(number("bytes.used", in: others.text) == 0)
        }
    }

    @Test func `what can never fit is 413, what can later is 429 with a time to wait`() async throws {
        let office = try await TicketOffice()
        try await TestServer.run(
            settings: { $0.tickets = office.verifier }, vault: { $0.bytesPerSubject = 10_000 }
        ) { server in
            let ann = office.ticket("ann", now: server.vault.now())
            let table: [(size: Int, status: Int, reason: String?)] = [
                (10_001, 413, "too-large"), (6000, 201, nil), (6001, 429, "quota"), (4000, 429, "quota"),
            ]
            for (size, status, reason) in table {
                let body = [UInt8](repeating: UInt8(truncatingIfNeeded: size), count: size)
                if status != 201 {
                    let head = try await server.answer(
                        to: "HEAD", "/upload", fields: [ann, ("X-Content-Length", "\(size)")])
                    #expect(head?.status == status && head?["x-reason"] == reason, "HEAD \(size)")
                }
                let answer = try #require(try await server.answer(to: "PUT", "/upload", fields: [ann], body: body))
                #expect(answer.status == status && answer["x-reason"] == reason, "\(size)")
                #expect((answer["retry-after"].flatMap { Int($0) } ?? 0 >= 60) == (status == 429))
                #expect(status != 429 || answer.text.contains("bytes of this subject"))
            }
        }
    }

    @Test func `an upload too many at once is refused, and room comes back when one goes`() async throws {
        try await TestServer.run(vault: { $0.openUploadsPerSubject = 1 }) { server in
            let first = try await server.connect()
            try await first.send("PUT /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nabcd")
            while try await server.answer(to: "HEAD", "/upload")?.status == 200 {
                try await Task.sleep(for: .milliseconds(5))
            }
            let second = try #require(try await server.answer(to: "PUT", "/upload", body: [1]))
            #expect(second.status == 429 && second["x-reason"] == "quota" && second["retry-after"] == "5")
            await first.close()
            while try await server.answer(to: "HEAD", "/upload")?.status != 200 {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(try await server.answer(to: "PUT", "/upload", body: [1])?.status == 201)
        }
    }

    @Test func `requests beyond their rate are 429 with a time to wait, and health is not counted`() async throws {
        try await TestServer.run(settings: { $0.addressRates.requestsPerSecond = 1 }) { server in
            let path = "/" + String(repeating: "0", count: 64)
            var statuses: Set<Int> = []
            // Sent ahead, so that a slow machine gives no time for the rate to recover.
            let client = try await server.connect()
            try await client.send(String(repeating: "GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n", count: 30))
            for _ in 0..<30 { statuses.insert(await client.answer()?.status ?? 0) }
            await client.close()
            #expect(statuses == [404, 429])
            // Time passes here too, and now and then one is let in.
            var refused = try #require(try await server.answer(to: "PUT", "/upload", body: [1]))
            for _ in 0..<50 where refused.status != 429 {
                refused = try #require(try await server.answer(to: "PUT", "/upload", body: [1]))
            }
            #expect(refused.status == 429 && refused["x-reason"] == "rate")
            #expect(refused["retry-after"].flatMap { Int($0) } ?? 0 >= 1)
            #expect(try await server.answer(to: "GET", "/healthz")?.status == 200)
        }
    }

    @Test func `bytes of answers and uploads count, for the client that a trusted proxy tells`() async throws {
        try await TestServer.run(settings: {
            $0.addressRates.bytesPerSecond = 1
            $0.allowsAnonymousUploads = true
            $0.proxies.ranges = [IPPrefix("127.0.0.0/8")].compactMap { $0 }
        }) { server in
            func client(_ address: String) -> [(String, String)] { [("X-Forwarded-For", address)] }
            let address = try await server.put([UInt8](repeating: 1, count: 50_000), fields: client("192.0.2.1"))
            let path = "/\(address.hex)"
            #expect(try await server.answer(to: "GET", path, fields: client("192.0.2.1"))?.status == 429)
            #expect(try await server.answer(to: "HEAD", path, fields: client("192.0.2.2"))?.status == 200)
            #expect(try await server.answer(to: "GET", path, fields: client("192.0.2.2"))?.body.count == 50_000)
            #expect(try await server.answer(to: "HEAD", path, fields: client("192.0.2.2"))?.status == 429)
            #expect(try await server.answer(to: "GET", path, fields: client("192.0.2.3"))?.status == 200)
        }
    }

    @Test func `a subject has rates of its own, wherever it asks from, and bad tickets do not count`() async throws {
        let office = try await TicketOffice()
        try await TestServer.run(settings: {
            $0.tickets = office.verifier
            $0.subjectRates.requestsPerSecond = 1
        }) { server in
            let now = server.vault.now()
            let forged = try await TicketOffice().ticket("ann", now: now)
            for _ in 0..<30 {
                #expect(try await server.answer(to: "GET", "/quota", fields: [forged])?.status == 401)
            }
            let ann = office.ticket("ann", now: now)
            var statuses: [Int] = []
            // Sent ahead, so that a slow machine gives no time for the rate to recover.
            let client = try await server.connect()
            let request = "GET /quota HTTP/1.1\r\nHost: x\r\n\(ann.0): \(ann.1)\r\n\r\n"
            try await client.send(String(repeating: request, count: 30))
            for _ in 0..<30 { statuses.append(await client.answer()?.status ?? 0) }
            await client.close()
            #expect(statuses.first == 200 && Set(statuses) == [200, 429])
            let ben = office.ticket("ben", now: now)
            #expect(try await server.answer(to: "GET", "/quota", fields: [ben])?.status == 200)
        }
    }
}
