import HummingbirdCore
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The part of a connection's pipeline that only the router needs: the codec of answers, swift-http-types, and the
/// bridge to a task. Most connections ask for nothing but blobs and never have it, which keeps an idle one small.
///
///     bytes → ConnectionGuard → decoder → [encoder] → MessageGuard → [swift-http-types → the responder's task]
final class RouterPart {
    private let isSecure: Bool
    private let serve: @Sendable (RoutedChannel) -> Void
    private(set) var hasJoined = false

    /// `serve` is given the channel whose requests wait for a task.
    init(isSecure: Bool, serve: @escaping @Sendable (RoutedChannel) -> Void) {
        self.isSecure = isSecure
        self.serve = serve
    }

    /// Adds the part around `handler`, unless that was done before.
    func join(_ context: ChannelHandlerContext, behind handler: any ChannelHandler) throws {
        if hasJoined { return }
        hasJoined = true
        let pipeline = context.pipeline.syncOperations
        try pipeline.addHandler(HTTPResponseEncoder(), position: .before(handler))
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: isSecure), position: .after(handler))
        serve(try RoutedChannel(wrappingChannelSynchronously: context.channel, configuration: Self.configuration))
    }

    static var configuration: RoutedChannel.Configuration { .init(isOutboundHalfClosureEnabled: true) }
}

/// A connection, or a stream of HTTP/2, on which the router answers.
typealias RoutedChannel = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
