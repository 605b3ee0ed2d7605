import NIOCore
import NIOHTTP2
import NIOSSL

/// The first handler of a connection of HTTP/2: it ends one that cannot go on.
///
/// Of an error NIO tells the client (GOAWAY), and leaves the rest to us (RFC 9113 §5.4.1). A client that sends no more
/// has left: it could not even give room for an answer.
///
/// A client that floods would else be read from for as long as it likes; and since TLS waits a while for a client to
/// take its leave, what still comes is thrown away. That while is cut short here: all streams stay in memory for it, and
/// whoever floods is soon back with others.
final class ConnectionEnd: ChannelInboundHandler, NIOHTTP2FrameDelegate {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// For the client to take its leave. Why it must is on its way by then, and is read before the reset that may follow.
    private static let patience = TimeAmount.milliseconds(100)

    private var context: ChannelHandlerContext?
    private var hasEnded = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !hasEnded { context.fireChannelRead(data) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        if case ChannelEvent.inputClosed = event { end() }
    }

    /// A frame is about to be written.
    func wroteFrame(_ frame: HTTP2Frame) {
        if case .goAway(_, let errorCode, _) = frame.payload, errorCode != .noError { end() }
    }

    private func end() {
        guard let context, !hasEnded else { return }
        hasEnded = true
        // Once what is being written has left.
        let loop = context.eventLoop.assumeIsolated()
        loop.execute { context.channel.close(promise: nil) }
        loop.scheduleTask(in: Self.patience) { Self.closeBelowTLS(context.channel) }
    }

    /// Gone already, or without TLS, it has no such handler.
    private static func closeBelowTLS(_ channel: any Channel) {
        try? channel.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self).close(promise: nil)
    }
}
