import FoundationEssentials
import NIOCore
import NIOPosix
import Store

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
