package import Blobs
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
    /// Nil where the responder answers every upload.
    let uploads: SmallUploads?
    /// Nil for plain HTTP.
    let identity: TLSIdentity?
    let requests: RoutedRequests
    let logger: Logger
    /// Called once, when connections are accepted, with the IP address and the port that the socket is bound to.
    let onListening: @Sendable (Authority) async throws -> Void

    func run() async throws {
        let connections = OpenConnections(
            limit: settings.connectionLimit, limitBytes: settings.connectionBytes, proxies: settings.proxies)
        let (routed, admission) = AsyncStream.makeStream(of: RoutedChannel.self)
        let socket: any Channel
        do {
            socket = try await bootstrap(connections) { admission.yield($0) }
                .bind(host: address.host, port: Int(address.port ?? 0)).get()
        } catch {
            throw ListenError(address, error)
        }
        let port = socket.localAddress?.port.map { UInt16(clamping: $0) }
        let bound = Authority(host: socket.localAddress?.ipAddress ?? address.host, port: port ?? address.port)
        do { try await onListening(bound) } catch {
            socket.close(promise: nil)
            connections.closeAll()
            throw error
        }
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
            limits: settings.connections, reads: reads, uploads: uploads, now: requests.now, isSecure: identity != nil,
            serve: serve)
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
            // One reading of each connection at a time, while others wait.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            // An idle connection keeps the buffer of its last read. Where more arrives than fits, the next one is
            // larger.
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 64 << 10)
            )
            .childChannelInitializer { [identity, limits = settings.connections] channel in
                guard let account = connections.member(channel) else {
                    return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
                }
                guard let identity else {
                    return channel.eventLoop.makeCompletedFuture { try http1.add(to: channel, account) }
                }
                return Self.secure(account, identity, limits, http1, http2)
            }
    }

    private static func secure(
        _ account: OpenConnection, _ identity: TLSIdentity, _ limits: ConnectionLimits, _ http1: HTTP1Pipeline,
        _ http2: HTTP2Pipeline
    ) -> EventLoopFuture<Void> {
        let channel = account.channel
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandlers(
                NIOSSLServerHandler(context: identity.current), HandshakeGuard(timeout: limits.headerTimeout))
        }.flatMap {
            channel.configureHTTP2SecureUpgrade { channel in
                channel.eventLoop.makeCompletedFuture { try http2.add(to: channel, account) }
            } http1ChannelConfigurator: { channel in
                channel.eventLoop.makeCompletedFuture { try http1.add(to: channel, account) }
            }
        }
    }
}

/// Why a server cannot listen at an address.
package struct ListenError: Error {
    package enum Reason: Sendable {
        /// A system call failed with this error number.
        case system(code: Int32)
        case unknownHost
        case other(String)
    }

    package let address: Authority
    package let reason: Reason

    package init(_ address: Authority, _ error: any Error) {
        self.address = address
        reason =
            switch error {
            case let error as IOError: .system(code: error.errnoCode)
            case is SocketAddressError.UnknownHost, SocketAddressError.unknown: .unknownHost
            default: .other("\(error)")
            }
    }
}
