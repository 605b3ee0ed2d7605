package import Logging
package import NIOCore
import NIOPosix

/// A client of one origin, over HTTP/1.1: one exchange at a time on each connection, which is kept for the next.
///
/// It follows no redirects, keeps no cookies and decompresses nothing. What comes is read strictly: a response that could
/// be understood in two ways, or that bytes follow which belong to none, ends its connection.
package final class OriginClient: Sendable {
    package let address: OriginAddress
    private let connector: OriginConnector
    private let pool: ConnectionPool
    private let group: any EventLoopGroup
    private let logger: Logger

    package init(
        _ address: OriginAddress, settings: OriginClientSettings = OriginClientSettings(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger
    ) {
        precondition(settings.connections > 0, "without connections there is no client")
        self.address = address
        self.group = group
        self.logger = logger
        pool = ConnectionPool(limit: settings.connections, queueTime: settings.queueTime)
        connector = OriginConnector(address, settings, group, pool)
    }

    deinit { pool.close() }

    /// Begins an exchange on a connection that is idle, or on a new one, and sends the head of `request`. Of a request
    /// without a body that is all there is to send.
    ///
    /// - Parameter fresh: Whether it is to be a connection that has served no other, where one can be had at once.
    package func open(_ request: OriginRequest, fresh: Bool = false) async throws(OriginError) -> OriginExchange {
        let prepared = try PreparedRequest(request, to: address)
        return OriginExchange(self, prepared, try await begin(prepared, fresh: fresh))
    }

    /// Closes all connections. Running exchanges fail with `.closed`, and so does whatever is asked for from now on.
    package func close() async {
        for connection in pool.close() { try? await connection.channel.closeFuture.get() }
    }

    /// Sends the head of `request` on a connection, one that has served no other if it is to be `fresh`.
    func begin(_ request: PreparedRequest, fresh: Bool) async throws(OriginError) -> OriginExchange.Attempt {
        var fresh = fresh
        while true {
            let (connection, isReused) = try await connection(fresh: fresh)
            let inbox = ResponseInbox()
            let attempt = OriginExchange.Attempt(connection: connection, inbox: inbox, isReused: isReused)
            if isReused, request.request.isRepeatable {
                // If the connection has been closed, the request will be repeated.
                connection.post(request, inbox)
                return attempt
            }
            if await connection.begin(request, inbox) { return attempt }
            guard isReused else { throw .broken("it was closed before the request") }
            fresh = true
        }
    }

    private func connection(fresh: Bool) async throws(OriginError) -> (OriginConnection, isReused: Bool) {
        switch await pool.take(fresh: fresh, clocks: group) {
        case .reuse(let connection): return (connection, true)
        case .refused(let error): throw error
        case .connect:
            do { return (try await connector.connect(), false) } catch {
                pool.failedToConnect()
                logger.debug(
                    "No connection to the origin", metadata: ["origin": "\(address)", "reason": "\(error)"])
                throw error
            }
        }
    }
}
