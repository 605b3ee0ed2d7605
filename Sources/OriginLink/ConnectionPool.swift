import NIOCore
import Synchronization

/// The connections of one client: hands them out, takes them back, and lets requests wait for one.
///
/// There is one pool for all event loops, behind a lock that is held for less than a microsecond: requests come from
/// tasks, which belong to no loop, so a pool for each would only leave idle connections where nobody looks. A
/// connection stays on its own loop.
final class ConnectionPool: Sendable {
    /// What a request gets.
    enum Grant: Sendable {
        case reuse(OriginConnection)
        /// To make a connection, and to report what became of it.
        case connect
        case refused(OriginError)
    }

    private typealias Ledger = ConnectionLedger<OriginConnection, CheckedContinuation<Grant, Never>>

    private let ledger: Mutex<Ledger>
    private let queueTime: TimeAmount

    init(limit: Int, queueTime: Duration) {
        ledger = Mutex(Ledger(limit: limit))
        self.queueTime = TimeAmount(queueTime)
    }

    /// A connection for a request, or the permission to make one; a loop of `clocks` times the waiting.
    func take(fresh: Bool, clocks: any EventLoopGroup) async -> Grant {
        if let grant = Self.grant(ledger.withLock { $0.ask(fresh: fresh) }) { return grant }
        let ticket = Mutex<Int?>(nil)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (way, number) = ledger.withLock { ledger in
                    let way = ledger.ask(fresh: fresh)
                    if case .wait = way { return (way, Int?(ledger.enqueue(continuation))) }
                    return (way, nil)
                }
                if let grant = Self.grant(way) { return continuation.resume(returning: grant) }
                guard let number else { return }
                ticket.withLock { $0 = number }
                // One that has long been served is no longer there.
                clocks.next().scheduleTask(in: queueTime) { self.withdraw(number, .busy) }
                if Task.isCancelled { withdraw(number, .closed) }
            }
        } onCancel: {
            if let number = ticket.withLock({ $0 }) { withdraw(number, .closed) }
        }
    }

    /// Nil where the request has to wait.
    private static func grant(_ way: Ledger.Way) -> Grant? {
        switch way {
        case .reuse(let connection): return .reuse(connection)
        case .connect(let closing):
            closing?.shutDown()
            return .connect
        case .wait: return nil
        case .busy: return .refused(.busy)
        case .closed: return .refused(.closed)
        }
    }

    private func withdraw(_ ticket: Int, _ error: OriginError) {
        ledger.withLock { $0.withdraw(ticket) }?.resume(returning: .refused(error))
    }

    /// Called on the connection's event loop; false if nobody wants it now.
    func connected(_ connection: OriginConnection) -> Bool { ledger.withLock { $0.connected(connection) } }

    func failedToConnect() { ledger.withLock { $0.failedToConnect() }?.resume(returning: .connect) }

    func lost(_ connection: OriginConnection) { ledger.withLock { $0.lost(connection) }?.resume(returning: .connect) }

    /// False if the connection has to be closed.
    func giveBack(_ connection: OriginConnection) -> Bool {
        switch ledger.withLock({ $0.giveBack(connection) }) {
        case .keep: return true
        case .hand(let waiter):
            waiter.resume(returning: .reuse(connection))
            return true
        case .close: return false
        }
    }

    /// Closes every connection, and refuses whoever waits or comes. Returns the connections.
    @discardableResult
    func close() -> [OriginConnection] {
        let (connections, waiters) = ledger.withLock { $0.close() }
        for waiter in waiters { waiter.resume(returning: .refused(.closed)) }
        for connection in connections { connection.shutDown() }
        return connections
    }
}
