import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import BlobHTTP

/// Requests that a client sends before the earlier ones are answered: how many are decoded, and what they count for.
@Suite struct SentAheadTests {
    private static let get = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test(
        arguments: [
            (String(repeating: get, count: 100), 32, 0, 32 * get.utf8.count),
            (String(repeating: get, count: 100), 1, 0, get.utf8.count),
            (String(repeating: get, count: 100), 0, 0, 0),
            (String(repeating: get, count: 31), 32, 0, 31 * get.utf8.count),
            (String(repeating: "x", count: 5000), 3, 0, 5000),  // no request ends here
            (String(repeating: get, count: 100), 3, 1000, 1000),  // a body, whatever is in it
            (String(repeating: get, count: 100), 3, 100_000, 100 * get.utf8.count),
            (String(repeating: get, count: 100), 0, 1000, 0),
            ("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n", 2, 0, 36),
            ("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n", 1, 0, 18),
            (".\r\n\r\n" + String(repeating: ".", count: 99), 1, 0, 5), ("..\r\n\r\n" + get, 1, 0, 6),
            ("...\r\n\r\n" + get, 1, 0, 7), ("....\r\n\r\n" + get, 1, 0, 8),
            (get.dropLast(2) + "\n\n\r\n\n\r\r\n\r\r\n", 1, 0, get.utf8.count + 7),  // not empty lines
        ] as [(String, Int, Int, Int)])
    func `the decoder gets as many empty lines as there may be requests`(
        text: String, requests: Int, body: Int, expected: Int
    ) {
        let buffer = ByteBuffer(string: text)
        #expect(RequestBoundary.prefix(of: buffer, requests: requests, bodyBytes: body) == expected)
    }

    /// Takes requests as they are decoded and answers when it is told to.
    private final class Server: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart

        let connection: ConnectionGuard
        /// Whether each request is answered as soon as it is there.
        var answersAtOnce = false
        private(set) var heads = 0
        private(set) var ends = 0
        private(set) var inputEnds = 0

        init(_ connection: ConnectionGuard) { self.connection = connection }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                heads += 1
                let framing = RequestFraming(head)
                connection.state.beginRequest(
                    keepsAlive: true, isHTTP10: false, expectsContinue: false, bodyBytes: framing.bodyBytes, now: .now()
                )
            case .body(let bytes): connection.state.receiveBody(bytes.readableBytes)
            case .end:
                ends += 1
                connection.state.endRequest(now: .now())
                if answersAtOnce { answer() }
            }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { inputEnds += 1 }
        }

        func answer() {
            _ = connection.state.beginAnswer(asksToClose: false, now: .now())
            _ = connection.state.endAnswer(now: .now())
        }
    }

    private func open(_ connections: OpenConnections) throws -> (EmbeddedChannel, Server, OpenConnection) {
        let channel = EmbeddedChannel()
        let account = try #require(connections.add(channel))
        let connection = ConnectionGuard(
            limits: ConnectionLimits(), account: account, LoopTurns(channel.eventLoop))
        let server = Server(connection)
        try channel.pipeline.syncOperations.addHandlers(
            [connection, ByteToMessageHandler(HTTP1Pipeline.decoder(limits: ConnectionLimits())), server])
        return (channel, server, account)
    }

    @Test func `decoding stops at 32 requests, and goes on as they are answered`() throws {
        let connections = OpenConnections(limit: 10, limitBytes: 1 << 20, proxies: TrustedProxies())
        let (channel, server, account) = try open(connections)
        let body = String(repeating: "\r\n\r\n", count: 50)
        let post = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n\(body)"
        let requests = 300
        try channel.writeInbound(ByteBuffer(string: String(repeating: Self.get + post, count: requests / 2)))
        channel.embeddedEventLoop.run()
        #expect(server.heads == ConnectionState.requestsAhead)
        #expect(account.heldBytes > 30_000, "what waits is charged")
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        for answered in 1...requests {
            server.answer()
            channel.read()
            channel.embeddedEventLoop.run()
            #expect(server.heads == min(requests, answered + ConnectionState.requestsAhead))
        }
        #expect(server.ends == requests && server.inputEnds == 1, "the end of the input is behind them")
        #expect(account.heldBytes == 0)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func `requests that are answered at once leave others their turns`() throws {
        let connections = OpenConnections(limit: 10, limitBytes: 1 << 20, proxies: TrustedProxies())
        let (channel, server, account) = try open(connections)
        server.answersAtOnce = true
        let requests = 10 * ConnectionState.requestsAhead
        try channel.writeInbound(ByteBuffer(string: String(repeating: Self.get, count: requests)))
        for _ in 0..<3 { channel.read() }
        #expect(server.ends == ConnectionState.requestsAhead && account.heldBytes > 5_000)
        channel.embeddedEventLoop.run()
        #expect(server.ends == requests && account.heldBytes == 0)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test(arguments: [1, 2, 7, 9, 1000])
    func `bytes of bodies are counted on the way to their streams, however they arrive`(pieceBytes: Int) {
        func frame(_ kind: UInt8, _ bytes: Int) -> [UInt8] {
            [UInt8(bytes >> 16), UInt8(bytes >> 8 & 255), UInt8(bytes & 255), kind, 0, 0, 0, 0, 1]
                + [UInt8](repeating: 0, count: bytes)
        }
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        let frames = [frame(4, 18), frame(1, 70), frame(0, 300), frame(0, 0), frame(6, 8), frame(0, 5), frame(1, 1)]
        var counter = ClientFrames()
        var rest = (preface + frames.joined())[...]
        while !rest.isEmpty {
            var bytes = ByteBuffer(bytes: rest.prefix(pieceBytes))
            rest = rest.dropFirst(counter.take(&bytes, frames: 2))
        }
        #expect(counter.bytes == 305)
    }

    /// NIO would use all of the table that a client offers, and search it for every field of every response.
    @Test(arguments: [1, 2, 4, 7, 1000])
    func `a client gets the table of header fields that is the default, or less`(pieceBytes: Int) {
        func settings(_ values: [(UInt16, UInt32)]) -> [UInt8] {
            var bytes: [UInt8] = [0, 0, UInt8(6 * values.count), 4, 0, 0, 0, 0, 0]
            for (identifier, value) in values {
                bytes += [UInt8(identifier >> 8), UInt8(identifier & 255)]
                for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
            }
            return bytes
        }
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        let body: [UInt8] = [0, 0, 6, 0, 0, 0, 0, 0, 1, 0, 1, 255, 255, 255, 255]
        let offered: [(UInt16, UInt32)] = [
            (1, 0), (1, 4095), (1, 4096), (1, 4097), (1, 0x10ff), (1, 0x1100), (1, 0x0001_0000), (1, 0x7fff_ffff),
            (1, .max), (3, .max), (0x0101, 70_000), (4, 65_535),
        ]
        let taken: [(UInt16, UInt32)] = offered.map { ($0, $0 == 1 ? min($1, 4096) : $1) }
        let sent: [UInt8] = preface + settings(offered) + settings([(1, 70_000)]) + body
        let expected: [UInt8] = preface + settings(taken) + settings([(1, 4096)]) + body
        var frames = ClientFrames()
        var (rest, passed) = (sent[...], [UInt8]())
        while !rest.isEmpty {
            var bytes = ByteBuffer(bytes: rest.prefix(pieceBytes))
            let count = frames.take(&bytes, frames: 1)
            passed += bytes.readableBytesView.prefix(count)
            rest = rest.dropFirst(count)
        }
        #expect(passed == expected && frames.bytes == 6)
    }

    @Test func `where too much waits on all connections those with most of it go, and no other`() throws {
        let connections = OpenConnections(limit: 10, limitBytes: 1 << 20, proxies: TrustedProxies())
        let all = try (0..<4).map { _ in try open(connections) }
        for (index, bytes) in [300_000, 200_000, 500_000, 40_000].enumerated() { all[index].2.hold(bytes) }
        all[3].2.hold(40_100)
        all[1].2.hold(300_000)
        for (channel, _, _) in all { channel.embeddedEventLoop.run() }
        #expect(all.map(\.2.heldBytes) == [300_000, 300_000, 0, 40_000])
        all[2].2.hold(900_000)
        #expect(all[2].2.heldBytes == 0, "it is no longer charged for anything")
        for (channel, _, _) in all { _ = try? channel.finish(acceptAlreadyClosed: true) }
    }

    @Test(
        arguments: [
            ([], 10, []), ([5, 5], 10, []), ([5, 6], 10, [1]), ([1, 9, 3], 12, [1]),
            ([4, 4, 4, 4, 4], 10, [0, 1, 2, 3]),
            ([.max / 4, 1, 1], 2, [0, 1, 2]), ([3], 0, [0]),
        ] as [([Int], Int, [Int])])
    func `the worst go until an eighth is free`(held: [Int], limit: Int, expected: [Int]) {
        #expect(MemoryRule.victims(of: held, limitBytes: limit).sorted() == expected)
    }

    @Test func `once three quarters are taken a customer with a sixteenth gets no more, and others do`() throws {
        let connections = OpenConnections(limit: 32, limitBytes: 1 << 20, proxies: TrustedProxies())
        func add(_ address: String) throws -> EmbeddedChannel? {
            let channel = EmbeddedChannel()
            channel.remoteAddress = try SocketAddress(ipAddress: address, port: 1)
            return connections.add(channel) == nil ? nil : channel
        }
        let greedy = try (0..<24).map { try #require(try add("2001:db8::\($0)")) }
        #expect(try add("2001:db8::77") == nil, "one /64 is one customer")
        #expect(try add("2001:db8:0:1::1") != nil && add("2001:db8:0:1::2") != nil)
        #expect(try add("2001:db8:0:1::3") == nil, "a sixteenth")
        for _ in 0..<3 { #expect(try add("127.0.0.1") != nil, "programs on this machine may speak for many") }
        for channel in greedy.prefix(6) { _ = try channel.finish(acceptAlreadyClosed: true) }
        #expect(try add("2001:db8::77") != nil, "a quarter is free again")
    }
}
