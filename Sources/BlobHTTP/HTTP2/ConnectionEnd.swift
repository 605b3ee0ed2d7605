import NIOCore
import NIOHTTP2
import NIOSSL

/// The first handler of a connection of HTTP/2: it decides when one ends, and sees to it that it does.
///
/// One without streams is idle, and asked to go when it has been for so long, or when its room is needed (GOAWAY,
/// RFC 9113 §6.8). NIO leaves it at that until the client answers, so whoever does not is ended here. Of an error NIO tells
/// the client and leaves the rest to us (§5.4.1). A client that sends no more has left: it could not even give room for an
/// answer.
///
/// A client that floods would else be read from for as long as it likes; and since TLS waits a while for a client to
/// take its leave, what still comes is thrown away. That while is cut short here: all streams stay in memory for it, and
/// whoever floods is soon back with others.
final class ConnectionEnd: ChannelInboundHandler, NIOHTTP2FrameDelegate {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let limits: ConnectionLimits
    private var context: ChannelHandlerContext?
    private var streams = 0
    /// When there was a stream last, or the connection began.
    private var idleSince = NIODeadline.now()
    /// What happens to a connection without streams.
    private var timer: Scheduled<Void>?
    /// The client has been asked to go.
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

    /// Sees to it that a connection without streams does not stay for ever.
    private func arm() {
        guard let context, streams == 0 else { return }
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(
            in: (isLeaving ? limits.drainTimeout : limits.idleTimeout).timeAmount
        ) { [self] in
            if isLeaving { end() } else { leave() }
        }
    }

    /// Asks the client to go. NIO closes the connection once it has answered and its last stream is over.
    private func leave() {
        guard let context, !isLeaving else { return }
        isLeaving = true
        arm()
        context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    /// Goes soon, whether the client answers or not: until it has gone, others are asked too.
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
    /// For a client to take its leave. Why it must is on its way by then, and is read before the reset that may follow.
    static var patience: TimeAmount { .milliseconds(100) }

    /// Closes the connection once what is being written has left. TLS would wait for seconds for the client's farewell.
    func closeWithoutWaiting() {
        let loop = eventLoop.assumeIsolated()
        loop.execute { self.channel.close(promise: nil) }
        loop.scheduleTask(in: Self.patience) {
            // Gone already, or without TLS, the connection has no such handler.
            let below = try? self.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
            below?.close(promise: nil)
        }
    }
}
