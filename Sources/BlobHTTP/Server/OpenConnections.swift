import NIOCore
package import NIOHTTP1
import Synchronization

/// The connections of one listener: it limits their number and what waits on them, and ends all of them.
///
/// At the limit, idle connections are closed at random to make room for new ones: whoever holds nearly all of them
/// loses nearly all of them. Once three quarters are taken, a customer who has a large share gets no more. Where too
/// much waits for clients on all of them together, those go on which most waits.
final class OpenConnections: Sendable {
    private typealias Waiting = (loop: any EventLoop, accept: @Sendable () -> Void)

    private struct State {
        var members: [OpenConnection] = []
        /// Those that have been accepted and are on their way to their event loops.
        var arriving: Set<ObjectIdentifier> = []
        /// The index of each in `members`, by its channel.
        var places: [ObjectIdentifier: Int] = [:]
        /// How many each customer has.
        var shares: [ClientAddress: Int] = [:]
        var isQuiescing = false
        var isClosing = false
        /// Listeners that are waiting for room to accept.
        var waiting: [Waiting] = []
        var isMakingRoom = false
        var ended: CheckedContinuation<Void, Never>?

        mutating func add(_ member: OpenConnection) {
            places[ObjectIdentifier(member.channel)] = members.count
            members.append(member)
            if let customer = member.customer { shares[customer, default: 0] += 1 }
        }

        mutating func takeWaiting() -> [Waiting] {
            defer { waiting = [] }
            return waiting
        }

        /// The last one fills the gap.
        mutating func remove(_ channel: ObjectIdentifier) {
            guard let place = places.removeValue(forKey: channel) else { return }
            let member = members[place]
            members.swapAt(place, members.count - 1)
            members.removeLast()
            if place < members.count { places[ObjectIdentifier(members[place].channel)] = place }
            giveBackShare(of: member)
        }

        mutating func giveBackShare(of member: OpenConnection) {
            guard let customer = member.customer, let count = shares[customer] else { return }
            shares[customer] = count > 1 ? count - 1 : nil
        }
    }

    /// How soon others are asked, where those that were asked are not idle.
    private static let pause = TimeAmount.milliseconds(10)

    private let limit: Int
    private let limitBytes: Int
    private let proxies: TrustedProxies
    private let state = Mutex(State())
    /// Bytes that wait on all of them, except on those that were told to close.
    private let heldBytes = Atomic(0)

    /// At most `limit` connections, on which at most `limitBytes` wait. Those of `proxies` have no share.
    init(limit: Int, limitBytes: Int, proxies: TrustedProxies) {
        self.limit = limit
        self.limitBytes = limitBytes
        self.proxies = proxies
    }

    /// Counts a connection until it closes, and gives its account; nil if its customer has too large a share: it is to be
    /// closed, and given up. `accepted` is nil for a channel without a socket of its own.
    func add(_ channel: any Channel, _ accepted: AcceptedSocket? = nil) -> OpenConnection? {
        let member = OpenConnection(channel, accepted, proxies: proxies, of: self)
        let isAdmitted = state.withLock { state in
            let own = member.customer.map { state.shares[$0] ?? 0 } ?? 0
            let isAdmitted =
                !state.isClosing && ShareRule.admits(taken: state.members.count, own: own, limit: limit)
            if isAdmitted {
                if let accepted { state.arriving.remove(ObjectIdentifier(accepted)) }
                state.add(member)
            }
            return isAdmitted
        }
        guard isAdmitted else {
            askForRoom { $0.customer == member.customer }
            return nil
        }
        channel.closeFuture.whenComplete { _ in self.remove(member) }
        return member
    }

    /// A connection has been accepted, which takes its room before it is added.
    func expect(_ accepted: AcceptedSocket) { state.withLock { _ = $0.arriving.insert(ObjectIdentifier(accepted)) } }

    /// It will not be added, if it has not been yet.
    func giveUp(_ accepted: AcceptedSocket) {
        let (waiting, ended) = state.withLock { state in
            state.arriving.remove(ObjectIdentifier(accepted))
            return (state.takeWaiting(), Self.takeEnd(&state))
        }
        askAgain(waiting)
        ended?.resume()
    }

    /// The handlers of a connection are there now. Where all have been asked to close before, it is asked too.
    func join(_ member: OpenConnection) {
        guard state.withLock({ $0.isQuiescing }) else { return }
        let channel = member.channel
        // Later: the channel may not be open yet.
        channel.eventLoop.execute { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }

    /// A connection does not count for its customer's share any more.
    func releaseShare(of member: OpenConnection) {
        state.withLock { state in
            guard state.places[ObjectIdentifier(member.channel)] != nil else { return }
            state.giveBackShare(of: member)
            member.dropShare()
        }
    }

    // MARK: Room

    /// Runs `accept` when another connection may be accepted: now, or when one has closed. Idle ones are asked to
    /// close.
    func whenRoom(on loop: any EventLoop, _ accept: @escaping @Sendable () -> Void) {
        let (hasRoom, begins) = state.withLock { state in
            if state.members.count + state.arriving.count < limit { return (true, false) }
            state.waiting.append((loop, accept))
            defer { state.isMakingRoom = true }
            return (false, !state.isMakingRoom)
        }
        if hasRoom { accept() }
        if begins { makeRoom(on: loop) }
    }

    /// Asks a few connections to close if they are idle, and again others for as long as there is no room.
    private func makeRoom(on loop: any EventLoop) {
        let isNeeded = state.withLock { state in
            state.isMakingRoom = !state.waiting.isEmpty && !state.isQuiescing
            return state.isMakingRoom
        }
        guard isNeeded else { return }
        askForRoom { _ in true }
        loop.scheduleTask(in: Self.pause) { self.makeRoom(on: loop) }
    }

    /// Asks a few connections at random, of those that are meant, to close if they are idle.
    private func askForRoom(_ isMeant: (OpenConnection) -> Bool) {
        let asked = state.withLock { state in (0...limit / 128).compactMap { _ in state.members.randomElement() } }
        for member in asked where isMeant(member) {
            member.channel.pipeline.fireUserInboundEventTriggered(RoomNeededEvent())
        }
    }

    // MARK: Memory

    /// So many bytes more wait on one of the connections. Where that is too much, those on which most waits close.
    func hold(_ bytes: Int) {
        guard heldBytes.wrappingAdd(bytes, ordering: .relaxed).newValue > limitBytes else { return }
        let victims = state.withLock { state in
            MemoryRule.victims(of: state.members.map(\.heldBytes), limitBytes: limitBytes).map { index in
                heldBytes.wrappingSubtract(state.members[index].end(), ordering: .relaxed)
                return state.members[index]
            }
        }
        for victim in victims { victim.channel.pipeline.fireUserInboundEventTriggered(MemoryNeededEvent()) }
    }

    // MARK: The end

    private func remove(_ member: OpenConnection) {
        heldBytes.wrappingSubtract(member.end(), ordering: .relaxed)
        let (waiting, ended) = state.withLock { state in
            state.remove(ObjectIdentifier(member.channel))
            return (state.takeWaiting(), Self.takeEnd(&state))
        }
        askAgain(waiting)
        ended?.resume()
    }

    /// There may still be no room.
    private func askAgain(_ waiting: [Waiting]) { for (loop, accept) in waiting { whenRoom(on: loop, accept) } }

    /// Asks every connection to close: idle ones at once, others after the response in progress.
    func quiesce() {
        let members = state.withLock { state in
            state.isQuiescing = true
            return state.members
        }
        for member in members { member.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        state.withLock { Self.takeEnd(&$0) }?.resume()
    }

    /// Closes every connection, whatever it is doing; also those that are on their way.
    func closeAll() {
        state.withLock { $0.isClosing = true }
        quiesce()
        for member in state.withLock({ $0.members }) { member.channel.close(promise: nil) }
    }

    /// Waits until all have been asked to close and the last one has, with none on its way. One caller at a time.
    func ended() async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                state.ended = continuation
                return Self.takeEnd(&state)
            }?.resume()
        }
    }

    private static func takeEnd(_ state: inout State) -> CheckedContinuation<Void, Never>? {
        guard state.isQuiescing, state.members.isEmpty, state.arriving.isEmpty else { return nil }
        defer { state.ended = nil }
        return state.ended
    }
}

/// Limits of a single connection, in bytes and time.
package struct ConnectionLimits: Sendable {
    /// Fields of a request.
    static let headerFields = 256

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
    /// The lowest speed of responses, while bytes wait for the client; 0 for none: any byte is enough.
    package var downloadBytesPerSecond = 1024
    /// How long bytes may wait for a client that stays below that speed, or takes nothing.
    package var writeTimeout: Duration = .seconds(60)
    /// Bytes that are read and discarded after a response that ends the connection, so that a reset does not lose it: as
    /// many as the largest upload by default, since a proxy may send on all of it before it looks at the response.
    package var drainBytes = 2 << 30
    /// How long that may take.
    package var longestDrain: Duration = .seconds(30)
    /// How long a client that is to close, or to stop sending, may do neither.
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
