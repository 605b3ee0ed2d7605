import Blobs
import HummingbirdCore
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The pipeline of a connection that speaks HTTP/1.1.
struct HTTP1Pipeline: Sendable {
    let limits: ConnectionLimits
    /// Nil where nothing but the router answers.
    let reads: ReadPath?
    /// Nil where the router answers every upload.
    let uploads: SmallUploads?
    /// Dates the refusals of what cannot be read.
    let now: @Sendable () -> Timestamp
    /// Whether the bytes are encrypted below.
    let isSecure: Bool
    /// Is given the channels whose requests need a task.
    let serve: @Sendable (RoutedChannel) -> Void

    /// Adds the handlers to `channel`, on its event loop. `endings` is nil where a handler below takes the turn to end.
    func add(
        to channel: any Channel, _ account: OpenConnection, _ turns: LoopTurns, endings: LoopEndings? = nil
    ) throws {
        let decoder = Self.decoder(limits: limits)
        let connection = ConnectionGuard(limits: limits, account: account, turns, isSecure: isSecure, endings: endings)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(connection)
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        let sink = HTTP1ResponseSink(connection, on: channel.eventLoop, takesFiles: !isSecure)
        let cache = reads?.cache(on: channel.eventLoop)
        let blobs = cache.map { BlobResponseWriter(cache: $0, sink: sink) }
        if let cache, let blobs {
            connection.ready = ReadyReads(cache, blobs, peer: account.peer, limits: limits, takesFiles: !isSecure)
        }
        let refusals = UnreadableRequests(sink: sink, reads: reads, now: now)
        let router = LazyRouterPipeline(isSecure: isSecure) { [serve, peer = account.peer] in
            serve(RoutedChannel(parts: $0, peer: peer))
        }
        let turn = uploads.map { UploadTurn($0, connection, sink) }
        try pipeline.addHandler(
            MessageGuard(connection, blobs: blobs, uploads: turn, refusals: refusals, router: router))
        account.join()
    }

    /// The parser of requests, within the limits.
    static func decoder(limits: ConnectionLimits) -> HTTPRequestDecoder {
        var decoderLimits = NIOHTTPDecoderLimitConfiguration()
        decoderLimits.maxHeaderFieldSize = limits.headerBytes
        decoderLimits.maxHeaderListSize = limits.headerBytes
        decoderLimits.maxHeaderFieldCount = ConnectionLimits.headerFields
        return HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: decoderLimits)
    }
}

/// The part of a connection's pipeline that only the router needs: the encoder of responses, swift-http-types, and the
/// bridge to a task. Most connections only read blobs and never get it, which keeps an idle one small.
///
///     bytes → ConnectionGuard → decoder → [encoder] → MessageGuard → [swift-http-types → the responder's task]
final class LazyRouterPipeline {
    private let isSecure: Bool
    private let serve: @Sendable (RoutedChannel.Parts) -> Void
    private(set) var hasJoined = false

    /// `serve` is given the channel when its requests need a task.
    init(isSecure: Bool, serve: @escaping @Sendable (RoutedChannel.Parts) -> Void) {
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
        serve(
            try RoutedChannel.Parts(
                wrappingChannelSynchronously: context.channel,
                configuration: .init(isOutboundHalfClosureEnabled: true)))
    }
}
