import Blobs
import NIOCore
import Store
import TestSupport
import Testing
import Tickets

@testable import BlobHTTP

/// Reads that are answered past the decoder, among everything else that a connection meets.
@Suite(.timeLimit(.minutes(15))) struct ReadyReadTests {
    private static let bytes = [UInt8](repeating: 7, count: 100)
    private static let address = TestServer.address(of: bytes)
    private static let get = "GET /\(address.hex) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    /// The same, which the decoder has to look at.
    private static let detour = get.replacing("Host", with: "Content-Length: 0\r\nHost")
    private static let upload =
        "PUT /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n"
        + String(decoding: bytes, as: UTF8.self)

    /// Responses without what differs from one second to the next.
    private static func steady(_ text: String) -> String {
        text.withoutDates.replacing(#/"(expires|uploaded)":\d+/#) { "\"\($0.output.1)\":…" }
    }

    private func heads(in text: String) -> Int { text.ranges(of: "HTTP/1.1 ").count }

    // MARK: Turn by turn

    @Test func `wherever requests are cut they get the same responses in the same order`() async throws {
        try await TestServer.run { server in
            _ = try await server.put(Self.bytes)
            try await TurnLoop.run(on: server, ready: [Self.address]) { turns in
                let requests = Self.get + Self.detour + Self.get + Self.upload + Self.get + Self.get
                let ends = [Self.get.utf8.count, Self.get.utf8.count + Self.detour.utf8.count]
                func responses(cutAt place: Int) async throws -> (text: String, shortcuts: Int) {
                    let connection = try await turns.connect()
                    let before = turns.shortcutCount
                    if place > 0 { try await connection.arrive(requests.utf8.prefix(place)) }
                    try await connection.arrive(requests.utf8.dropFirst(place))
                    var text = ""
                    // The upload takes its time.
                    try await eventually {
                        await turns.run()
                        text += try await connection.sent()
                        return heads(in: text) == 6 && text.hasSuffix(String(decoding: Self.bytes, as: UTF8.self))
                    }
                    await connection.close()
                    return (Self.steady(text), turns.shortcutCount - before)
                }
                let (whole, first) = try await responses(cutAt: 0)
                #expect(whole.contains("200 OK") && first == 1, "behind the detour all of one piece is the decoder's")
                for place in 1..<requests.utf8.count {
                    let (text, shortcuts) = try await responses(cutAt: place)
                    #expect(text == whole, "cut at \(place)")
                    // Behind a whole request the decoder is passed over again.
                    if ends.contains(place) { #expect(shortcuts == (place == ends[1] ? 2 : 1), "cut at \(place)") }
                }
            }
        }
    }

    @Test func `one turn has no more answers than a share, and others have theirs between`()
        async throws
    {
        try await TestServer.run { server in
            _ = try await server.put(Self.bytes)
            try await TurnLoop.run(on: server, ready: [Self.address]) { turns in
                let (busy, other) = (try await turns.connect(), try await turns.connect())
                let count = 3 * LoopTurns.share + 5
                try await busy.arrive(String(repeating: Self.get, count: count).utf8)
                try await other.arrive(Self.get.utf8)
                #expect(heads(in: try await busy.sent()) == LoopTurns.share)
                #expect(heads(in: try await other.sent()) == 1)
                try await busy.arrive(Self.detour.utf8)
                busy.meet(ChannelEvent.inputClosed)
                await turns.run()
                let rest = try await busy.sent()
                #expect(heads(in: rest) == count + 1 - LoopTurns.share)
                #expect(!busy.isOpen, "the end of the input is behind all of them")
                for connection in [busy, other] { await connection.close() }
            }
        }
    }

    /// Breaks the connection off at the first write.
    private final class Breaker: ChannelOutboundHandler, Sendable {
        typealias OutboundIn = IOData

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            promise?.fail(ChannelError.ioOnClosedChannel)
            context.close(promise: nil)
        }
    }

    @Test func `once the connection is broken nothing more is answered on it`() async throws {
        try await TestServer.run { server in
            _ = try await server.put(Self.bytes)
            try await TurnLoop.run(on: server, ready: [Self.address]) { turns in
                let connection = try await turns.connect(behind: Breaker())
                let before = turns.shortcutCount
                try? await connection.arrive(String(repeating: Self.get, count: 10).utf8)
                await turns.run()
                #expect(turns.shortcutCount == before + 1 && !connection.isOpen)
                await connection.close()
            }
        }
    }

    @Test func `as the server ends, the request that has begun is the last one`() async throws {
        try await TestServer.run { server in
            _ = try await server.put(Self.bytes)
            try await TurnLoop.run(on: server, ready: [Self.address]) { turns in
                let connection = try await turns.connect()
                let before = turns.shortcutCount
                try await connection.arrive(Self.get.utf8.prefix(20))
                connection.meet(ChannelShouldQuiesceEvent())
                await turns.run()
                try await connection.arrive((Self.get + Self.get).utf8.dropFirst(20))
                await turns.run()
                let text = try await connection.sent()
                #expect(heads(in: text) == 1 && text.contains("Connection: close\r\n"))
                #expect(turns.shortcutCount == before)
                await connection.close()
            }
        }
    }

    @Test func `as the server ends, what waits for its turn is still heard of`() async throws {
        try await TestServer.run { server in
            _ = try await server.put(Self.bytes)
            try await TurnLoop.run(on: server, ready: [Self.address]) { turns in
                let connection = try await turns.connect()
                try await connection.arrive(String(repeating: Self.get, count: 5 * LoopTurns.share).utf8)
                #expect(connection.isOpen)
                connection.meet(ChannelShouldQuiesceEvent())
                await turns.run()
                let text = try await connection.sent()
                #expect(heads(in: text) % LoopTurns.share == 1, "some shares, and the next one's first")
                #expect(text.ranges(of: "Connection: close\r\n").count == 1)
                await connection.close()
            }
        }
    }

    @Test func `where bytes are encrypted below, what is in memory is ready, and files are not`() async throws {
        try await TestServer.run { server in
            let large = [UInt8](repeating: 8, count: 40_000)
            let addresses = [try await server.put(Self.bytes), try await server.put(large)]
            for isSecure in [false, true] {
                try await TurnLoop.run(on: server, ready: addresses, isSecure: isSecure) { turns in
                    let connection = try await turns.connect()
                    let before = turns.shortcutCount
                    try await connection.arrive(Self.get.utf8)
                    #expect(
                        Self.steady(try await connection.sent()).hasSuffix(
                            "\r\n\r\n" + String(decoding: Self.bytes, as: UTF8.self)))
                    try await connection.arrive("GET /\(addresses[1].hex) HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
                    #expect(turns.shortcutCount - before == (isSecure ? 1 : 2))
                    if isSecure {
                        var text = ""
                        try await eventually {
                            text += try await connection.sent()
                            return text.hasSuffix(String(decoding: large, as: UTF8.self))
                        }
                    }
                    await connection.close()
                }
            }
        }
    }

    // MARK: Over sockets

    @Test func `a client that stops sending behind a ready read is answered, and let go`() async throws {
        try await TestServer.run { server in
            let address = try await server.put(Self.bytes)
            let client = try await server.connect()
            try await client.send(Self.get)
            #expect(await client.answer()?.body == Self.bytes)
            let before = server.shortcutCount(.blob)
            try await client.send(Self.get + Self.get)
            try await client.finishSending()
            for _ in 0..<2 { #expect(await client.answer()?.body == Self.bytes, "\(address)") }
            #expect(await client.rest().isEmpty)
            #expect(server.shortcutCount(.blob) == before + 2)
        }
    }

    /// The statuses of requests one after another, and how many of them were answered past the decoder.
    private func statuses(
        _ detour: String, _ fields: [String], _ settings: @escaping (inout BlobServerSettings) -> Void
    ) async throws -> (statuses: [Int], shortcuts: Int) {
        var statuses: [Int] = []
        var shortcuts = 0
        try await TestServer.run(settings: {
            $0.rateClock = { .uptimeNanoseconds(1 << 40) }
            settings(&$0)
        }) { server in
            let address = try await server.put(Self.bytes, fields: [("X-Forwarded-For", "198.51.100.9")])
            let client = try await server.connect()
            for fields in fields {
                try await client.send("GET /\(address.hex) HTTP/1.1\r\nHost: x\r\n\(fields)\(detour)\r\n")
                statuses.append(await client.answer()?.status ?? 0)
            }
            await client.close()
            shortcuts = server.shortcutCount(.blob)
        }
        return (statuses, shortcuts)
    }

    @Test func `rates, proxies and the keys of edges count the same past the decoder and behind it`() async throws {
        let key = EdgeKey.random()
        let names = ["192.0.2.1", "192.0.2.2, 127.0.0.1", "2001:db8::1", "nobody", ""]
        let named = names.flatMap { Array(repeating: $0.isEmpty ? "" : "X-Forwarded-For: \($0)\r\n", count: 14) }
        let right = "Authorization: Bearer \(key.base64url)\r\n"
        let wrong = "Authorization: Bearer \(EdgeKey.random().base64url)\r\n"
        let shown = [
            right, wrong, "authorization: bearer  \(key.base64url) \r\n", right + "X-Forwarded-For: 192.0.2.7\r\n",
        ]
        let keyed = shown.flatMap { Array(repeating: $0, count: 14) }
        func limit(_ settings: inout BlobServerSettings) { settings.addressRates = RateLimits(requestsPerSecond: 1) }
        let cases: [(fields: [String], settings: (inout BlobServerSettings) -> Void, refused: ClosedRange<Int>)] = [
            (named, limit, 50...65),
            (
                named,
                {
                    limit(&$0)
                    $0.proxies.ranges = [IPPrefix("127.0.0.0/8")].compactMap { $0 }
                }, 8...30
            ),
            (named, { $0.addressRates = RateLimits(bytesPerSecond: 50) }, 40...69),
            (
                keyed,
                {
                    limit(&$0)
                    $0.edgeKeys = EdgeKeys([key])
                }, 4...40
            ),
        ]
        for (number, (fields, settings, refused)) in cases.enumerated() {
            let plain = try await statuses("", fields, settings)
            let behind = try await statuses("Content-Length: 0\r\n", fields, settings)
            #expect(plain.statuses == behind.statuses && behind.shortcuts == 0, "case \(number)")
            #expect(Set(plain.statuses) == [200, 429], "case \(number)")
            let count = plain.statuses.count { $0 == 429 }
            #expect(refused.contains(count), "case \(number): \(count)")
            // The first one finds nothing ready; refusals are the decoder's, and so is what an edge asks for.
            let edges = number == 3 ? plain.statuses.count { $0 == 200 } - plain.shortcuts : 1
            #expect(plain.shortcuts == plain.statuses.count { $0 == 200 } - edges && plain.shortcuts > 0)
        }
    }

    @Test(arguments: ["", get, get + detour, upload + get, "GET / HT"])
    func `a connection leaves nothing behind`(requests: String) async throws {
        try await TestServer.run { server in
            _ = try await server.put(Self.bytes)
            try await TurnLoop.run(on: server, ready: [Self.address]) { turns in
                let trace = try await Self.trace(of: requests, in: turns)
                try await eventually {
                    await turns.run()
                    return try await turns.isGone(trace)
                }
            }
        }
    }

    private static func trace(of requests: String, in turns: TurnLoop) async throws -> TurnChannel.Trace {
        let connection = try await turns.connect()
        let trace = try await connection.trace()
        if !requests.isEmpty { try await connection.arrive(requests.utf8) }
        await turns.run()
        #expect(try await !turns.isGone(trace))
        await connection.close()
        return trace
    }
}
