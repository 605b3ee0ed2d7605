import BlobHTTP
import Blobs
import NIOCore
import Store
import StoreRules
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
            #expect(number("leases_made.used", in: text) == 2 && number("leases_made.limit", in: text) == 10_000)
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
                    #expect(head?["x-limit-name"] == (status == 429 ? "bytes of this subject" : nil))
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

    /// A clock that stands still: no rate recovers, however slow the machine is.
    private static let stopped: @Sendable () -> NIODeadline = { .uptimeNanoseconds(1_000_000_000_000) }

    @Test func `requests beyond their rate are 429 with a time to wait, and health is not counted`() async throws {
        try await TestServer.run(settings: {
            $0.addressRates.requestsPerSecond = 1
            $0.rateClock = Self.stopped
        }) { server in
            let address = try await server.put([1])
            var statuses: [Int] = []
            for _ in 0..<20 {
                statuses.append(try #require(try await server.answer(to: "GET", "/\(address.hex)")).status)
            }
            #expect(statuses == Array(repeating: 200, count: 9) + Array(repeating: 429, count: 11))
            let refused = try #require(try await server.answer(to: "PUT", "/upload", body: [1]))
            #expect(refused.status == 429 && refused["x-reason"] == "rate" && refused["retry-after"] == "1")
            #expect(try await server.answer(to: "GET", "/healthz")?.status == 200)
        }
    }

    @Test func `what cannot be read as a request counts too`() async throws {
        try await TestServer.run(settings: {
            $0.addressRates.requestsPerSecond = 1
            $0.rateClock = Self.stopped
        }) { server in
            var statuses: [Int] = []
            for _ in 0..<20 {
                let client = try await server.connect()
                try await client.send("no request\r\n\r\n")
                statuses.append(await client.answer()?.status ?? 0)
            }
            #expect(statuses == Array(repeating: 400, count: 10) + Array(repeating: 429, count: 10))
        }
    }

    /// The statuses of 100 equal requests, which are sent ahead.
    private func statuses(of request: String, _ fields: String, at server: TestServer) async throws -> Set<Int> {
        let client = try await server.connect()
        let head = "\(request) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n"
        try await client.send(String(repeating: head, count: 100))
        var statuses: Set<Int> = []
        for _ in 0..<100 { statuses.insert(await client.answer(toHead: request.hasPrefix("HEAD"))?.status ?? 0) }
        await client.close()
        return statuses
    }

    private static let anything: [(request: String, status: Int)] = [
        ("GET /nothing", 404), ("GET /", 404), ("DELETE /healthz", 405), ("OPTIONS /upload", 204), ("OPTIONS *", 204),
        ("GET /readyz", 200), ("HEAD /healthz", 200), ("GET /open/" + String(repeating: "0", count: 64), 200),
        ("HEAD /uploads/" + String(repeating: "0", count: 32), 404), ("HEAD /uploads/madeup", 404),
        ("GET /" + String(repeating: "0", count: 64) + "/lease", 403), ("HEAD /upload", 400),
    ]

    @Test(arguments: anything.indices)
    func `every request counts, whatever it asks for, and against the client that a trusted proxy names`(
        index: Int
    ) async throws {
        let (request, status) = Self.anything[index]
        try await TestServer.run(settings: {
            $0.addressRates.requestsPerSecond = 1
            $0.rateClock = Self.stopped
            $0.proxies.ranges = [IPPrefix("127.0.0.0/8")].compactMap { $0 }
        }) { server in
            let fields = "Tus-Resumable: 1.0.0\r\nSatchel-Lifetime: x\r\n"
            let named = try await statuses(of: request, fields + "X-Forwarded-For: 192.0.2.1\r\n", at: server)
            #expect(named == [status, 429], "\(request)")
            let other = try await statuses(of: request, fields + "X-Forwarded-For: 192.0.2.2\r\n", at: server)
            #expect(other.contains(status), "another client has its own rate")
            let unnamed = try await statuses(of: request, fields, at: server)
            #expect(unnamed == [status], "a proxy of ours that names no client speaks for everybody")
        }
    }

    @Test func `bytes of answers and uploads count, for the client that a trusted proxy tells`() async throws {
        try await TestServer.run(settings: {
            $0.addressRates.bytesPerSecond = 1
            $0.rateClock = Self.stopped
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

    @Test func `bytes that continue an upload count for whoever began it, without a ticket`() async throws {
        let office = try await TicketOffice()
        try await TestServer.run(settings: {
            $0.tickets = office.verifier
            $0.subjectRates.bytesPerSecond = 1
            $0.rateClock = Self.stopped
        }) { server in
            let ann = office.ticket("ann", now: server.vault.now())
            let tus = ("Tus-Resumable", "1.0.0")
            let created = try #require(
                try await server.answer(
                    to: "POST", "/uploads", fields: [tus, ann, ("Upload-Length", "50000")], body: []))
            let path = String(try #require(created["location"]).dropFirst(server.url.count))
            let appended = try await server.answer(
                to: "PATCH", path,
                fields: [tus, ("Content-Type", "application/offset+octet-stream"), ("Upload-Offset", "0")],
                body: [UInt8](repeating: 7, count: 50_000))
            #expect(appended?.status == 204)
            let quota = try await server.answer(to: "GET", "/quota", fields: [ann])
            #expect(quota?.status == 429 && quota?["x-reason"] == "rate")
        }
    }

    @Test func `a subject has rates of its own, wherever it asks from, and bad tickets do not count`() async throws {
        let office = try await TicketOffice()
        try await TestServer.run(settings: {
            $0.tickets = office.verifier
            $0.subjectRates.requestsPerSecond = 1
            $0.rateClock = Self.stopped
        }) { server in
            let now = server.vault.now()
            let forged = try await TicketOffice().ticket("ann", now: now)
            for _ in 0..<30 {
                #expect(try await server.answer(to: "GET", "/quota", fields: [forged])?.status == 401)
            }
            let ann = office.ticket("ann", now: now)
            var statuses: [Int] = []
            let client = try await server.connect()
            let request = "GET /quota HTTP/1.1\r\nHost: x\r\n\(ann.0): \(ann.1)\r\n\r\n"
            try await client.send(String(repeating: request, count: 100))
            for _ in 0..<100 { statuses.append(await client.answer()?.status ?? 0) }
            await client.close()
            #expect(statuses.first == 200 && Set(statuses) == [200, 429])
            let ben = office.ticket("ben", now: now)
            #expect(try await server.answer(to: "GET", "/quota", fields: [ben])?.status == 200)
        }
    }
}
