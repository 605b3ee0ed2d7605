/// Who has which connection, and who waits for one: at most so many over all event loops, given out in order. A value
/// that decides; its owner connects, closes and tells those who wait.
struct ConnectionLedger<Connection: AnyObject, Waiter> {
    /// How a request gets a connection.
    enum Way {
        /// It has this one, which is idle.
        case reuse(Connection)
        /// It makes a new one, and closes the one that has to go for that.
        case connect(closing: Connection?)
        /// It has to wait.
        case wait
        /// So many wait that there is no sense in it.
        case busy
        case closed
    }

    /// What becomes of a connection whose exchange is over.
    enum Return {
        case keep
        case hand(Waiter)
        case close
    }

    /// Requests that may wait.
    static var mostWaiting: Int { 4096 }

    private let limit: Int
    private var open: [ObjectIdentifier: Connection] = [:]
    private var connecting = 0
    /// The one that was used last is the last.
    private var idle: [Connection] = []
    /// In order, with the numbers by which they can be taken out.
    private var waiting: [(ticket: Int, waiter: Waiter)] = []
    private var nextTicket = 0
    private(set) var isClosed = false

    init(limit: Int) {
        self.limit = limit
    }

    /// A connection for a request; one that is `fresh` has served none before, unless there are only such to be had by
    /// waiting.
    mutating func ask(fresh: Bool) -> Way {
        if isClosed { return .closed }
        // Nobody waits while there is an idle one, or room for another.
        guard waiting.isEmpty else { return waiting.count < Self.mostWaiting ? .wait : .busy }
        if !fresh, let connection = idle.popLast() { return .reuse(connection) }
        if open.count + connecting < limit {
            connecting += 1
            return .connect(closing: nil)
        }
        guard !idle.isEmpty else { return .wait }
        let oldest = idle.removeFirst()
        open[ObjectIdentifier(oldest)] = nil
        connecting += 1
        return .connect(closing: oldest)
    }

    /// Lets a request wait that has to; returns the number by which it can be taken out.
    mutating func enqueue(_ waiter: Waiter) -> Int {
        nextTicket += 1
        waiting.append((nextTicket, waiter))
        return nextTicket
    }

    /// Takes a request out that waits no longer; nil if it has what it waited for.
    mutating func withdraw(_ ticket: Int) -> Waiter? {
        guard let index = waiting.firstIndex(where: { $0.ticket == ticket }) else { return nil }
        return waiting.remove(at: index).waiter
    }

    /// A connection has been made for the request that was told to; false if nobody wants it now.
    mutating func connected(_ connection: Connection) -> Bool {
        if isClosed { return false }
        connecting -= 1
        open[ObjectIdentifier(connection)] = connection
        return true
    }

    /// A connection could not be made. Returns who is to make one instead.
    mutating func failedToConnect() -> Waiter? {
        connecting -= 1
        return nextToConnect()
    }

    /// A connection is gone. Returns who is to make one instead.
    mutating func lost(_ connection: Connection) -> Waiter? {
        guard open.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return nil }
        idle.removeAll { $0 === connection }
        return nextToConnect()
    }

    private mutating func nextToConnect() -> Waiter? {
        guard !isClosed, !waiting.isEmpty, open.count + connecting < limit else { return nil }
        connecting += 1
        return waiting.removeFirst().waiter
    }

    /// The exchange on a connection is over, and it can serve another.
    mutating func giveBack(_ connection: Connection) -> Return {
        guard open[ObjectIdentifier(connection)] != nil else { return .close }
        if !waiting.isEmpty { return .hand(waiting.removeFirst().waiter) }
        idle.append(connection)
        return .keep
    }

    /// Ends it. Returns all connections, and those who wait.
    mutating func close() -> (connections: [Connection], waiters: [Waiter]) {
        defer {
            open = [:]
            idle = []
            waiting = []
            isClosed = true
        }
        return (Array(open.values), waiting.map(\.waiter))
    }
}
