import Blobs
import Glibc
import NIOCore
import NIOEmbedded
import Synchronization
import TestSupport
import Testing

@testable import BlobHTTP

/// Connections between the acceptor and their channels.
@Suite struct AcceptorTests {
    /// Both ends of a connection.
    private func pair() throws -> (CInt, CInt) {
        var ends: [CInt] = [-1, -1]
        // Safe: the call writes two descriptors, for which there is room.
        try #require(unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue) | 0o2000000, 0, &ends) == 0)
        return (ends[0], ends[1])
    }

    /// Whether the other end of `descriptor` has been closed.
    private func isEnded(_ descriptor: CInt) -> Bool {
        var byte: UInt8 = 0
        // Safe: the call writes one byte at most, for which there is room.
        return unsafe recv(descriptor, &byte, 1, CInt(MSG_DONTWAIT)) == 0
    }

    private let peer = ClientAddress(socketAddress: [])

    @Test func `a socket that no channel has taken is closed`() async throws {
        let (near, far) = try pair()
        defer { close(far) }
        var socket: AcceptedSocket? = AcceptedSocket(descriptor: near, peer: peer)
        #expect(socket != nil && !isEnded(far))
        socket = nil
        // A process that is just being started by another test may have the other end until it runs its program.
        try await eventually { isEnded(far) }
    }

    @Test func `a socket that a channel has taken is the channel's to close`() throws {
        let (near, far) = try pair()
        defer { close(far) }
        var socket: AcceptedSocket? = AcceptedSocket(descriptor: near, peer: peer)
        socket?.handOver()
        socket = nil
        #expect(socket == nil && !isEnded(far))
        #expect(close(near) == 0)
    }

    @Test func `who fails late takes no room from the next with the same descriptor`() throws {
        let connections = OpenConnections(limit: 2, limitBytes: 1 << 20, proxies: TrustedProxies())
        let loop = EmbeddedEventLoop()
        let sockets = (0..<2).map { _ in AcceptedSocket(descriptor: -1, peer: peer) }
        connections.expect(sockets[0])
        let channel = EmbeddedChannel(loop: loop)
        #expect(connections.add(channel, sockets[0]) != nil)
        connections.expect(sockets[1])
        connections.giveUp(sockets[0])
        let accepted = Atomic(0)
        connections.whenRoom(on: loop) { accepted.add(1, ordering: .relaxed) }
        #expect(accepted.load(ordering: .relaxed) == 0, "the other one is on its way")
        connections.giveUp(sockets[1])
        #expect(accepted.load(ordering: .relaxed) == 1)
        _ = try channel.finish()
    }
}
