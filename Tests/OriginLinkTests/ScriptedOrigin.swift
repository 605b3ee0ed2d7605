import Logging
import NIOCore
import NIOPosix
import NIOSSL
import OriginLink
import Synchronization
import Testing

/// A server on a free port of 127.0.0.1 that does what a test's script says on each connection, byte for byte.
final class ScriptedOrigin: Sendable {
    typealias Script = @Sendable (ScriptedPeer) async throws -> Void

    let port: Int
    private let listener: any Channel
    private let accepted: AsyncStream<Accepted>
    private let channels: Mutex<[any Channel]>

    fileprivate struct Accepted: Sendable {
        let channel: any Channel
        let bytes: AsyncStream<[UInt8]>
    }

    private init(
        port: Int, listener: any Channel, accepted: AsyncStream<Accepted>
    ) {
        self.port = port
        self.listener = listener
        self.accepted = accepted
        channels = Mutex([])
    }

    var url: String { "http://127.0.0.1:\(port)" }

    /// Connections so far.
    var connectionCount: Int { channels.withLock { $0.count } }

    /// Runs `body` with a client of a server that runs `script` on each of its connections.
    static func run(
        tls: NIOSSLContext? = nil, url: (Int) -> String = { "http://127.0.0.1:\($0)" },
        settings change: (inout OriginClientSettings) throws -> Void = { _ in }, script: @escaping Script,
        _ body: (OriginClient, ScriptedOrigin) async throws -> Void
    ) async throws {
        let origin = try await start(tls)
        let client = try OriginClient.test(url(origin.port), change)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await origin.serve(script) }
                do { try await body(client, origin) } catch {
                    await origin.end(client)
                    throw error
                }
                await origin.end(client)
                try await group.waitForAll()
            }
        }
    }

    private static func start(_ tls: NIOSSLContext?) async throws -> ScriptedOrigin {
        let (accepted, continuation) = AsyncStream.makeStream(of: Accepted.self)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (bytes, sink) = AsyncStream.makeStream(of: [UInt8].self)
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.addHandler(Collector(sink))
                    continuation.yield(Accepted(channel: channel, bytes: bytes))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        listener.closeFuture.whenComplete { _ in continuation.finish() }
        return ScriptedOrigin(port: listener.localAddress?.port ?? 0, listener: listener, accepted: accepted)
    }

    /// Sends what no script does.
    func send(_ text: String, onConnection number: Int) async throws {
        let channel = channels.withLock { $0[number - 1] }
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    private func serve(_ script: @escaping Script) async {
        await withDiscardingTaskGroup { group in
            for await connection in accepted {
                let number = channels.withLock { channels in
                    channels.append(connection.channel)
                    return channels.count
                }
                group.addTask {
                    // A script that fails has been told that its client went away.
                    try? await script(ScriptedPeer(connection.channel, connection.bytes, number))
                    try? await connection.channel.close()
                }
            }
        }
    }

    private func end(_ client: OriginClient) async {
        await client.close()
        try? await listener.close()
        for channel in channels.withLock({ $0 }) { try? await channel.close() }
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let sink: AsyncStream<[UInt8]>.Continuation

        init(_ sink: AsyncStream<[UInt8]>.Continuation) {
            self.sink = sink
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            sink.yield(Array(unwrapInboundIn(data).readableBytesView))
        }

        func channelInactive(context: ChannelHandlerContext) { sink.finish() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            sink.finish()
            context.close(promise: nil)
        }
    }
}

/// One connection of a scripted server.
final class ScriptedPeer {
    /// The client closed the connection.
    struct Gone: Error {}

    /// The first connection is number 1.
    let number: Int
    let channel: any Channel
    private var events: AsyncStream<[UInt8]>.AsyncIterator
    private var buffer: [UInt8] = []

    init(_ channel: any Channel, _ bytes: AsyncStream<[UInt8]>, _ number: Int) {
        self.channel = channel
        self.number = number
        events = bytes.makeAsyncIterator()
    }

    /// The head of the next request, without the empty line.
    func head() async throws -> String {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let found = buffer.firstRange(of: end) {
                defer { buffer.removeFirst(found.upperBound) }
                return String(decoding: buffer[..<found.lowerBound], as: UTF8.self)
            }
            try await fill()
        }
    }

    /// The next bytes, as text.
    func take(_ count: Int) async throws -> String {
        while buffer.count < count { try await fill() }
        defer { buffer.removeFirst(count) }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    private func fill() async throws {
        guard let bytes = await events.next(isolation: #isolation) else { throw Gone() }
        buffer += bytes
    }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }

    func close() async { try? await channel.close() }

    /// Returns when the client has closed the connection.
    func closed() async {
        while (try? await fill()) != nil {}
    }

    /// Answers every request with the number of the connection.
    func answerAll() async throws {
        while true {
            _ = try await head()
            try await send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(number)")
        }
    }
}

extension OriginClient {
    /// A client with all the patience there is, unless a test says otherwise.
    static func test(_ url: String, _ change: (inout OriginClientSettings) throws -> Void = { _ in }) throws
        -> OriginClient
    {
        let patience = Duration.seconds(900)
        var settings = OriginClientSettings(
            queueTime: patience, connectTimeout: patience, silence: patience, idleTime: patience)
        try change(&settings)
        guard let address = OriginAddress(url) else { throw ScriptedPeer.Gone() }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return OriginClient(address, settings: settings, logger: logger)
    }

    /// The text of a response's body.
    func text(_ target: String = "/") async throws -> String {
        try await open(OriginRequest(target: target)).text()
    }
}

extension OriginClient {
    /// Expects `text` to be answered.
    func expect(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let answer = try await self.text()
        #expect(answer == text, sourceLocation: sourceLocation)
    }
}

extension OriginExchange {
    /// The text of the rest of the response's body.
    func text() async throws(OriginError) -> String {
        _ = try await head()
        var text = ""
        while let piece = try await next(atMost: 1 << 20) { text += String(buffer: piece) }
        return text
    }
}

/// Something that a script tells a test, once.
final class Signal<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func send(_ value: Value) { continuation.yield(value) }

    @discardableResult
    func wait() async -> Value? { await stream.first { _ in true } }
}

/// The error that `body` throws; nil if it throws none.
func failure(of body: () async throws(OriginError) -> Void) async -> OriginError? {
    do { try await body() } catch { return error }
    return nil
}

extension OriginError {
    var isBroken: Bool { if case .broken = self { true } else { false } }
    var isMalformed: Bool { if case .malformed = self { true } else { false } }
    var isUnreachable: Bool { if case .unreachable = self { true } else { false } }
}
