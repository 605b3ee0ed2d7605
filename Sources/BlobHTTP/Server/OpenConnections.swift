import NIOCore
package import NIOHTTP1
import Synchronization

/// An inbound event that asks an idle connection to close, since there is no room for others.
struct RoomNeededEvent: Sendable {
    /// How long it must have been idle: a request may be on its way.
    static let leastIdle = TimeAmount.seconds(1)
}

/// The connections of one listener: it limits their number, and ends all of them.
///
/// At the limit, idle connections are closed at random to make room for new ones: whoever holds nearly all of them
/// loses nearly all of them.
final class OpenConnections: Sendable {
    private struct State {
        var channels: [any Channel] = []
        /// The index of each in `channels`.
        var places: [ObjectIdentifier: Int] = [:]
        var isQuiescing = false
        /// Listeners that are waiting for room to accept.
        var waiting: [(loop: any EventLoop, accept: @Sendable () -> Void)] = []
        var isMakingRoom = false
        var ended: CheckedContinuation<Void, Never>?

        mutating func add(_ channel: any Channel) {
            places[ObjectIdentifier(channel)] = channels.count
            channels.append(channel)
        }

        /// The last one fills the gap.
        mutating func remove(_ channel: ObjectIdentifier) {
            guard let place = places.removeValue(forKey: channel), let last = channels.popLast() else { return }
            guard place < channels.count else { return }
            channels[place] = last
            places[ObjectIdentifier(last)] = place
        }
    }

    /// How soon others are asked, where those that were asked are not idle.
    private static let pause = TimeAmount.milliseconds(10)

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    /// Counts a connection until it closes.
    func add(_ channel: any Channel) {
        let isQuiescing = state.withLock { state in
            state.add(channel)
            return state.isQuiescing
        }
        channel.closeFuture.whenComplete { _ in self.remove(ObjectIdentifier(channel)) }
        if isQuiescing { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }

    /// Runs `accept` when another connection may be accepted: now, or when one has closed. Idle ones are asked to
    /// close.
    func whenRoom(on loop: any EventLoop, _ accept: @escaping @Sendable () -> Void) {
        let (hasRoom, begins) = state.withLock { state in
            if state.channels.count < limit { return (true, false) }
            state.waiting.append((loop, accept))
            defer { state.isMakingRoom = true }
            return (false, !state.isMakingRoom)
        }
        if hasRoom { accept() }
        if begins { makeRoom(on: loop) }
    }

    /// Asks a few connections at random to close if they are idle, and again others for as long as there is no room.
    private func makeRoom(on loop: any EventLoop) {
        let asked = state.withLock { state in
            state.isMakingRoom = !state.waiting.isEmpty && !state.isQuiescing
            guard state.isMakingRoom else { return [any Channel]() }
            return (0...limit / 128).compactMap { _ in state.channels.randomElement() }
        }
        guard !asked.isEmpty else { return }
        for channel in asked { channel.pipeline.fireUserInboundEventTriggered(RoomNeededEvent()) }
        loop.scheduleTask(in: Self.pause) { self.makeRoom(on: loop) }
    }

    private func remove(_ channel: ObjectIdentifier) {
        let (waiting, ended) = state.withLock { state in
            state.remove(channel)
            defer { state.waiting = [] }
            return (state.waiting, Self.takeEnd(&state))
        }
        // One read of the listening socket accepts several, so there may still be no room.
        for (loop, accept) in waiting { whenRoom(on: loop, accept) }
        ended?.resume()
    }

    /// Asks every connection to close: idle ones at once, others after the response in progress.
    func quiesce() {
        let channels = state.withLock { state in
            state.isQuiescing = true
            return state.channels
        }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        state.withLock { Self.takeEnd(&$0) }?.resume()
    }

    /// Closes every connection, whatever it is doing.
    func closeAll() {
        quiesce()
        for channel in state.withLock({ $0.channels }) { channel.close(promise: nil) }
    }

    /// Waits until all have been asked to close and the last one has. One caller at a time.
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

/// The handler of a listening socket: it accepts connections up to the limit.
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
        let loop = context.eventLoop
        connections.whenRoom(on: loop) {
            if loop.inEventLoop { bound.value.read() } else { loop.execute { bound.value.read() } }
        }
    }
}

/// Limits of a single connection, in bytes and time.
package struct ConnectionLimits: Sendable {
    /// Bytes of a request's target and fields together.
    package var headerBytes = 32 * 1024
    /// From the first byte of a request to the end of its fields.
    package var headerTimeout: Duration = .seconds(10)
    /// Between requests.
    package var idleTimeout: Duration = .seconds(75)
    /// The lowest speed of an upload, while the server is waiting for the client.
    package var uploadBytesPerSecond = 1024
    /// How long an upload may stay below its lowest speed.
    package var uploadPatience: Duration = .seconds(60)
    /// How long a response may make no progress because the client does not read.
    package var writeTimeout: Duration = .seconds(60)
    /// Bytes that are read and discarded after a response that ends the connection, so that a reset does not lose it.
    package var drainBytes = 1024 * 1024
    /// How long that may take.
    package var drainTimeout: Duration = .seconds(2)

    package init() {}
}

/// Why a request could not be read to its end.
package enum ConnectionFailure: Error, Hashable, Sendable {
    /// Not HTTP/1, or ambiguous.
    case malformed(String)
    case headerTooLarge
    case slowHeader
    case slowBody
    /// The client disconnected in the middle of a body.
    case disconnected

    /// From an error of the decoder.
    package init(_ error: HTTPParserError) {
        self = error == .headerOverflow ? .headerTooLarge : .malformed("It cannot be parsed as HTTP/1.1.")
    }

    /// The response, if the client is still there.
    package var problem: Problem {
        switch self {
        case .malformed(let why): Problem(.badRequest, detail: why)
        case .headerTooLarge: Problem(.headerTooLarge)
        case .slowHeader, .slowBody: Problem(.timeout)
        case .disconnected: Problem(.badRequest, detail: "The body ended early.")
        }
    }
}
