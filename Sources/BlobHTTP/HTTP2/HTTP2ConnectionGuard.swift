import NIOCore
import NIOHTTP2
import NIOSSL

/// The first handler of a connection of HTTP/2: it decides when the connection ends, and makes sure that it does.
///
/// A connection without streams is idle. It is asked to close (GOAWAY, RFC 9113 §6.8) when it has been idle for too
/// long, or when room is needed. NIO then waits for the client; one that does not react is closed here. NIO also
/// reports errors to the client, and leaves it to us to close (§5.4.1). A client that has closed its sending side is
/// gone: it could not even open a window for a response.
///
/// Without this, a flooding client would be read from for as long as it likes. TLS waits for a client's close_notify,
/// so what still arrives is discarded, and only for a short time: all streams stay in memory until then, and a flooding
/// client soon comes back with others.
final class HTTP2ConnectionGuard: ChannelInboundHandler, NIOHTTP2FrameDelegate {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let limits: ConnectionLimits
    private var context: ChannelHandlerContext?
    private var streams = 0
    /// When the last stream ended, or the connection began.
    private var idleSince = NIODeadline.now()
    /// Ends a connection without streams.
    private var timer: Scheduled<Void>?
    /// The client has been asked to close.
    private var isLeaving = false
    private var hasEnded = false

    init(limits: ConnectionLimits) {
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        arm()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !hasEnded { context.fireChannelRead(data) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: leave()
        case is RoomNeededEvent: if streams == 0, idleSince <= .now() - RoomNeededEvent.leastIdle { makeRoom(context) }
        case ChannelEvent.inputClosed:
            context.fireUserInboundEventTriggered(event)
            end()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// A frame is about to be written.
    func wroteFrame(_ frame: HTTP2Frame) {
        if case .goAway(_, let errorCode, _) = frame.payload, errorCode != .noError { end() }
    }

    // MARK: Idle

    /// Counts a stream until it closes; on the connection's event loop.
    func count(_ stream: any Channel) {
        streams += 1
        timer?.cancel()
        stream.closeFuture.assumeIsolated().whenComplete { [self] _ in
            streams -= 1
            idleSince = .now()
            arm()
        }
    }

    /// Makes sure that a connection without streams does not stay for ever.
    private func arm() {
        guard let context, streams == 0 else { return }
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(
            in: (isLeaving ? limits.drainTimeout : limits.idleTimeout).timeAmount
        ) { [self] in
            if isLeaving { end() } else { leave() }
        }
    }

    /// Asks the client to close. NIO closes the connection once the client has reacted and the last stream has ended.
    private func leave() {
        guard let context, !isLeaving else { return }
        isLeaving = true
        arm()
        context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    /// Closes soon, whether the client reacts or not: until then, others are asked too.
    private func makeRoom(_ context: ChannelHandlerContext) {
        leave()
        context.eventLoop.assumeIsolated().scheduleTask(in: ChannelHandlerContext.patience) { [self] in
            if streams == 0 { end() }
        }
    }

    // MARK: The end

    private func end() {
        guard let context, !hasEnded else { return }
        hasEnded = true
        timer?.cancel()
        context.closeWithoutWaiting()
    }
}

extension ChannelHandlerContext {
    /// How long a client gets to close. By then the reason has been sent, and it is read before a reset that may
    /// follow.
    static var patience: TimeAmount { .milliseconds(100) }

    /// Closes the connection once pending writes have been sent. TLS would wait seconds for the client's close_notify.
    func closeWithoutWaiting() {
        let loop = eventLoop.assumeIsolated()
        loop.execute { self.channel.close(promise: nil) }
        loop.scheduleTask(in: Self.patience) {
            // A connection that is closed already, or without TLS, has no such handler.
            let below = try? self.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
            below?.close(promise: nil)
        }
    }
}
