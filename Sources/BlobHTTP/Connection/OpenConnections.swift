import NIOCore
import Synchronization

/// The connections of one listener: how many there may be, and how all of them end.
final class OpenConnections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isQuiescing = false
        /// Listeners that wait for room to accept.
        var waiting: [@Sendable () -> Void] = []
        var ended: CheckedContinuation<Void, Never>?
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    /// Counts a connection until it closes.
    func add(_ channel: any Channel) {
        let isQuiescing = state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = channel
            return state.isQuiescing
        }
        channel.closeFuture.whenComplete { _ in self.remove(ObjectIdentifier(channel)) }
        if isQuiescing { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }

    /// Runs `accept` when another connection may be accepted: now, or when one has closed.
    func whenRoom(_ accept: @escaping @Sendable () -> Void) {
        let hasRoom = state.withLock { state in
            if state.channels.count < limit { return true }
            state.waiting.append(accept)
            return false
        }
        if hasRoom { accept() }
    }

    private func remove(_ channel: ObjectIdentifier) {
        let (waiting, ended) = state.withLock { state in
            state.channels[channel] = nil
            defer { state.waiting = [] }
            return (state.waiting, Self.takeEnd(&state))
        }
        for accept in waiting { whenRoom(accept) }
        ended?.resume()
    }

    /// Asks every connection to end: those that are idle at once, the others with the answer they are at.
    func quiesce() {
        let channels = state.withLock { state in
            state.isQuiescing = true
            return Array(state.channels.values)
        }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        state.withLock { Self.takeEnd(&$0) }?.resume()
    }

    /// Closes every connection, whatever it is at.
    func closeAll() {
        quiesce()
        for channel in state.withLock({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }

    /// Waits until all have been asked to end and the last one has. One caller at a time.
    func ended() async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                state.ended = continuation
                return Self.takeEnd(&state)
            }?.resume()
        }
    }

    private static func takeEnd(_ state: inout State) -> CheckedContinuation<Void, Never>? {
        guard state.isQuiescing, state.channels.isEmpty else { return nil }
        defer { state.ended = nil }
        return state.ended
    }
}

/// The handler of a listening socket: accepts no more connections than there may be.
final class AcceptGuard: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never
    typealias OutboundOut = Never

    private let connections: OpenConnections

    init(_ connections: OpenConnections) {
        self.connections = connections
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connections.add(unwrapInboundIn(data))
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        let bound = context.loopBound
        connections.whenRoom { [loop = context.eventLoop] in
            if loop.inEventLoop { bound.value.read() } else { loop.execute { bound.value.read() } }
        }
    }
}
