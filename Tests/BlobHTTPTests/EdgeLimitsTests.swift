import Blobs
import HTTPTypes
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Store
import Synchronization
import Telemetry
import TestSupport
import Testing
import Tickets
import Vault

@testable import BlobHTTP

/// What comes from an edge for nobody in particular counts neither against a rate nor for a share of the connections.
@Suite(.timeLimit(.minutes(15))) struct EdgeLimitsTests {
    private let key = EdgeKey.random()

    /// Fields with the end of their line, which is one character.
    private var good: String { "Authorization: Bearer \(key.base64url)\r\n" }
    private var wrong: String { "Authorization: Bearer \(EdgeKey.random().base64url)\r\n" }

    /// The statuses of 100 equal requests. They are sent ahead, so that a slow machine gives no time for a rate to recover.
    private func statuses(of request: String, _ fields: String, at server: TestServer) async throws -> Set<Int> {
        let client = try await server.connect()
        let head = "\(request) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n"
        try await client.send(String(repeating: head, count: 100))
        var statuses: Set<Int> = []
        for _ in 0..<100 { statuses.insert(await client.answer(toHead: request.hasPrefix("HEAD"))?.status ?? 0) }
        await client.close()
        return statuses
    }

    @Test func `an edge's requests count against no address, and those with a wrong key do`() async throws {
        try await TestServer.run(settings: {
            $0.addressRates.requestsPerSecond = 1
            $0.addressRates.bytesPerSecond = 1
            $0.edgeKeys = EdgeKeys([key])
        }) { server in
            let address = try await server.put([1, 2, 3])
            for (request, status) in [("GET /\(address.hex)", 200), ("HEAD /\(address.hex)", 200), ("GET /x", 404)] {
                #expect(try await statuses(of: request, good, at: server) == [status], "\(request)")
            }
            for fields in [wrong, ""] {
                #expect(try await statuses(of: "GET /\(address.hex)", fields, at: server).contains(429))
            }
            #expect(try await statuses(of: "GET /changes", wrong, at: server).contains(429))
        }
    }

    @Test func `refused keys count like any request`() async throws {
        try await TestServer.run(settings: {
            $0.addressRates.requestsPerSecond = 1
            $0.edgeKeys = EdgeKeys([key])
        }) { server in
            let found = try await statuses(of: "GET /changes", wrong, at: server)
            #expect(found == [401, 429])
        }
    }

    @Test func `a client that an edge names counts, whatever key is shown with it`() async throws {
        try await TestServer.run(settings: {
            $0.addressRates.requestsPerSecond = 1
            $0.proxies.ranges = [IPPrefix("127.0.0.0/8")].compactMap { $0 }
            $0.edgeKeys = EdgeKeys([key])
        }) { server in
            let path = "GET /" + String(repeating: "0", count: 64)
            let named = good + "X-Forwarded-For: 192.0.2.1\r\n"
            let found = try await statuses(of: path, named, at: server)
            #expect(found == [404, 429])
            #expect(try await statuses(of: path, good, at: server) == [404])
        }
    }

    @Test func `a name that nobody trusted gives is no name`() async throws {
        try await TestServer.run(settings: {
            $0.addressRates.requestsPerSecond = 1
            $0.edgeKeys = EdgeKeys([key])
        }) { server in
            let path = "GET /" + String(repeating: "0", count: 64)
            let named = "X-Forwarded-For: 192.0.2.1\r\n"
            let found = try await statuses(of: path, good + named, at: server)
            #expect(found == [404])
            #expect(try await statuses(of: path, named, at: server) == [404, 429])
        }
    }

    @Test func `without keys no field is looked at for one`() throws {
        let gate = Gate(BlobServerSettings(listen: Authority(host: "127.0.0.1", port: 0)))
        let peer = try #require(ClientAddress(text: "192.0.2.1"))
        let payer = gate.payer(peer: peer) { name in
            Issue.record("\(name) was looked at")
            return nil
        }
        #expect(payer.client == nil && !payer.isEdge)
    }

    // MARK: Reads that wait for the origin

    @Test func `whoever has most reads waiting gets no more once they run short, and others do`() async throws {
        let distant = Mutex<DistantStore?>(nil)
        try await TestServer.run(
            settings: {
                $0.fetchLimit = 16
                $0.proxies.ranges = [IPPrefix("127.0.0.0/8")].compactMap { $0 }
            },
            reads: { store in
                let reader = DistantStore(store)
                distant.withLock { $0 = reader }
                return reader
            },
            { server in
                let store = try #require(distant.withLock { $0 })
                store.fallSilent()
                var waiting: [RawClient] = []
                func ask(_ number: Int, for client: String) async throws -> RawClient {
                    let path = "/" + String(repeating: "0", count: 62) + "\(number)"
                    let connection = try await server.connect()
                    try await connection.send("GET \(path) HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: \(client)\r\n\r\n")
                    return connection
                }
                for number in 10..<22 { waiting.append(try await ask(number, for: "2001:db8::\(number)")) }
                try await eventually { store.intents.count == 12 }
                let refused = try #require(await ask(22, for: "2001:db8::1").answer())
                #expect(refused.status == 429 && refused["retry-after"] == "2" && refused["x-reason"] == "rate")
                // Whoever leaves has asked all the same.
                await waiting.removeFirst().close()
                #expect(try await ask(22, for: "2001:db8::1").answer()?.status == 429)
                waiting.append(try await ask(23, for: "2001:db8:0:1::1"))
                try await eventually { store.intents.count == 13 }
                store.fallSilent(false)
                for connection in waiting { #expect(await connection.answer()?.status == 404) }
                for connection in waiting { await connection.close() }
                // Its places are free again.
                try await eventually { await (try ask(22, for: "2001:db8::1")).answer()?.status == 404 }
            })
    }

    // MARK: Connections

    private static let unread = "/" + String(repeating: "ab", count: 32)

    /// Where reads are refused before a store is asked.
    private func path(_ store: any BlobStore) -> ReadPath {
        var settings = BlobServerSettings(listen: Authority(host: "127.0.0.1", port: 0))
        settings.edgeKeys = EdgeKeys([key])
        return ReadPath(
            store: store, gate: Gate(settings), cacheSeconds: 300, limits: .init(),
            observer: RequestObserver(meters: Meters(codes: Problem.Code.allCases)), logger: Logger(label: "test"))
    }

    /// A new connection of one customer; nil where it has its share.
    private func connect(_ connections: OpenConnections) throws -> (channel: EmbeddedChannel, account: OpenConnection)?
    {
        let channel = EmbeddedChannel()
        channel.remoteAddress = try SocketAddress(ipAddress: "192.0.2.1", port: 1)
        return connections.add(channel).map { (channel, $0) }
    }

    @Test(arguments: [true, false])
    func `a connection on which a key was shown is in nobody's share`(isRight: Bool) async throws {
        try await TestServer.run { server in
            let (path, limits) = (path(server.vault), ConnectionLimits())
            let connections = OpenConnections(limit: 8, limitBytes: 1 << 20, proxies: TrustedProxies())
            let all = try (0..<6).map { _ in try #require(try connect(connections)) }
            #expect(try connect(connections) == nil, "three quarters are taken by one")
            let field = isRight ? good : wrong
            for (channel, account) in all.prefix(3) {
                try HTTP1Pipeline(
                    limits: limits, reads: path, uploads: nil, now: { Timestamp(seconds: 0) }, isSecure: false,
                    serve: { _ in }
                ).add(to: channel, account, LoopTurns(channel.eventLoop))
                let request = "GET \(Self.unread) HTTP/1.1\r\nHost: x\r\n\(field)Content-Length: 5\r\n\r\n"
                try channel.writeInbound(ByteBuffer(string: request))
            }
            for (channel, account) in all.dropFirst(3).prefix(2) {
                let stream = StreamGuard(limits: limits)
                stream.connection = HTTP2ConnectionGuard(
                    limits: limits, account: account, LoopTurns(channel.eventLoop)
                ) { true }
                let handler = StreamRequests(
                    stream, HTTP2WriteBudget(on: channel.eventLoop), of: account.peer,
                    cache: path.cache(on: channel.eventLoop)
                ) { _ in }
                try channel.pipeline.syncOperations.addHandler(handler)
                var fields: HTTPFields = [.contentLength: "5"]
                fields[.authorization] = String(field.dropFirst("Authorization: ".count).dropLast())
                let head = HTTPRequest(
                    method: .get, scheme: "https", authority: "x", path: Self.unread, headerFields: fields)
                try channel.writeInbound(HTTPRequestPart.head(head))
            }
            if isRight {
                // What the responder says of a request that is none of a blob.
                let (channel, account) = all[5]
                let connection = ConnectionGuard(limits: limits, account: account, LoopTurns(channel.eventLoop))
                try channel.pipeline.syncOperations.addHandler(connection)
                channel.triggerUserOutboundEvent(EdgeShownEvent(), promise: nil)
            }
            #expect(try (connect(connections) == nil) == !isRight)
            for (channel, _) in all { _ = try? channel.finish(acceptAlreadyClosed: true) }
            // What went does not count twice.
            for _ in 0..<(isRight ? 5 : 6) { #expect(try connect(connections) != nil) }
        }
    }
}
