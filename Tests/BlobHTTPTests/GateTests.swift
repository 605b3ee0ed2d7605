import BlobHTTP
import Blobs
import Catalog
import HTTPTypes
import Store
import StoreRules
import Testing
import Vault

@Suite(.timeLimit(.minutes(15))) struct GateTests {
    private static let methods = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]

    /// Every path that names something, for one blob.
    private static func paths(_ address: BlobAddress) -> [String] {
        let recipient = String(repeating: "A", count: 22)
        return [
            "/\(address.hex)", "/\(address.hex)/lease", "/\(address.hex)/leases",
            "/\(address.hex)/receipts/\(recipient)", "/upload", "/uploads",
            "/uploads/\(String(repeating: "0", count: 32))", "/quota", "/open/\(address.hex)", "/healthz", "/readyz",
            "*",
        ]
    }

    /// Everything that the API does, with its request line and what it must show.
    private static func operations(on address: BlobAddress) throws -> [(
        method: String, path: String, needs: RequiredCredentials
    )] {
        try paths(address).flatMap { path in
            let route = try #require(Route(target: path))
            return try methods.compactMap { method in
                let known = try #require(HTTPRequest.Method(method))
                return route.operation(of: known).map { (method, path, $0.needs) }
            }
        }
    }

    private let owner = Secret.random()

    /// A server that takes tickets and holds one blob of `owner`.
    private func withServer(
        _ body: (TestServer, TicketOffice, BlobAddress) async throws -> Void
    ) async throws {
        let office = try await TicketOffice()
        try await TestServer.run(settings: { $0.tickets = office.verifier }) { server in
            let fields = [office.ticket(now: server.vault.now()), ("Satchel-Owner", owner.hash.base64url)]
            try await body(server, office, try await server.put([1, 2, 3], fields: fields))
        }
    }

    @Test func `whatever needs a ticket is refused every bad one, and nothing else asks for one`() async throws {
        try await withServer { server, office, address in
            let bad = office.badTickets(now: server.vault.now())
            for (method, path, needs) in try Self.operations(on: address) {
                for (name, fields, reason) in bad {
                    let all = fields + [("Satchel-Secret", Secret.random().base64url)]
                    let answer = try #require(
                        try await server.answer(to: method, path, fields: all, body: method == "PUT" ? [9] : nil))
                    let what = "\(method) \(path) with a ticket \(name)"
                    let isChecked =
                        needs.contains(.ticket) || needs.contains(.offeredTicket) && reason == "ticket-invalid"
                    #expect((answer.status == 401) == isChecked, "\(what)")
                    guard isChecked else { continue }
                    #expect(answer["x-reason"] == reason, "\(what)")
                    #expect(answer["www-authenticate"]?.hasPrefix("Bearer") == true, "\(what)")
                    #expect(answer["cache-control"] == "no-store")
                }
            }
            #expect(try await server.answer(to: "GET", "/\(address.hex)")?.body == [1, 2, 3])
            let other = TestServer.address(of: [9]).hex
            #expect(try await server.answer(to: "GET", "/\(other)")?.status == 404, "nothing was stored")
        }
    }

    @Test func `a ticket may stand behind any number of blanks`() async throws {
        try await withServer { server, office, _ in
            let (name, value) = office.ticket(now: server.vault.now())
            let spaced = value.replacing("Bearer ", with: "bearer   ") + " "
            let answer = try await server.answer(to: "PUT", "/upload", fields: [(name, spaced)], body: [9])
            #expect(answer?.status == 201)
        }
    }

    @Test func `whatever needs a secret is refused without one, with a malformed one and with a wrong one`()
        async throws
    {
        try await withServer { server, office, address in
            let table: [(fields: [(String, String)], status: Int, reason: String)] = [
                ([], 403, "wrong-secret"), ([("Satchel-Secret", "short")], 400, "bad-field"),
                ([("Satchel-Secret", owner.hash.base64url)], 400, "bad-field"),
                ([("Satchel-Secret", Secret.random().base64url)], 403, "wrong-secret"),
            ]
            for (method, path, needs) in try Self.operations(on: address) where needs.contains(.secret) {
                let ticket = needs.contains(.ticket) ? [office.ticket(now: server.vault.now())] : []
                for (fields, status, reason) in table {
                    let answer = try #require(try await server.answer(to: method, path, fields: fields + ticket))
                    #expect(answer.status == status && answer["x-reason"] == reason, "\(method) \(path) \(fields)")
                }
            }
            #expect(try await server.answer(to: "GET", "/\(address.hex)")?.status == 200)
            let right = [("Satchel-Secret", owner.base64url)]
            #expect(try await server.answer(to: "GET", "/\(address.hex)/lease", fields: right)?.status == 200)
            #expect(try await server.answer(to: "DELETE", "/\(address.hex)", fields: right)?.status == 204)
        }
    }

    @Test func `a method is what the request line says, whatever a field says`() async throws {
        try await withServer { server, office, address in
            let secret = ("Satchel-Secret", owner.base64url)
            for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
                let read = try #require(
                    try await server.answer(to: "GET", "/\(address.hex)", fields: [secret, (name, "DELETE")]))
                #expect(read.status == 200 && read.body == [1, 2, 3])
                let ticket = office.ticket(now: server.vault.now())
                let upload = try await server.answer(to: "GET", "/upload", fields: [ticket, (name, "PUT")])
                #expect(upload?.status == 405)
            }
            #expect(try await server.answer(to: "GET", "/\(address.hex)")?.status == 200)
        }
    }

    @Test func `a ticket that is too small is refused before the first byte, by HEAD too`() async throws {
        try await withServer { server, office, _ in
            let now = server.vault.now()
            let body: [UInt8] = [5, 5, 5, 5]
            let right = TestServer.address(of: body).hex
            let hash = Secret.random().hash.base64url
            let table: [(claim: String, fields: [(String, String)], isEnough: Bool)] = [
                (#""max_size":3"#, [], false), (#""max_size":4"#, [], true),
                (#""sha256":"\#(right)""#, [], false),
                (#""sha256":"\#(right)""#, [("X-SHA-256", TestServer.address(of: []).hex)], false),
                (#""sha256":"\#(right)""#, [("X-SHA-256", right)], true),
                (#""max_lifetime":60"#, [("Satchel-Lifetime", "61")], false),
                (#""max_lifetime":60"#, [("Satchel-Lifetime", "60")], true),
                (#""recipients":2"#, [("Satchel-Recipients", "3")], false),
                (#""recipients":1"#, [("Satchel-Receipt", "\(hash),\(Secret.random().hash.base64url)")], false),
                (#""recipients":2"#, [("Satchel-Recipients", "2"), ("Satchel-Receipt", hash)], true),
                (#""recipients":2"#, [], true),
            ]
            for (claim, fields, isEnough) in table {
                let all = [office.ticket(now: now, adding: ",\(claim)")] + fields
                let head = try #require(
                    try await server.answer(to: "HEAD", "/upload", fields: all + [("X-Content-Length", "4")]))
                let put = try #require(try await server.answer(to: "PUT", "/upload", fields: all, body: body))
                for answer in [head, put] {
                    #expect((answer.status == 403) == !isEnough, "\(claim) \(fields) \(answer.statusLine)")
                    #expect((answer["x-reason"] == "ticket-too-small") == !isEnough)
                }
                #expect(isEnough || put["connection"] == "close")
            }
        }
    }

    @Test func `a forward takes a ticket that reaches as far as the blob`() async throws {
        try await withServer { server, office, address in
            let now = server.vault.now()
            let other = TestServer.address(of: []).hex
            let table: [(claim: String, status: Int)] = [
                (#""max_size":2"#, 403), (#""sha256":"\#(other)""#, 403), (#""recipients":1"#, 403),
                (#""max_lifetime":59"#, 403), (#""max_size":3,"sha256":"\#(address.hex)","max_lifetime":60"#, 201),
            ]
            for (claim, status) in table {
                let fields = [
                    office.ticket("ben", now: now, adding: ",\(claim)"), ("Satchel-Recipients", "2"),
                    ("Satchel-Lifetime", "60"), ("Satchel-Owner", Secret.random().hash.base64url),
                ]
                let answer = try #require(
                    try await server.answer(to: "POST", "/\(address.hex)/leases", fields: fields))
                #expect(answer.status == status, "\(claim)")
                #expect((answer["x-reason"] == "ticket-too-small") == (status == 403), "\(claim)")
            }
        }
    }

    @Test func `renewing takes the secret and a ticket of the one who made the lease`() async throws {
        try await withServer { server, office, address in
            let now = server.vault.now()
            let path = "/\(address.hex)/lease"
            let secret = ("Satchel-Secret", owner.base64url)
            let other = try await server.answer(to: "PATCH", path, fields: [office.ticket("ben", now: now), secret])
            #expect(other?.status == 403 && other?["x-reason"] == "wrong-subject")
            let own = try await server.answer(to: "PATCH", path, fields: [office.ticket(now: now), secret])
            #expect(own?.status == 200)
        }
    }

    @Test func `without a lifetime a lease lasts as long as the ticket allows, and the limit is kept with it`()
        async throws
    {
        try await withServer { server, office, _ in
            let now = server.vault.now()
            let fields = [office.ticket(now: now, adding: #","max_lifetime":600"#)]
            let answer = try #require(try await server.answer(to: "PUT", "/upload", fields: fields, body: [8]))
            let ends = answer.text.firstMatch(of: /"expires":(\d+)/).flatMap { Int64($0.1) }
            let begins = answer.text.firstMatch(of: /"uploaded":(\d+)/).flatMap { Int64($0.1) }
            #expect(try #require(ends) - #require(begins) == 600)
        }
    }

    @Test func `a ticket's subject is never taken for an address`() async throws {
        try await withServer { server, office, _ in
            let now = server.vault.now()
            let first = try await server.answer(
                to: "PUT", "/upload", fields: [office.ticket("address:127.0.0.1", now: now)], body: [7])
            #expect(first?.status == 201)
            let charge = try await server.vault.read { reader in
                (
                    try reader.usage(of: "ticket:address:127.0.0.1").leases,
                    try reader.usage(of: "address:127.0.0.1").leases
                )
            }
            #expect(charge == (1, 0))
        }
    }

    @Test func `where tickets are asked for, pages of any origin and proxies may bring them`() async throws {
        try await withServer { server, office, address in
            let fields = [
                office.ticket(now: server.vault.now()), ("Origin", "https://x.example"), ("X-Forwarded-For", "1.2.3.4"),
                ("Via", "1.1 proxy"),
            ]
            let answer = try #require(
                try await server.answer(to: "PUT", "/upload", fields: fields, body: [6], host: "media.example"))
            #expect(answer.status == 201 && answer["access-control-allow-origin"] == "*")
            let preflight = try #require(
                try await server.answer(
                    to: "OPTIONS", "/upload",
                    fields: [("Origin", "https://x.example"), ("Access-Control-Request-Method", "PUT")]))
            #expect(preflight["access-control-allow-origin"] == "*")
            #expect(preflight["access-control-allow-headers"]?.contains("Authorization") == true)
            #expect(try await server.answer(to: "GET", "/\(address.hex)", host: "media.example")?.status == 200)
        }
    }
}
