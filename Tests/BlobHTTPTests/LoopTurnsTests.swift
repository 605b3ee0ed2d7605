import Glibc
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import BlobHTTP

/// Work that goes on in the next turn of an event loop.
@Suite(.timeLimit(.minutes(15))) struct LoopTurnsTests {
    /// Notes that something has come.
    private final class Hearer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        var hasHeard = false

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { hasHeard = true }
    }

    /// Work that goes on for a thousand turns, or until `hearer` has heard something.
    private final class LongWork {
        private let turns: LoopTurns
        private let hearer: Hearer
        private let done: EventLoopPromise<Bool>
        private var left = 1000

        init(_ hearer: Hearer, _ done: EventLoopPromise<Bool>, on loop: any EventLoop) {
            (self.hearer, self.done, turns) = (hearer, done, LoopTurns(loop))
        }

        func goOn() {
            left -= 1
            if hearer.hasHeard || left == 0 { done.succeed(hearer.hasHeard) } else { turns.next { self.goOn() } }
        }
    }

    @Test func `work that goes on and on keeps nobody's bytes waiting`() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        var ends: [CInt] = [-1, -1]
        // Safe: both calls have as much room, or as many bytes, as they are told.
        try #require(unsafe pipe(&ends) == 0)
        let writeEnd = ends[1]
        let hearer = NIOLoopBoundBox.makeBoxSendingValue(Hearer(), as: Hearer.self, eventLoop: loop)
        let channel = try await NIOPipeBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(hearer.value) }
            }
            .takingOwnershipOfDescriptor(input: ends[0]).get()
        let done = loop.makePromise(of: Bool.self)
        loop.execute {
            // The bytes are there before the work begins, and the loop has not looked.
            var byte: UInt8 = 0
            _ = unsafe write(writeEnd, &byte, 1)
            LongWork(hearer.value, done, on: loop).goOn()
        }
        #expect(try await done.futureResult.get())
        close(writeEnd)
        try await channel.closeFuture.get()
    }

    @Test func `what asks for another turn has it behind all that wait`() throws {
        let loop = EmbeddedEventLoop()
        let turns = LoopTurns(loop)
        var order: [String] = []
        for name in ["a", "b"] {
            turns.next {
                order.append(name)
                turns.next { order.append(name + "2") }
            }
        }
        #expect(order.isEmpty)
        loop.run()
        #expect(order == ["a", "b", "a2", "b2"])
    }

    // MARK: Frames of HTTP/2

    /// Counts the bytes that come, and the readings that are asked for.
    private final class Meter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        var bytes = 0

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { bytes += unwrapInboundIn(data).readableBytes }
    }

    private final class Readings: ChannelOutboundHandler {
        typealias OutboundIn = NIOAny

        var count = 0

        func read(context: ChannelHandlerContext) { count += 1 }
    }

    @Test(arguments: [1, 20, 100_000])
    func `a connection of HTTP/2 has a share of frames in each turn, and nothing more is read meanwhile`(
        pieceBytes: Int
    ) throws {
        let channel = EmbeddedChannel()
        let all = OpenConnections(limit: 1, limitBytes: 1 << 20, proxies: TrustedProxies())
        let account = try #require(all.add(channel))
        let (readings, meter) = (Readings(), Meter())
        let connection = HTTP2ConnectionGuard(
            limits: ConnectionLimits(), account: account, LoopTurns(channel.embeddedEventLoop)
        ) { true }
        try channel.pipeline.syncOperations.addHandlers([readings, connection, meter])
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        let ping: [UInt8] = [0, 0, 8, 6, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        let shares = 500
        let sent = preface + Array(repeating: ping, count: shares * LoopTurns.share).joined()
        let share = LoopTurns.share * ping.count
        // All of it in one turn.
        var rest = sent[...]
        while !rest.isEmpty {
            channel.pipeline.fireChannelRead(ByteBuffer(bytes: rest.prefix(pieceBytes)))
            rest = rest.dropFirst(pieceBytes)
        }
        channel.pipeline.fireChannelReadComplete()
        channel.pipeline.read()
        if pieceBytes > share {
            #expect(meter.bytes == preface.count + share && readings.count == 0)
            #expect(account.heldBytes > 30_000, "what waits is charged")
        }
        channel.embeddedEventLoop.run()
        #expect(meter.bytes == sent.count && readings.count == 1)
        #expect(account.heldBytes == 0)
        channel.pipeline.read()
        #expect(readings.count == 2)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func `a connection of HTTP/2 that is ended drops what it holds, and reads on to see the client's end`() throws
    {
        let channel = EmbeddedChannel()
        let all = OpenConnections(limit: 1, limitBytes: 1 << 20, proxies: TrustedProxies())
        let (readings, meter) = (Readings(), Meter())
        let connection = HTTP2ConnectionGuard(
            limits: ConnectionLimits(), account: try #require(all.add(channel)), LoopTurns(channel.embeddedEventLoop)
        ) { true }
        try channel.pipeline.syncOperations.addHandlers([readings, connection, meter])
        let ping: [UInt8] = [0, 0, 8, 6, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        channel.pipeline.fireChannelRead(
            ByteBuffer(bytes: [UInt8](repeating: 0, count: 24) + Array(repeating: ping, count: 100).joined()))
        channel.pipeline.read()
        #expect(readings.count == 0)
        let before = meter.bytes
        channel.pipeline.fireUserInboundEventTriggered(MemoryNeededEvent())
        #expect(readings.count == 1)
        channel.embeddedEventLoop.run()
        #expect(meter.bytes == before)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func `frames that only make room are eight times as many`() {
        func frames(_ kind: UInt8, _ payload: Int, _ count: Int) -> [UInt8] {
            let frame = [0, 0, UInt8(payload), kind, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: payload)
            return Array(repeating: frame, count: count).flatMap { $0 }
        }
        var counter = ClientFrames()
        var preface = ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        #expect(counter.take(&preface, frames: 1) == 24)
        var bytes = ByteBuffer(bytes: frames(8, 4, 9) + frames(1, 1, 3) + frames(8, 4, 100))
        #expect(counter.take(&bytes, frames: 2) == 9 * 13 + 10, "nine and one, which may cost more than is left")
        bytes.moveReaderIndex(forwardBy: 9 * 13 + 10)
        #expect(counter.take(&bytes, frames: 3) == 2 * 10 + 8 * 13)
    }
}
