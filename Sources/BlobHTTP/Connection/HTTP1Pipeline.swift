import NIOCore
import NIOHTTP1

/// How a connection that speaks HTTP/1.1 is put together.
struct HTTP1Pipeline: Sendable {
    let limits: ConnectionLimits
    /// Nil where nothing but the router answers.
    let reads: BlobReads?
    /// Whether the bytes are encrypted below.
    let isSecure: Bool
    /// Takes the channels that need a task.
    let serve: @Sendable (RoutedChannel) -> Void

    /// Adds the handlers to `channel`, on its event loop.
    func add(to channel: any Channel) throws {
        let decoder = Self.decoder(limits: limits)
        let connection = ConnectionGuard(limits: limits)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(connection)
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        let answers = HTTP1Answers(connection, on: channel.eventLoop, takesFiles: !isSecure)
        let reading = reads.map { BlobAnswer(desk: $0.desk(on: channel.eventLoop), channel: answers) }
        try pipeline.addHandler(
            MessageGuard(connection, reading: reading, router: RouterPart(isSecure: isSecure, serve: serve)))
    }

    /// What makes requests of bytes, within the limits.
    static func decoder(limits: ConnectionLimits) -> HTTPRequestDecoder {
        var decoderLimits = NIOHTTPDecoderLimitConfiguration()
        decoderLimits.maxHeaderFieldSize = limits.headerBytes
        decoderLimits.maxHeaderListSize = limits.headerBytes
        return HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: decoderLimits)
    }
}
