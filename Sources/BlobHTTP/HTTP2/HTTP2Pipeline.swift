import NIOCore
import NIOHTTP2
import NIOHTTPTypesHTTP2

/// How a connection that speaks HTTP/2 is put together, and each of its streams.
///
///     connection   frames → ConnectionEnd → NIOHTTP2 → GOAWAY where the connection is to end
///     stream       frame payloads → LastFrame → StreamGuard → swift-http-types → StreamRequests → [the responder's task]
struct HTTP2Pipeline: Sendable {
    /// Requests under way on one connection.
    private static let streamLimit = 100
    /// Bytes of an upload that may be on their way to us, on one stream.
    private static let windowBytes = 1 << 20
    /// Bytes of an answer that may wait for the client's window, on one stream.
    private static let outboundBytes = 64 << 10
    /// Streams that a client may reset in half a minute: one that leafs quickly through a gallery does so. A flood resets
    /// thousands a second.
    private static let resetLimit = 1000

    let limits: ConnectionLimits
    let reads: BlobReads?
    let serve: @Sendable (RoutedChannel) -> Void

    /// Adds the handlers to `channel`, on its event loop.
    func add(to channel: any Channel) throws {
        let manager = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: .init(maxIdleTime: nil, maxAge: nil, maxGraceTime: nil, keepalive: nil))
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: Self.streamLimit),
            HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headerBytes),
            HTTP2Setting(parameter: .initialWindowSize, value: Self.windowBytes),
        ]
        connection.targetWindowSize = Self.windowBytes
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = Self.windowBytes
        stream.streamResetFrameRateLimit.maximumCount = Self.resetLimit
        stream.outboundBufferSizeHighWatermark = Self.outboundBytes
        stream.outboundBufferSizeLowWatermark = Self.outboundBytes / 2
        let end = ConnectionEnd(limits: limits)
        let shared = NIOLoopBound((StreamRoom(on: channel.eventLoop), end), eventLoop: channel.eventLoop)
        try channel.pipeline.syncOperations.addHandler(end)
        // Nobody waits for the streams that this gives in turn: each looks after itself.
        _ = try channel.pipeline.syncOperations.configureAsyncHTTP2Pipeline(
            mode: .server, streamDelegate: manager.http2StreamDelegate, frameDelegate: end,
            configuration: .init(connection: connection, stream: stream)
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                let (room, end) = shared.value
                end.count(stream)
                try addStream(to: stream, room)
            }
        }
        try channel.pipeline.syncOperations.addHandler(manager)
    }

    private func addStream(to channel: any Channel, _ room: StreamRoom) throws {
        let pipeline = channel.pipeline.syncOperations
        let stream = StreamGuard(limits: limits)
        try pipeline.addHandler(LastFrame())
        try pipeline.addHandler(stream)
        try pipeline.addHandler(HTTP2FramePayloadToHTTPServerCodec())
        try pipeline.addHandler(
            StreamRequests(stream, room, desk: reads?.desk(on: channel.eventLoop), serve: serve))
    }
}
