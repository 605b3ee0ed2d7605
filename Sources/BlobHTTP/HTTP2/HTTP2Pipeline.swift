import NIOCore
import NIOHTTP2
import NIOHTTPTypesHTTP2

/// The pipeline of a connection that speaks HTTP/2, and of each of its streams.
///
///     connection   frames → HTTP2ConnectionGuard → NIOHTTP2 → GOAWAY where the connection is to end
///     stream       frame payloads → EndStreamCoalescer → StreamGuard → swift-http-types → StreamRequests → [the responder's task]
struct HTTP2Pipeline: Sendable {
    /// Concurrent requests on one connection.
    private static let streamLimit = 100
    /// The receive window of one stream.
    private static let windowBytes = 1 << 20
    /// Bytes of a response that may wait for the client's window, on one stream.
    private static let outboundBytes = 64 << 10
    /// Streams that a client may reset in half a minute: one that scrolls quickly through a gallery does. A flood
    /// resets thousands per second.
    private static let resetLimit = 1000

    let limits: ConnectionLimits
    let reads: ReadPath?
    let serve: @Sendable (RoutedChannel) -> Void

    /// Adds the handlers to `channel`, on its event loop.
    func add(to channel: any Channel, _ account: OpenConnection, _ turns: LoopTurns) throws {
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
        let guardian = HTTP2ConnectionGuard(limits: limits, account: account, turns) { [reads, peer = account.peer] in
            guard let gate = reads?.gate else { return true }
            let client = gate.payer(peer: peer) { _ in nil }.client
            do { try gate.admit(nil, from: client) } catch { return false }
            return true
        }
        let shared = NIOLoopBound((HTTP2WriteBudget(on: channel.eventLoop), guardian), eventLoop: channel.eventLoop)
        try channel.pipeline.syncOperations.addHandler(guardian)
        // The sequence of streams that this returns is not used: each stream looks after itself.
        _ = try channel.pipeline.syncOperations.configureAsyncHTTP2Pipeline(
            mode: .server, streamDelegate: manager.http2StreamDelegate, frameDelegate: guardian,
            configuration: .init(connection: connection, stream: stream)
        ) { [peer = account.peer] stream in
            stream.eventLoop.makeCompletedFuture {
                let (budget, connection) = shared.value
                let guardian = StreamGuard(limits: limits)
                connection.count(stream, guardian)
                try addStream(to: stream, of: peer, guardian, budget)
            }
        }
        try channel.pipeline.syncOperations.addHandler(manager)
        account.join()
    }

    private func addStream(
        to channel: any Channel, of peer: ClientAddress, _ stream: StreamGuard, _ budget: HTTP2WriteBudget
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(EndStreamCoalescer())
        try pipeline.addHandler(stream)
        try pipeline.addHandler(HTTP2FramePayloadToHTTPServerCodec())
        try pipeline.addHandler(
            StreamRequests(stream, budget, of: peer, cache: reads?.cache(on: channel.eventLoop), serve: serve))
    }
}
