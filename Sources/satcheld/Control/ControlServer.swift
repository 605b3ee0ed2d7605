import Files
import FoundationEssentials
import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Store

/// Does for other processes what only the owner of a store, or of a cache, can do.
struct ControlServer: Service {
    /// Does what is asked; the closure it is given hears how far a check is.
    typealias Performer =
        @Sendable (ControlRequest, @escaping @Sendable (CheckProgress) -> Void) async throws(StoreError) -> ControlReply

    let path: String
    let perform: Performer
    let logger: Logger
    /// Called once, when the socket accepts connections.
    var onListening: @Sendable () -> Void = {}

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    func run() async throws {
        try await ControlSocket.withShortPath(path) { path in
            let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true) { channel in
                    channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
                }
            try ControlSocket.restrict(path)
            onListening()
            await cancelWhenGracefulShutdown {
                do { try await accept(server) } catch is CancellationError {} catch {
                    logger.error("The control socket failed", metadata: ["error": "\(error)"])
                }
            }
            try Folder.remove(path)
        }
    }

    private func accept(_ server: NIOAsyncChannel<Connection, Never>) async throws {
        try await server.executeThenClose { inbound in
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in inbound {
                    group.addTask { await serve(connection) }
                }
            }
        }
    }

    /// Answers one request. A caller that goes away or sends anything else is dropped.
    private func serve(_ connection: Connection) async {
        do {
            try await connection.executeThenClose { inbound, outbound in
                var lines = LineBuffer(byteLimit: ControlRequest.byteLimit)
                for try await buffer in inbound {
                    try lines.append(buffer)
                    guard let line = lines.next() else { continue }
                    let request = try JSONDecoder().decode(ControlRequest.self, from: Data(line))
                    try await outbound.write(try await perform(request, reporting: outbound).line())
                    return
                }
            }
        } catch {
            logger.debug("A control connection ended", metadata: ["error": "\(error)"])
        }
    }

    /// Performs the request, and reports its progress about five times a second.
    private func perform(
        _ request: ControlRequest, reporting outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws -> ControlReply {
        let (news, reporter) = AsyncStream.makeStream(of: CheckProgress.self, bufferingPolicy: .bufferingNewest(1))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await progress in news {
                    try await outbound.write(try ControlReply(progress: progress).line())
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
            defer { reporter.finish() }
            var reply: ControlReply
            do throws(StoreError) {
                reply = try await perform(request) { reporter.yield($0) }
            } catch {
                reply = ControlReply(error: error.description)
            }
            reporter.finish()
            try await group.waitForAll()
            return reply
        }
    }
}

/// The Unix socket through which other processes of the same user reach the owner of a store.
enum ControlSocket {
    /// A path to `socket` that fits the 107 bytes of a socket address. A longer path goes through a descriptor of its
    /// folder, which stays open while `body` runs.
    static func withShortPath<Result>(
        _ socket: String, _ body: (String) async throws -> Result
    ) async throws -> Result {
        if socket.utf8.count <= 107 { return try await body(socket) }
        let parts = socket.split(separator: "/", omittingEmptySubsequences: false)
        let folder = try OpenFile(parts.dropLast().joined(separator: "/"), .read)
        return try await body("/proc/self/fd/\(folder.descriptor)/\(parts.last ?? "")")
    }

    /// Makes the socket accessible to its owner alone.
    static func restrict(_ path: String) throws(FileError) {
        // Safe: the call reads the path and keeps nothing.
        guard unsafe chmod(path, 0o600) == 0 else { throw FileError(operation: "chmod", path: path, code: errno) }
    }
}

/// Sends requests to the process that owns a store.
enum ControlClient {
    /// Sends a request and returns the last reply; `progress` hears of those before it.
    static func ask(
        _ request: ControlRequest, at socket: String, progress: (CheckProgress) -> Void
    ) async throws -> ControlReply {
        let connection = try await ControlSocket.withShortPath(socket) { path in
            try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: path) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
        }
        return try await connection.executeThenClose { inbound, outbound in
            try await outbound.write(try request.line())
            var lines = LineBuffer(byteLimit: ControlReply.byteLimit)
            for try await buffer in inbound {
                try lines.append(buffer)
                while let line = lines.next() {
                    let reply = try JSONDecoder().decode(ControlReply.self, from: Data(line))
                    guard let news = reply.progress else { return reply }
                    progress(news)
                }
            }
            throw ControlError(description: "it closed the connection without an answer")
        }
    }
}
