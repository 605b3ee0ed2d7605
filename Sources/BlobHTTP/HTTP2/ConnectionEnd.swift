import NIOCore
import NIOHTTP2

/// The first handler of a connection of HTTP/2: it ends one that cannot go on. NIO tells the client so (GOAWAY), and
/// leaves the rest to us (RFC 9113 §5.4.1).
///
/// A client that floods would else be read from for as long as it likes; and since TLS waits a while for a client to
/// take its leave, what still comes is thrown away.
final class ConnectionEnd: ChannelInboundHandler, NIOHTTP2FrameDelegate {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var context: ChannelHandlerContext?
    private var hasEnded = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !hasEnded { context.fireChannelRead(data) }
    }

    /// A frame is about to be written.
    func wroteFrame(_ frame: HTTP2Frame) {
        guard case .goAway(_, let errorCode, _) = frame.payload, errorCode != .noError, let context else { return }
        hasEnded = true
        // Once the frame has left.
        context.eventLoop.assumeIsolated().execute { context.channel.close(promise: nil) }
    }
}
