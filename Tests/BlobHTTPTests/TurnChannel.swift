import Blobs
import Logging
import NIOCore
import NIOEmbedded
import Store
import Vault

@testable import BlobHTTP

/// Connections over HTTP/1.1 in front of a server's store that have no sockets: a test decides what arrives in which turn of
/// their event loop.
struct TurnLoop {
    private let loop = NIOAsyncTestingEventLoop()
    private let server: TestServer
    private let connections = OpenConnections(limit: 1000, limitBytes: 1 << 30, proxies: TrustedProxies())
    private let path: ReadPath
    private let pipeline: HTTP1Pipeline

    private init(_ server: TestServer, isSecure: Bool) {
        self.server = server
        let settings = BlobServerSettings(listen: Authority(host: "127.0.0.1", port: 0))
        let (gate, logger) = (Gate(settings), Logger(label: "test"))
        path = ReadPath(
            store: server.vault, gate: gate, cacheSeconds: 300, limits: .init(), observer: server.observer,
            logger: logger)
        let uploads = SmallUploads(
            store: server.vault, gate: gate, publicURL: PublicURLBox(PublicURL(listeningAt: settings.listen)),
            mirrors: [], observer: server.observer, logger: logger)
        pipeline = HTTP1Pipeline(
            limits: ConnectionLimits(), reads: path, uploads: uploads, now: { [vault = server.vault] in vault.now() },
            isSecure: isSecure
        ) { _ in }
    }

    /// Runs `body` with connections, where the blobs of `ready` are ready.
    static func run(
        on server: TestServer, ready: [BlobAddress], isSecure: Bool = false,
        _ body: (TurnLoop) async throws -> Void
    ) async throws {
        let turns = TurnLoop(server, isSecure: isSecure)
        for address in ready { try await turns.load(address) }
        try await body(turns)
        turns.path.close()
        await turns.loop.shutdownGracefully()
    }

    private func load(_ address: BlobAddress) async throws {
        let found = loop.makePromise(of: Void.self)
        try await loop.executeInContext { [path, loop] in
            path.cache(on: loop).find(.blob(address), for: .whole, client: nil) { _ in found.succeed() }
        }
        try await found.futureResult.get()
    }

    /// A new connection, with `first` between its handlers and the socket that it does not have.
    func connect(behind first: (any ChannelHandler & Sendable)? = nil) async throws -> TurnChannel {
        let channel = NIOAsyncTestingChannel(loop: loop)
        try await channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).get()
        guard let account = connections.add(channel) else { throw ChannelError.ioOnClosedChannel }
        try await loop.executeInContext { [pipeline] in
            if let first { try channel.pipeline.syncOperations.addHandler(first) }
            try pipeline.add(to: channel, account, LoopTurns(channel.eventLoop))
        }
        return TurnChannel(channel: channel)
    }

    /// Runs what is due, and what that makes due.
    func run() async { await loop.run() }

    /// Whether nothing is left of a connection.
    func isGone(_ trace: TurnChannel.Trace) async throws -> Bool {
        try await loop.executeInContext { trace.reference.value.connection == nil }
    }

    /// How many reads have been answered past the decoder.
    var shortcutCount: Int { server.shortcutCount(.blob) }
}

/// One of those connections.
struct TurnChannel {
    fileprivate let channel: NIOAsyncTestingChannel

    var isOpen: Bool { channel.isActive }

    /// Lets `bytes` arrive in one turn, without the next one.
    func arrive(_ bytes: some Sequence<UInt8>) async throws {
        try await channel.writeInbound(ByteBuffer(bytes: bytes))
        // As a channel with a socket asks for more by itself.
        try await channel.testingEventLoop.executeInContext { [channel] in channel.pipeline.read() }
    }

    /// Lets an event come from below.
    func meet(_ event: any Sendable) { channel.pipeline.fireUserInboundEventTriggered(event) }

    /// What has been sent since the last call.
    func sent() async throws -> String {
        var bytes: [UInt8] = []
        while let data = try await channel.readOutbound(as: IOData.self) {
            if case .byteBuffer(let part) = data { bytes += part.readableBytesView }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    func close() async { _ = try? await channel.finish(acceptAlreadyClosed: true) }

    /// What is left of its lowest handler, which knows all others.
    func trace() async throws -> Trace {
        try await channel.testingEventLoop.executeInContext { [channel] in
            let connection = try channel.pipeline.syncOperations.handler(type: ConnectionGuard.self)
            return Trace(reference: NIOLoopBound(.init(connection: connection), eventLoop: channel.eventLoop))
        }
    }

    struct Trace: Sendable {
        struct Reference {
            weak var connection: ConnectionGuard?
        }

        fileprivate let reference: NIOLoopBound<Reference>
    }
}
