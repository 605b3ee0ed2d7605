import NIOCore
import NIOPosix
import StoreTestSupport
import Synchronization

/// The way to a port of this machine, which a test can cut.
final class Cable: Sendable {
    private struct State {
        var isCut = false
        var channels: [ObjectIdentifier: any Channel] = [:]
    }

    /// Carries what comes on one channel to another.
    private final class Carrier: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let other: any Channel

        init(to other: any Channel) { self.other = other }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            other.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
    }

    /// Connections that lead to the other end.
    private final class Connections: Sendable {
        let state = Mutex(State())

        /// Remembers a channel until it closes; closes it where the cable is cut.
        func add(_ channel: any Channel) {
            let isCut = state.withLock { state in
                if !state.isCut { state.channels[ObjectIdentifier(channel)] = channel }
                return state.isCut
            }
            if isCut { channel.close(promise: nil) }
            channel.closeFuture.whenComplete { _ in
                self.state.withLock { $0.channels[ObjectIdentifier(channel)] = nil }
            }
        }
    }

    /// Where it begins.
    let port: UInt16
    private let listener: any Channel
    private let connections: Connections

    /// Lays a cable to `target`.
    init(to target: UInt16) async throws {
        let connections = Connections()
        self.connections = connections
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { near in
                connections.add(near)
                return ClientBootstrap(group: near.eventLoop).connect(host: "127.0.0.1", port: Int(target)).flatMap {
                    far in
                    connections.add(far)
                    return near.eventLoop.makeCompletedFuture {
                        try near.pipeline.syncOperations.addHandler(Carrier(to: far))
                        try far.pipeline.syncOperations.addHandler(Carrier(to: near))
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = listener.localAddress?.port else { throw Unexpected(what: "no port is bound") }
        self.port = UInt16(clamping: port)
    }

    /// From now on nothing passes: all connections have been closed, and new ones are closed at once.
    func cut() async {
        let channels = connections.state.withLock { state in
            state.isCut = true
            return Array(state.channels.values)
        }
        for channel in channels { channel.close(promise: nil) }
        for channel in channels { try? await channel.closeFuture.get() }
    }

    func mend() { connections.state.withLock { $0.isCut = false } }

    func remove() async {
        try? await listener.close()
        await cut()
    }
}
