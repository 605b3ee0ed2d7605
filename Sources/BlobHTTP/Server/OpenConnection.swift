import Glibc
import NIOCore
import Synchronization

/// An inbound event that asks an idle connection to close, since there is no room for others.
struct RoomNeededEvent: Sendable {
    /// How long it must have been idle: a request may be on its way.
    static let leastIdle = TimeAmount.seconds(1)
}

/// An inbound event that makes a connection close at once: too much waits on it.
struct MemoryNeededEvent: Sendable {}

/// An outbound event: whoever is on this connection has shown the key of an edge.
struct EdgeShownEvent: Sendable {}

/// One of the connections of a listener, and what it is charged for.
final class OpenConnection: Sendable {
    /// Of an account whose connection has been told to close.
    private static let ended = -1
    /// Changes smaller than this are not worth telling.
    private static let step = 4 << 10
    /// What the kernel takes unsent for a client that sends many requests ahead.
    private static let unsentBytes: SocketOptionValue = 128 << 10

    let channel: any Channel
    /// Its socket, which the channel closes; nil where it has none.
    let descriptor: CInt?
    /// The other end: a client, or a proxy.
    let peer: ClientAddress
    private let owner: ClientAddress?
    /// Whether it counts for a share; changed by `all` alone.
    private let hasShare = Atomic(true)
    private let all: OpenConnections
    /// Bytes that wait on it, as last told; changed by its event loop, until it is told to close.
    private let account = Atomic(0)

    init(_ channel: any Channel, _ accepted: AcceptedSocket?, proxies: TrustedProxies, of all: OpenConnections) {
        self.channel = channel
        descriptor = accepted?.descriptor
        peer = accepted?.peer ?? ClientAddress(channel.remoteAddress)
        owner = proxies.mayBeMany(at: peer) ? nil : peer.customer
        self.all = all
    }

    /// For whose share it counts; nil for programs on this machine, trusted proxies and edges, who speak for many.
    var customer: ClientAddress? { hasShare.load(ordering: .relaxed) ? owner : nil }

    /// Its handlers are there now, and hear whatever all connections are told.
    func join() { all.join(self) }

    /// It turned out to be an edge's.
    func releaseShare() { all.releaseShare(of: self) }

    /// The kernel takes no more for the client than so much that it has not sent yet (TCP_NOTSENT_LOWAT, tcp(7)): a client that
    /// sends many requests ahead may read nothing, and a thousand of those would leave no memory to other connections.
    /// Large blobs then cost twice the processor time, so it is done to those alone; on its event loop.
    func limitUnsent() {
        guard descriptor != nil else { return }
        let option = NIOBSDSocket.Option(rawValue: TCP_NOTSENT_LOWAT)
        try? channel.syncOptions?.setOption(.tcpOption(option), value: Self.unsentBytes)
    }

    /// Called by `all`, once the share has been given back.
    func dropShare() { hasShare.store(false, ordering: .relaxed) }

    /// Bytes that wait, at a time.
    var heldBytes: Int { max(0, account.load(ordering: .relaxed)) }

    /// So many bytes of memory are taken by what waits on this connection: requests for their turn, and responses for
    /// the client. Called on its event loop.
    func hold(_ bytes: Int) {
        let before = account.load(ordering: .relaxed)
        guard before != Self.ended, bytes != before, bytes == 0 || abs(bytes - before) >= Self.step,
            account.compareExchange(expected: before, desired: bytes, ordering: .relaxed).exchanged
        else { return }
        all.hold(bytes - before)
    }

    /// Ends the account, and returns what was on it.
    func end() -> Int { max(0, account.exchange(Self.ended, ordering: .relaxed)) }
}

/// Which connections have to go, where too much waits on all of them.
enum MemoryRule {
    /// Indices of the connections that hold most, until the others hold no more than seven eighths of the limit: less
    /// often a choice than one at a time, for which all have to be looked at again.
    static func victims(of heldBytes: [Int], limitBytes: Int) -> [Int] {
        var rest = heldBytes.reduce(0, +)
        guard rest > limitBytes else { return [] }
        var victims: [Int] = []
        for index in heldBytes.indices.sorted(by: { heldBytes[$0] > heldBytes[$1] }) {
            if rest <= limitBytes / 8 * 7 { break }
            rest -= heldBytes[index]
            victims.append(index)
        }
        return victims
    }
}

/// How many connections one customer may have.
enum ShareRule {
    /// Whether another connection is admitted, where `taken` of `limit` are there and `own` of them are the customer's:
    /// as many as come until three quarters are taken, then only to those that have less than a sixteenth.
    static func admits(taken: Int, own: Int, limit: Int) -> Bool {
        taken < limit - limit / 4 || own < max(1, limit / 16)
    }
}
