import Blobs
import CLinux
import Dispatch
import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// A listening socket and the thread that accepts its connections.
///
/// The channel library could accept as well. But whoever accepts knows the descriptor, and what is ready is sent past the
/// channel (`ConnectionSocket`).
final class Acceptor: Sendable {
    private struct State {
        var hasStarted = false
        var isEnding = false
        var hasEnded = false
        /// Those who wait for its end.
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// How long not to accept where the system has no room for another connection.
    private static let pauseMicroseconds: UInt32 = 50_000

    /// The IP address and the port that the socket is bound to.
    let bound: Authority
    /// The socket, until it ends.
    let descriptor: CInt
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let state = Mutex(State())
    /// Open once for each connection that may be accepted.
    private let room = DispatchSemaphore(value: 0)

    /// Listens at `address`, with room for `backlog` connections that are not accepted yet.
    init(_ address: Authority, backlog: Int) throws(ListenError) {
        let place: SocketAddress
        do {
            place = try SocketAddress.makeAddressResolvingHost(address.host, port: Int(address.port ?? 0))
        } catch { throw ListenError(address, error) }
        let descriptor = socket(CInt(place.protocol.rawValue), CInt(SOCK_STREAM.rawValue) | 0o2000000, 0)
        guard descriptor >= 0 else { throw ListenError(address, code: errno) }
        var one: CInt = 1
        // Safe: both calls read what they are given during the call, as much as they are told.
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
        let isBound =
            unsafe place.withSockAddr { start, count in unsafe bind(descriptor, start, socklen_t(count)) } == 0
        guard isBound, listen(descriptor, CInt(clamping: backlog)) == 0 else {
            let code = errno
            close(descriptor)
            throw ListenError(address, code: code)
        }
        self.descriptor = descriptor
        bound = Authority(host: place.ipAddress ?? address.host, port: Self.port(of: descriptor) ?? address.port)
    }

    /// Accepts until `end`: whenever `connections` has room, another one goes to `take`. At most once, and not behind `end`.
    func start(
        _ connections: OpenConnections, on loop: any EventLoop, _ take: @escaping @Sendable (AcceptedSocket) -> Void
    ) {
        let isEnding = state.withLock { state in
            state.hasStarted = !state.isEnding
            return state.isEnding
        }
        if isEnding { return }
        thread.start()
        thread.submit { _ in
            while !self.state.withLock({ $0.isEnding }) {
                connections.whenRoom(on: loop) { self.room.signal() }
                self.room.wait()
                if let accepted = self.accept() { take(accepted) }
            }
            close(self.descriptor)
            self.noteEnd()
            self.thread.shutdownGracefully { _ in }
        }
    }

    /// Accepts no more. What waits to be accepted is refused. Again it does nothing: the descriptor may be another's by then.
    func end() {
        let wasStarted: Bool? = state.withLock { state in
            guard !state.isEnding else { return nil }
            state.isEnding = true
            // Whoever waits in accept(2) is woken by that, and closes it: not before it can see that this is the end.
            if state.hasStarted { shutdown(descriptor, CInt(SHUT_RDWR)) } else { close(descriptor) }
            return state.hasStarted
        }
        if wasStarted == true { room.signal() }
        if wasStarted == false { noteEnd() }
    }

    /// Waits until nothing is accepted any more: `take` has been given whatever was.
    func ended() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if !state.hasEnded { state.waiting.append(continuation) }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    private func noteEnd() {
        let waiting = state.withLock { state in
            state.hasEnded = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Waits for a connection; nil where there is none after all.
    private func accept() -> AcceptedSocket? {
        let peer = clinux_accept(descriptor)
        if peer.descriptor >= 0 {
            // Safe: every pattern of bits is a byte.
            let bytes = unsafe withUnsafeBytes(of: peer.address) { unsafe Array($0.prefix(Int(peer.count))) }
            return AcceptedSocket(descriptor: peer.descriptor, peer: ClientAddress(socketAddress: bytes))
        }
        // The client may have gone, or the machine has no room; then time helps, and nothing else.
        if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno) { usleep(Self.pauseMicroseconds) }
        return nil
    }

    /// The port that a socket is bound to: of both kinds of addresses the bytes 2 and 3 (ip(7), ipv6(7)).
    private static func port(of descriptor: CInt) -> UInt16? {
        var bytes = [UInt8](repeating: 0, count: 128)
        var count = socklen_t(bytes.count)
        // Safe: the call writes no more than there is room for.
        let code = unsafe bytes.withUnsafeMutableBytes { room in
            unsafe getsockname(
                descriptor, room.baseAddress.map { unsafe $0.assumingMemoryBound(to: sockaddr.self) }, &count)
        }
        return code == 0 && count >= 4 ? UInt16(bytes[2]) << 8 | UInt16(bytes[3]) : nil
    }
}

/// A connection that was accepted. Its descriptor is closed with this, unless a channel owns it by then.
final class AcceptedSocket: Sendable {
    let descriptor: CInt
    /// The other end.
    let peer: ClientAddress
    private let hasOwner = Atomic(false)

    init(descriptor: CInt, peer: ClientAddress) {
        self.descriptor = descriptor
        self.peer = peer
    }

    /// A channel closes it from now on.
    func handOver() { hasOwner.store(true, ordering: .releasing) }

    deinit { if !hasOwner.load(ordering: .acquiring) { close(descriptor) } }
}
