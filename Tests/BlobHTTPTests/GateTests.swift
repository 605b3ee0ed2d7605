import BlobHTTP
import Blobs
import Catalog
import HTTPTypes
import Store
import StoreRules
import TestSupport
import Testing
import Tickets
import Vault

@Suite(.timeLimit(.minutes(15))) struct GateTests {
    private static let methods = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]

    /// Every path that names something, for one blob.
    private static func paths(_ address: BlobAddress) -> [String] {
        let recipient = String(repeating: "A", count: 22)
        return [
            "/\(address.hex)", "/\(address.hex)/lease", "/\(address.hex)/leases",
            "/\(address.hex)/receipts/\(recipient)", "/upload", "/uploads",
            "/uploads/\(String(repeating: "0", count: 32))", "/quota", "/changes", "/open/\(address.hex)", "/healthz",
            "/readyz", "*",
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
            let fields = [
                office.ticket(now: server.vault.now()), ("Satchel-Owner", owner.hash.base64url),
                ("Satchel-Recipients", "2"),
            ]
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
                    #expect((answer.status == 401) == needs.contains(.ticket), "\(what)")
                    guard needs.contains(.ticket) else { continue }
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

    /// A request for each operation that takes a ticket: for a blob of 3 bytes, a minute and 2 recipients.
    private func fields(_ method: String, _ path: String, _ address: BlobAddress) -> [(String, String)] {
        let minute = ("Satchel-Lifetime", "60")
        let lease = [
            minute, ("Satchel-Recipients", "2"), ("X-SHA-256", address.hex), ("X-Content-Length", "3"),
            ("Satchel-Owner", Secret.random().hash.base64url),
        ]
        let metadata = [("lifetime", "60"), ("recipients", "2"), ("sha256", address.hex)]
            .map { "\($0.0) \(Base64.encode($0.1.utf8))" }.joined(separator: ",")
        return switch path {
        case "/uploads": [("Tus-Resumable", "1.0.0"), ("Upload-Length", "3"), ("Upload-Metadata", metadata)]
        case "/\(address.hex)/lease": [minute, ("Satchel-Secret", owner.base64url)]
        default: lease
        }
    }

    @Test func `every operation that takes a ticket asks each of its claims`() async throws {
        try await withServer { server, office, address in
            let now = server.vault.now()
            let other = TestServer.address(of: []).hex
            let table: [(claim: String, narrow: String, wide: String)] = [
                ("sha256", #""\#(other)""#, #""\#(address.hex)""#), ("max_size", "2", "3"),
                ("max_lifetime", "59", "60"), ("recipients", "1", "2"),
            ]
            let operations = try Self.operations(on: address).filter { $0.needs.contains(.ticket) }
            #expect(operations.count == 8, "all of them")
            for (method, path, _) in operations {
                let body: [UInt8]? = path == "/upload" && method != "HEAD" ? [1, 2, 3] : path == "/uploads" ? [] : nil
                for (claim, narrow, wide) in table {
                    for (value, isEnough) in [(narrow, path == "/quota"), (wide, true)] {
                        let ticket = office.ticket(now: now, adding: #","\#(claim)":\#(value)"#)
                        let all = fields(method, path, address) + [ticket]
                        let answer = try #require(try await server.answer(to: method, path, fields: all, body: body))
                        let what: Comment = "\(method) \(path) with \(claim) \(value): \(answer.statusLine)"
                        #expect(isEnough ? (200...201).contains(answer.status) : answer.status == 403, what)
                        #expect((answer["x-reason"] == "ticket-too-small") == !isEnough, what)
                        let names = answer.text.contains(#""limit_name":"\#(claim)""#)
                        #expect(isEnough || method == "HEAD" || names, what)
                    }
                }
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

    // MARK: The local ticket

    /// A server without keys, its local ticket as a field, and one blob of `owner`.
    private func withLocalServer(
        _ body: (TestServer, _ ticket: (String, String), BlobAddress) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let local = LocalTicket()
        let address = try #require(IPAddress("127.0.0.1"))
        let path = try local.write(address: address, port: 1, storage: folder.path) { _ in nil }
        let word = String(decoding: try bytes(ofFile: path), as: UTF8.self).dropLast()
        let ticket = ("Authorization", "Bearer \(word)")
        try await TestServer.run(settings: { $0.tickets = TicketVerifier(local) }) { server in
            let fields = [ticket, ("Satchel-Owner", owner.hash.base64url)]
            try await body(server, ticket, try await server.put([1, 2, 3], fields: fields))
        }
    }

    @Test func `without keys the local ticket is what a ticket is, and nothing else counts`() async throws {
        try await withLocalServer { server, ticket, address in
            let wrong = ("Authorization", "Bearer \(Secret.random().base64url)")
            let owned = ("Satchel-Secret", owner.base64url)
            for (method, path, needs) in try Self.operations(on: address) where needs.contains(.ticket) {
                let body: [UInt8]? = method == "PUT" ? [9] : nil
                for (fields, reason) in [([], "ticket-missing"), ([wrong], "ticket-invalid")] {
                    let answer = try await server.answer(to: method, path, fields: fields + [owned], body: body)
                    #expect(answer?.status == 401 && answer?["x-reason"] == reason, "\(method) \(path)")
                }
                let admitted = try await server.answer(to: method, path, fields: [ticket, owned], body: body)
                #expect(admitted?.status != 401, "\(method) \(path)")
            }
        }
    }

    @Test func `the local ticket counts whatever is in between, and charges nobody's address`() async throws {
        try await withLocalServer { server, ticket, _ in
            let fields = [
                ticket, ("Via", "1.1 proxy"), ("X-Forwarded-For", "1.2.3.4"), ("Origin", "https://page.example"),
            ]
            let host = "media.example"
            let answer = try await server.answer(to: "PUT", "/upload", fields: fields, body: [4], host: host)
            #expect(answer?.status == 201 && answer?["access-control-allow-origin"] == "*")
            #expect(try await server.vault.read { try $0.usage(of: "ticket:local").leases } == 2)
        }
    }

    @Test func `what a secret or an upload's id permits needs no local ticket, and a stale one does no harm`()
        async throws
    {
        try await withLocalServer { server, ticket, address in
            let tus = ("Tus-Resumable", "1.0.0")
            let length = ("Upload-Length", "2")
            let created = try await server.answer(to: "POST", "/uploads", fields: [ticket, tus, length])
            let place = try #require(created?["location"]?.firstMatch(of: /\/uploads\/.+$/)).output
            let stale = ("Authorization", "Bearer \(Secret.random().base64url)")
            let secret = ("Satchel-Secret", owner.base64url)
            for (offset, fields) in [("0", []), ("1", [stale])] {
                let answer = try await server.answer(
                    to: "PATCH", String(place),
                    fields: fields + [
                        tus, ("Upload-Offset", offset), ("Content-Type", "application/offset+octet-stream"),
                    ], body: [7])
                #expect(answer?.status == 204, "\(fields)")
            }
            for fields in [[secret], [secret, stale]] {
                #expect(try await server.answer(to: "GET", "/\(address.hex)/lease", fields: fields)?.status == 200)
                #expect(try await server.answer(to: "DELETE", "/\(address.hex)", fields: fields)?.status == 204)
            }
        }
    }
}
