import Blobs
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Store

/// Listens at one address and serves its connections until the program ends: reads of blobs on the event loops, all
/// other requests by a responder in tasks.
struct BlobListener: Service {
    let address: Authority
    let settings: BlobServerSettings
    /// Nil where nothing but the responder answers.
    let reads: ReadPath?
    /// Nil for plain HTTP.
    let identity: TLSIdentity?
    let requests: RoutedRequests
    let logger: Logger
    /// Called once, when connections are accepted, with the address that the socket is bound to.
    let onListening: @Sendable (Authority) async -> Void

    func run() async throws {
        let connections = OpenConnections(limit: settings.connectionLimit)
        let (routed, admission) = AsyncStream.makeStream(of: RoutedChannel.self)
        let socket = try await bootstrap(connections) { admission.yield($0) }
            .bind(host: address.host, port: Int(address.port ?? 0)).get()
        let port = socket.localAddress?.port.map { UInt16(clamping: $0) }
        await onListening(Authority(host: address.host, port: port ?? address.port))
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await withDiscardingTaskGroup { group in
                    group.addTask {
                        await connections.ended()
                        admission.finish()
                    }
                    for await channel in routed {
                        group.addTask { await requests.handle(value: channel, logger: logger) }
                    }
                }
            } onGracefulShutdown: {
                socket.close(promise: nil)
                connections.quiesce()
            }
        } onCancel: {
            socket.close(promise: nil)
            connections.closeAll()
        }
        reads?.close()
    }

    private func bootstrap(
        _ connections: OpenConnections, serve: @escaping @Sendable (RoutedChannel) -> Void
    ) -> ServerBootstrap {
        let http1 = HTTP1Pipeline(
            limits: settings.connections, reads: reads, isSecure: identity != nil, serve: serve)
        let http2 = HTTP2Pipeline(limits: settings.connections, reads: reads, serve: serve)
        return ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: Int32(clamping: settings.backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptGuard(connections))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // An idle connection keeps the buffer of its last read. Where more arrives than fits, the next one is
            // larger.
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 64 << 10)
            )
            .childChannelInitializer { [identity, limits = settings.connections] channel in
                guard let identity else { return channel.eventLoop.makeCompletedFuture { try http1.add(to: channel) } }
                return Self.secure(channel, identity, limits, http1, http2)
            }
    }

    private static func secure(
        _ channel: any Channel, _ identity: TLSIdentity, _ limits: ConnectionLimits, _ http1: HTTP1Pipeline,
        _ http2: HTTP2Pipeline
    ) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandlers(
                NIOSSLServerHandler(context: identity.current), HandshakeGuard(timeout: limits.headerTimeout))
        }.flatMap {
            channel.configureHTTP2SecureUpgrade { channel in
                channel.eventLoop.makeCompletedFuture { try http2.add(to: channel) }
            } http1ChannelConfigurator: { channel in
                channel.eventLoop.makeCompletedFuture { try http1.add(to: channel) }
            }
        }
    }
}
