import NIOCore
import NIOHTTP2

/// Ends a connection that cannot go on: NIO tells the client so (GOAWAY), and leaves closing it to us (RFC 9113 §5.4.1).
/// A client that floods would else be read from for as long as it likes.
final class ConnectionEnd: NIOHTTP2FrameDelegate {
    private let channel: any Channel

    init(_ channel: any Channel) {
        self.channel = channel
    }

    /// A frame is about to be written.
    func wroteFrame(_ frame: HTTP2Frame) {
        guard case .goAway(_, let errorCode, _) = frame.payload, errorCode != .noError else { return }
        // Once the frame has left.
        channel.eventLoop.execute { [channel] in channel.close(promise: nil) }
    }
}
