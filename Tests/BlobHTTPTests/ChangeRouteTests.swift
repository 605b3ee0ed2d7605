import BlobHTTP
import Blobs
import Store
import Synchronization
import Telemetry
import TestSupport
import Testing
import Tickets
import Vault

/// The feed of changes as an edge reads it, over a socket.
@Suite(.timeLimit(.minutes(15))) struct ChangeRouteTests {
    let key = EdgeKey.random()
    private let owner = Secret.random()

    func bearer(_ key: EdgeKey) -> (String, String) { ("Authorization", "Bearer \(key.base64url)") }

    func withServer(
        settings change: (inout BlobServerSettings) -> Void = { _ in }, shutdownTimeout: Duration = .seconds(5),
        changes: @Sendable (any ChangeFeed) -> any ChangeFeed = { $0 },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        try await TestServer.run(
            shutdownTimeout: shutdownTimeout,
            settings: {
                $0.edgeKeys = EdgeKeys([EdgeKey.random(), key])
                change(&$0)
            }, changes: { changes($0) }, body)
    }

    /// A reader whose answer has begun, and the first line.
    func follow(
        _ server: TestServer, after position: ChangePosition? = nil
    ) async throws -> (client: RawClient, first: ChangeLine) {
        let client = try await server.connect()
        let query = position.map { "?after=\($0)" } ?? ""
        let (name, value) = bearer(key)
        try await client.send("GET /changes\(query) HTTP/1.1\r\nHost: x\r\n\(name): \(value)\r\n\r\n")
        let head = try #require(await client.answer(toHead: true))
        #expect(head.status == 200, "\(head.statusLine)")
        #expect(head["content-type"] == "text/plain; charset=utf-8" && head["cache-control"] == "no-store")
        #expect(head["content-length"] == nil && head["transfer-encoding"] == "chunked")
        return (client, try #require(try await line(of: client)))
    }

    private struct NoLine: Error { let text: String }

    /// The next line; nil at the end.
    func line(of client: RawClient) async throws -> ChangeLine? {
        guard let text = await client.line() else { return nil }
        guard let line = ChangeLine.parse(text) else { throw NoLine(text: text) }
        return line
    }

    /// The next line that is no tick.
    func news(of client: RawClient) async throws -> ChangeLine? {
        while let line = try await line(of: client) {
            if case .tick = line { continue }
            return line
        }
        return nil
    }

    /// Lines until the next tick, that included.
    func linesToTick(of client: RawClient) async throws -> [ChangeLine] {
        var lines: [ChangeLine] = []
        while let line = try await line(of: client) {
            lines.append(line)
            if case .tick = line { break }
        }
        return lines
    }

    private func put(_ server: TestServer, _ byte: UInt8) async throws -> BlobAddress {
        try await server.put([byte, 1], fields: [("Satchel-Owner", owner.hash.base64url)])
    }

    private func revoke(_ address: BlobAddress, at server: TestServer) async throws {
        let answer = try await server.answer(
            to: "DELETE", "/\(address.hex)", fields: [("Satchel-Secret", owner.base64url)])
        #expect(answer?.status == 204)
    }

    // MARK: What is told

    @Test func `an edge hears of what is revoked, and again and again that there is nothing else`() async throws {
        try await withServer { server in
            let start = server.vault.changes.position
            let (client, first) = try await follow(server, after: start)
            #expect(first == .at(start))
            #expect(try await line(of: client) == .tick(number: 0), "the first comes at once")
            let (revoked, kept) = (try await put(server, 1), try await put(server, 2))
            try await revoke(revoked, at: server)
            #expect(try await news(of: client) == .change(number: 1, AddressPrefix(revoked)))
            for _ in 0..<3 { #expect(try await linesToTick(of: client) == [.tick(number: 1)]) }
            try await revoke(kept, at: server)
            #expect(try await news(of: client) == .change(number: 2, AddressPrefix(kept)))
            await client.close()
        }
    }

    @Test func `a reader reads on from any position, and what it missed comes first`() async throws {
        try await withServer { server in
            let start = server.vault.changes.position
            var addresses: [BlobAddress] = []
            for byte in 0..<5 as Range<UInt8> { addresses.append(try await put(server, byte)) }
            for address in addresses { try await revoke(address, at: server) }
            for seen in 0...5 {
                let position = ChangePosition(epoch: start.epoch, number: Int64(seen))
                let (client, first) = try await follow(server, after: position)
                #expect(first == .at(position))
                let missed = addresses.enumerated().dropFirst(seen).map { index, address in
                    ChangeLine.change(number: Int64(index + 1), AddressPrefix(address))
                }
                #expect(try await linesToTick(of: client) == missed + [.tick(number: 5)])
                await client.close()
            }
        }
    }

    @Test(arguments: [
        "", "?after=", "?after=x", "?after=0000000000000000-0", "?before=1", "?after=EPOCH-99", "?after=EPOCH-01",
        "?after=EPOCH", "?after=EPOCH-", "?after=EPOCH-99999999999999999999",
    ])
    func `a position that is not known is lost, and the feed begins at the present`(query: String) async throws {
        try await withServer { server in
            try await revoke(try await put(server, 1), at: server)
            let position = server.vault.changes.position
            let epoch = String("\(position)".prefix(16))
            let client = try await server.connect()
            let (name, value) = bearer(key)
            let target = "/changes" + query.replacing("EPOCH", with: epoch)
            try await client.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\(name): \(value)\r\n\r\n")
            #expect(await client.answer(toHead: true)?.status == 200)
            #expect(try await line(of: client) == .lost(position), "\(query)")
            #expect(try await line(of: client) == .tick(number: 1))
            await client.close()
        }
    }

    @Test func `a position among other members of a query is found`() async throws {
        try await withServer { server in
            let client = try await server.connect()
            let position = server.vault.changes.position
            let (name, value) = bearer(key)
            let target = "/changes?x=1&after=\(position)&after=x"
            try await client.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\(name): \(value)\r\n\r\n")
            #expect(await client.answer(toHead: true)?.status == 200)
            #expect(try await line(of: client) == .at(position))
            await client.close()
        }
    }

    @Test func `thousands of changes that wait come in order, in few writes, with a tick behind them`() async throws {
        try await withServer { server in
            let start = server.vault.changes.position
            let prefixes = (0..<50_000).compactMap { AddressPrefix(bits: UInt64($0) * 7919) }
            server.vault.changes.append(prefixes)
            let (client, _) = try await follow(server, after: start)
            for (index, prefix) in prefixes.enumerated() {
                let line = try await line(of: client)
                guard line == .change(number: Int64(index + 1), prefix) else {
                    Issue.record("\(String(describing: line)) at \(index)")
                    break
                }
            }
            #expect(try await line(of: client) == .tick(number: 50_000))
            await client.close()
        }
    }

    @Test func `a hundred edges hear the same`() async throws {
        try await withServer { server in
            let start = server.vault.changes.position
            var clients: [RawClient] = []
            for _ in 0..<100 { clients.append(try await follow(server, after: start).client) }
            let address = try await put(server, 1)
            try await revoke(address, at: server)
            for client in clients {
                #expect(try await news(of: client) == .change(number: 1, AddressPrefix(address)))
            }
            for client in clients { await client.close() }
            // They notice with the next tick that their readers have gone.
            try await eventually { server.vault.changes.waiterCount == 0 }
            try await eventually { server.vault.meters.requests.count(route: .changes, status: 200) == 100 }
        }
    }

    // MARK: A relay

    /// A feed that hears of changes from elsewhere.
    final class Relay: ChangeFeed {
        let changes = ChangeRing()
        let isSure = Atomic(false)
        let timesAsked = Atomic(0)

        var knowsAllChanges: Bool {
            timesAsked.wrappingAdd(1, ordering: .relaxed)
            return isSure.load(ordering: .acquiring)
        }
    }

    @Test func `a relay says that it knows all only while it does, and passes changes on at any time`() async throws {
        let relay = Relay()
        try await withServer(changes: { _ in relay }) { server in
            let (client, first) = try await follow(server, after: relay.changes.position)
            #expect(first == .at(relay.changes.position))
            let prefixes = try ["000000000001", "0000000000ff"].map { try #require(AddressPrefix(hex: $0)) }
            // Longer than it takes for a tick to come.
            try await Task.sleep(for: .milliseconds(1500))
            relay.changes.append([prefixes[0]])
            #expect(try await line(of: client) == .change(number: 1, prefixes[0]), "no tick before it")
            relay.isSure.store(true, ordering: .releasing)
            #expect(try await line(of: client) == .tick(number: 1))
            relay.changes.append([prefixes[1]])
            #expect(try await news(of: client) == .change(number: 2, prefixes[1]))
            await client.close()
        }
    }

    @Test func `a relay that has missed changes ends the feed, and its readers hear that theirs are lost`() async throws
    {
        let relay = Relay()
        try await withServer(changes: { _ in relay }) { server in
            let before = relay.changes.position
            let (client, _) = try await follow(server, after: before)
            relay.changes.startOver()
            #expect(try await news(of: client) == nil)
            #expect(await client.rest().isEmpty)
            let (again, first) = try await follow(server, after: before)
            #expect(first == .lost(relay.changes.position))
            for client in [client, again] { await client.close() }
        }
    }

    // MARK: Who may hear it

    @Test func `without keys of edges there is no such route`() async throws {
        try await TestServer.run { server in
            for method in ["GET", "HEAD", "OPTIONS", "POST"] {
                let answer = try #require(try await server.answer(to: method, "/changes", fields: [bearer(key)]))
                #expect(answer.status == 404 && answer["x-reason"] == "not-found", "\(method)")
            }
        }
    }

    @Test func `nobody hears it without a key, or with a wrong one`() async throws {
        let office = try await TicketOffice()
        try await withServer(settings: { $0.tickets = office.verifier }) { server in
            let wrong = EdgeKey.random()
            let table: [(name: String, fields: [(String, String)], reason: String)] = [
                ("no field", [], "edge-key-missing"),
                ("another scheme", [("Authorization", "Basic \(key.base64url)")], "edge-key-missing"),
                ("no token", [("Authorization", "Bearer")], "edge-key-missing"),
                ("a wrong key", [bearer(wrong)], "edge-key-invalid"),
                ("half a key", [("Authorization", "Bearer \(key.base64url.dropLast())")], "edge-key-invalid"),
                ("two keys", [bearer(key), bearer(key)], "edge-key-invalid"),
                ("a ticket", [office.ticket(now: server.vault.now())], "edge-key-invalid"),
                ("another field", [("Satchel-Secret", key.base64url)], "edge-key-missing"),
            ]
            for (name, fields, reason) in table {
                let answer = try #require(try await server.answer(to: "GET", "/changes", fields: fields))
                #expect(answer.status == 401 && answer["x-reason"] == reason, "\(name): \(answer.statusLine)")
                #expect(answer["www-authenticate"]?.hasPrefix("Bearer") == true)
                #expect(answer["cache-control"] == "no-store")
                #expect(!answer.text.contains(key.base64url))
            }
            let upload = try await server.answer(to: "PUT", "/upload", fields: [bearer(key)], body: [1])
            #expect(upload?.status == 401 && upload?["x-reason"] == "ticket-invalid", "an edge's key is no ticket")
            let head = try await server.answer(to: "HEAD", "/changes", fields: [bearer(key)])
            #expect(head?.status == 405 && head?["allow"] == "GET, OPTIONS")
        }
    }

    @Test func `whose key is taken away hears no more`() async throws {
        let keys = EdgeKeys([key])
        try await withServer(settings: { $0.edgeKeys = keys }) { server in
            let (client, _) = try await follow(server)
            keys.replace([EdgeKey.random()])
            #expect(try await news(of: client) == nil)
            await client.close()
            #expect(try await server.answer(to: "GET", "/changes", fields: [bearer(key)])?.status == 401)
        }
    }
}
