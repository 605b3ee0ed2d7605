package import Blobs
import EventLoops
import HummingbirdCore
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
    /// Called once, when connections are accepted, with the IP address and the port that the socket is bound to.
    let onListening: @Sendable (Authority) async throws -> Void

    func run() async throws {
        let connections = OpenConnections(
            limit: settings.connectionLimit, limitBytes: settings.connectionBytes, proxies: settings.proxies)
        let (routed, admission) = AsyncStream.makeStream(of: RoutedChannel.self)
        let acceptor = try Acceptor(address, backlog: settings.backlog)
        do { try await onListening(acceptor.bound) } catch {
            acceptor.end()
            throw error
        }
        let bootstrap = bootstrap(connections) { admission.yield($0) }
        acceptor.start(connections, on: MultiThreadedEventLoopGroup.singleton.next(), bootstrap)
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await withDiscardingTaskGroup { group in
                    group.addTask {
                        // First, since another connection may have been accepted just now.
                        await acceptor.ended()
                        await connections.ended()
                        admission.finish()
                    }
                    for await channel in routed {
                        group.addTask { await requests.serve(channel) }
                    }
                }
            } onGracefulShutdown: {
                acceptor.end()
                connections.quiesce()
            }
        } onCancel: {
            acceptor.end()
            connections.closeAll()
        }
        // Those whose connections were closed go on until the store has answered.
        await uploads?.tasks.ended()
        reads?.close()
    }

    /// What is done with each connection that was accepted.
    private func bootstrap(
        _ connections: OpenConnections, serve: @escaping @Sendable (RoutedChannel) -> Void
    ) -> @Sendable (AcceptedSocket) -> Void {
        let http1 = HTTP1Pipeline(
            limits: settings.connections, reads: reads, uploads: uploads, now: requests.now, isSecure: identity != nil,
            serve: serve)
        let http2 = HTTP2Pipeline(limits: settings.connections, reads: reads, serve: serve)
        let loops = PerLoop<FairLoop>()
        return { [identity, limits = settings.connections] accepted in
            connections.expect(accepted)
            // It fails where the client has gone by now, too; the channel is closed then, or the socket where there is none.
            ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.allowRemoteHalfClosure, value: true)
                // One reading of each connection at a time, while others wait.
                .channelOption(.maxMessagesPerRead, value: 1)
                // An idle connection keeps the buffer of its last read. Where more arrives than fits, the next one is
                // larger.
                .channelOption(
                    .recvAllocator,
                    value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 64 << 10)
                )
                .channelInitializer { channel in
                    accepted.handOver()
                    guard let account = connections.add(channel, accepted) else {
                        return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
                    }
                    let loop = loops.value(on: channel.eventLoop) { FairLoop(channel.eventLoop) }
                    guard let identity else {
                        return channel.eventLoop.makeCompletedFuture {
                            try http1.add(to: channel, account, loop.turns, endings: loop.endings)
                        }
                    }
                    return Self.secure(account, loop, identity, limits, http1, http2)
                }
                .withConnectedSocket(accepted.descriptor)
                .whenFailure { _ in connections.giveUp(accepted) }
        }
    }

    private static func secure(
        _ account: OpenConnection, _ loop: FairLoop, _ identity: TLSIdentity, _ limits: ConnectionLimits,
        _ http1: HTTP1Pipeline, _ http2: HTTP2Pipeline
    ) -> EventLoopFuture<Void> {
        let channel = account.channel
        let turns = NIOLoopBound(loop.turns, eventLoop: channel.eventLoop)
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandlers(
                EndingGuard(loop.endings), NIOSSLServerHandler(context: identity.current),
                HandshakeGuard(timeout: limits.headerTimeout))
        }.flatMap {
            channel.configureHTTP2SecureUpgrade { channel in
                channel.eventLoop.makeCompletedFuture { try http2.add(to: channel, account, turns.value) }
            } http1ChannelConfigurator: { channel in
                channel.eventLoop.makeCompletedFuture { try http1.add(to: channel, account, turns.value) }
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

    init(_ address: Authority, code: Int32) {
        self.address = address
        reason = .system(code: code)
    }

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
