import Files
import FoundationEssentials
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Store

/// Does for other processes what only the owner of a store can: collect, check, remove and count.
struct ControlServer: Service {
    let path: String
    let store: any Upkeep
    let logger: Logger

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    func run() async throws {
        try await ControlSocket.withShortPath(path) { path in
            let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true) { channel in
                    channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
                }
            try ControlSocket.restrict(path)
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

    /// One request, one answer; a caller that goes away or sends rubbish is dropped.
    private func serve(_ connection: Connection) async {
        do {
            try await connection.executeThenClose { inbound, outbound in
                var lines = LineBuffer(byteLimit: ControlRequest.byteLimit)
                for try await buffer in inbound {
                    try lines.append(buffer)
                    guard let line = lines.next() else { continue }
                    let request = try JSONDecoder().decode(ControlRequest.self, from: Data(line))
                    try await outbound.write(try await perform(request, telling: outbound).line())
                    return
                }
            }
        } catch {
            logger.debug("A control connection ended", metadata: ["error": "\(error)"])
        }
    }

    private func perform(
        _ request: ControlRequest, telling outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws -> ControlReply {
        do {
            if let options = request.collect { return ControlReply(collected: try await store.collect(options)) }
            if let options = request.remove { return ControlReply(removed: try await store.remove(options)) }
            if request.statistics == true { return ControlReply(statistics: try await store.statistics()) }
            guard let options = request.check else { return ControlReply(error: "nothing was asked") }
            return ControlReply(checked: try await check(options, telling: outbound))
        } catch {
            return ControlReply(error: "\(error)")
        }
    }

    /// Checks, and tells how far it is about five times a second.
    private func check(
        _ options: CheckOptions, telling outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws -> CheckReport {
        let (news, teller) = AsyncStream.makeStream(
            of: CheckProgress.self, bufferingPolicy: .bufferingNewest(1))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await progress in news {
                    try await outbound.write(try ControlReply(progress: progress).line())
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
            defer { teller.finish() }
            let report = try await store.check(options) { teller.yield($0) }
            teller.finish()
            try await group.waitForAll()
            return report
        }
    }
}
