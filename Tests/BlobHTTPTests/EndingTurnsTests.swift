import NIOCore
import NIOEmbedded
import Testing

@testable import BlobHTTP

/// Connections that end at the same time.
@Suite
struct EndingTurnsTests {
    /// Channels on one loop, of which all but the first have been told to close.
    private func crowd(_ count: Int) throws -> (loop: EmbeddedEventLoop, channels: [EmbeddedChannel]) {
        let loop = EmbeddedEventLoop()
        let endings = LoopEndings(loop)
        let channels = try (0...count).map { _ in
            let channel = EmbeddedChannel(handler: EndingGuard(endings), loop: loop)
            try channel.connect(to: SocketAddress(unixDomainSocketPath: "/crowd")).wait()
            return channel
        }
        for channel in channels.dropFirst() { channel.close(promise: nil) }
        return (loop, channels)
    }

    private func openCount(_ channels: [EmbeddedChannel]) -> Int { channels.count { $0.isActive } }

    @Test func `end in turns, and all of them`() throws {
        let (loop, channels) = try crowd(40)
        #expect(openCount(channels) == 1 + 24)
        loop.advanceTime(by: EndingRule.turn)
        #expect(openCount(channels) == 1 + 8)
        loop.advanceTime(by: EndingRule.turn)
        #expect(openCount(channels) == 1)
    }

    @Test func `end in their order`() throws {
        let loop = EmbeddedEventLoop()
        let endings = LoopEndings(loop)
        let count = 3 * EndingRule.atOnce
        var ended: [Int] = []
        for number in 0..<count { endings.take { ended.append(number) } }
        // Whoever comes once there is room again has to wait for those before.
        loop.advanceTime(by: EndingRule.turn)
        endings.take { ended.append(count) }
        #expect(ended == Array(0..<2 * EndingRule.atOnce))
        for _ in 0..<2 { loop.advanceTime(by: EndingRule.turn) }
        #expect(ended == Array(0...count))
    }

    @Test func `take one turn each, however often they are told to end`() throws {
        let (loop, channels) = try crowd(EndingRule.atOnce + 1)
        var ended = 0
        let last = try #require(channels.last)
        for _ in 0..<3 * EndingRule.atOnce { last.close().assumeIsolated().whenSuccess { ended += 1 } }
        channels[0].close(promise: nil)
        #expect(openCount(channels) == 2 && ended == 0)
        loop.advanceTime(by: EndingRule.turn)
        loop.run()
        #expect(openCount(channels) == 0 && ended == 3 * EndingRule.atOnce)
    }

    @Test func `end at once where they come one by one`() throws {
        let (loop, channels) = try crowd(0)
        let endings = LoopEndings(loop)
        var ended = 0
        for _ in 0..<100 {
            loop.advanceTime(by: .microseconds(70))
            endings.take { ended += 1 }
        }
        #expect(ended == 100 && openCount(channels) == 1)
    }

    @Test func `take their turns without a handler for that alone`() throws {
        let loop = EmbeddedEventLoop()
        let endings = LoopEndings(loop)
        let all = OpenConnections(limit: 100, limitBytes: 1 << 20, proxies: TrustedProxies())
        let guards = try (0..<EndingRule.atOnce + 2).map { _ in
            let channel = EmbeddedChannel(loop: loop)
            let connection = ConnectionGuard(
                limits: ConnectionLimits(), account: try #require(all.add(channel)), LoopTurns(loop), endings: endings)
            try channel.pipeline.syncOperations.addHandler(connection)
            try channel.connect(to: SocketAddress(unixDomainSocketPath: "/crowd")).wait()
            return (channel, connection)
        }
        for (channel, connection) in guards.dropLast() {
            // Some close themselves, others are closed.
            if openCount(guards.map(\.0)).isMultiple(of: 2) { connection.close() } else { channel.close(promise: nil) }
            connection.close()
        }
        #expect(openCount(guards.map(\.0)) == 2)
        loop.advanceTime(by: EndingRule.turn)
        #expect(openCount(guards.map(\.0)) == 1)
        guards.last?.1.close()
        loop.run()
        #expect(openCount(guards.map(\.0)) == 0)
    }

    @Test func `wait for no turn with what they still say`() throws {
        let (_, channels) = try crowd(EndingRule.atOnce + 1)
        let waiting = channels[EndingRule.atOnce + 1]
        #expect(waiting.isActive && openCount(channels) == 2)
        try waiting.writeOutbound(ByteBuffer(string: "farewell"))
        #expect(try waiting.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "farewell"))
        #expect(waiting.isActive)
    }
}
