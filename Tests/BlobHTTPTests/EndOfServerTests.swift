import Blobs
import Glibc
import NIOCore
import NIOEmbedded
import NIOPosix
import Store
import Synchronization
import Telemetry
import TestSupport
import Testing
import Vault

@testable import BlobHTTP

/// What a server that ends owes to its connections, and to whoever has the numbers of its descriptors next.
@Suite(.timeLimit(.minutes(15))) struct EndOfServerTests {
    private final class Flag: Sendable {
        private let flag = Atomic(false)

        var isUp: Bool { flag.load(ordering: .sequentiallyConsistent) }
        func raise() { flag.store(true, ordering: .sequentiallyConsistent) }
    }

    private func connections(limit: Int = 8) -> OpenConnections {
        OpenConnections(limit: limit, limitBytes: 1 << 20, proxies: TrustedProxies())
    }

    /// A connection without a socket, open unless it is to be opened later.
    private func channel() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private let http1 = HTTP1Pipeline(
        limits: ConnectionLimits(), reads: nil, uploads: nil, now: { Timestamp(seconds: 1) }, isSecure: false
    ) { _ in }

    // MARK: Accepting

    @Test func `an acceptor ends once: the second time its descriptor may be another's`() async throws {
        var ends: [CInt] = [-1, -1]
        // Safe: the call writes two descriptors, for which there is room.
        try #require(unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue) | 0o2000000, 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        var hasSame = false
        while !hasSame {
            let acceptor = try Acceptor(Authority(host: "127.0.0.1", port: 0), backlog: 1)
            acceptor.start(connections(), on: MultiThreadedEventLoopGroup.singleton.next()) { _ in }
            acceptor.end()
            await acceptor.ended()
            // The least number that is free, from that of the acceptor on: its own, if no other test has been faster.
            let copy = fcntl(ends[0], F_DUPFD_CLOEXEC, acceptor.descriptor)
            hasSame = copy == acceptor.descriptor
            if hasSame { acceptor.end() }
            close(copy)
        }
        var byte: UInt8 = 0
        // Safe: the call writes one byte at most, for which there is room.
        #expect(unsafe recv(ends[1], &byte, 1, CInt(MSG_DONTWAIT)) == -1, "open, with nothing to read")
    }

    @Test func `an acceptor takes connections until it ends, also while it waits for room`() async throws {
        for limit in [0, 8] {
            let acceptor = try Acceptor(Authority(host: "127.0.0.1", port: 0), backlog: 8)
            let port = Int(try #require(acceptor.bound.port))
            let taken = Atomic(0)
            acceptor.start(connections(limit: limit), on: MultiThreadedEventLoopGroup.singleton.next()) {
                accepted in
                if accepted.peer.text == "127.0.0.1" { taken.add(1, ordering: .sequentiallyConsistent) }
            }
            let client = try await RawClient.connect(port: port)
            if limit > 0 { try await eventually { taken.load(ordering: .sequentiallyConsistent) == 1 } }
            acceptor.end()
            await acceptor.ended()
            await #expect(throws: (any Error).self) { try await RawClient.connect(port: port) }
            #expect(taken.load(ordering: .sequentiallyConsistent) == min(limit, 1))
            await client.close()
        }
    }

    @Test func `whoever tries to listen leaves no socket behind, though the second address is taken`() throws {
        // An address at which no other test listens.
        let host = "127.0.0.2"
        let taken = try Acceptor(Authority(host: host, port: 0), backlog: 1)
        defer { taken.end() }
        let free = try Acceptor(Authority(host: host, port: 0), backlog: 1)
        free.end()
        var settings = BlobServerSettings(listen: free.bound)
        settings.adminListen = taken.bound
        #expect(throws: ListenError.self) { try BlobServer.tryListening(settings) }
        try Acceptor(free.bound, backlog: 1).end()
    }

    // MARK: Connections that come as the server ends

    @Test func `nobody is told that all have ended while one is on its way`() async throws {
        for isGivenUp in [true, false] {
            let connections = connections()
            let socket = AcceptedSocket(descriptor: -1, peer: ClientAddress(socketAddress: []))
            connections.expect(socket)
            connections.quiesce()
            let hasEnded = Flag()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await connections.ended()
                    hasEnded.raise()
                }
                for _ in 0..<10_000 { await Task.yield() }
                #expect(!hasEnded.isUp)
                if isGivenUp { connections.giveUp(socket) } else { try expectClosed(socket, among: connections) }
                try await group.waitForAll()
            }
        }
    }

    private func expectClosed(_ socket: AcceptedSocket, among connections: OpenConnections) throws {
        let channel = try channel()
        let account = try #require(connections.add(channel, socket))
        try http1.add(to: channel, account, LoopTurns(channel.eventLoop))
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive, "it has been told, though it came behind the others")
    }

    @Test func `a connection of HTTP/2 that comes then is asked to go`() throws {
        let connections = connections()
        connections.quiesce()
        let channel = try channel()
        let account = try #require(connections.add(channel))
        try HTTP2Pipeline(limits: ConnectionLimits(), reads: nil) { _ in }.add(
            to: channel, account, LoopTurns(channel.eventLoop))
        try channel.writeInbound(
            ByteBuffer(bytes: Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]))
        channel.embeddedEventLoop.run()
        var bytes: [UInt8] = []
        while let part = try channel.readOutbound(as: IOData.self) {
            if case .byteBuffer(let part) = part { bytes += part.readableBytesView }
        }
        var kinds: Set<UInt8> = []
        while bytes.count >= 9 {
            kinds.insert(bytes[3])
            bytes.removeFirst(min(bytes.count, 9 + (Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2]))))
        }
        #expect(kinds.contains(7), "GOAWAY, RFC 9113 §6.8: \(kinds)")
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }

    @Test func `once all are closed none is let in`() throws {
        let connections = connections()
        connections.closeAll()
        #expect(connections.add(try channel()) == nil)
    }

    // MARK: What is under way

    @Test(arguments: [true, false])
    func `a response that waits for its client is sent before an idle connection closes`(isEnding: Bool) throws {
        let connections = connections()
        let channel = try channel()
        let account = try #require(connections.add(channel))
        try http1.add(to: channel, account, LoopTurns(channel.eventLoop))
        let connection = try channel.pipeline.syncOperations.handler(type: ConnectionGuard.self)
        // It has been idle for a while.
        connection.state = ConnectionState(limits: ConnectionLimits(), now: .now() - .seconds(5))
        connection.send(.byteBuffer(ByteBuffer(string: "the rest of a response")))
        #expect(try channel.readOutbound(as: IOData.self) == nil)
        let event: any Sendable = isEnding ? ChannelShouldQuiesceEvent() : RoomNeededEvent()
        channel.pipeline.fireUserInboundEventTriggered(event)
        channel.embeddedEventLoop.run()
        #expect(
            try channel.readOutbound(as: IOData.self) == .byteBuffer(ByteBuffer(string: "the rest of a response")))
        _ = try? channel.writeInbound(ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"))
        #expect(connection.state.reading == .over && !connection.state.isAnswerDue, "no more requests are taken")
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }

    @Test func `a server ends behind its uploads, though their connections were closed`() async throws {
        let heldUp = HeldUp()
        var meters: Meters?
        var client: Task<Void, any Error>?
        try await TestServer.run(
            shutdownTimeout: .milliseconds(50), store: { FailingStore($0, holdsUp: heldUp) }
        ) { server in
            meters = server.vault.meters
            client = Task { [port = server.port] in
                let client = try await RawClient.connect(port: port)
                try await client.send("PUT /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nabcde")
                #expect(await client.rest().isEmpty, "the server has closed it")
                for _ in 0..<10_000 { await Task.yield() }
                heldUp.end()
            }
            try await eventually { heldUp.hasBegun }
        }
        #expect(meters?.requests.count(route: .upload, status: 201) == 1)
        try await client?.value
    }
}
