import Dispatch
import Foundation
import Logging
import Store
import Synchronization

/// A few threads, each with a connection of its own, and what waits for one of them.
///
/// Nothing waits for long: what a thread has taken is done or given up by a deadline; what waits longer than patience
/// fails; and where no connection is usable, everything fails at once. A thread connects when it first has something to do,
/// and after a failure by itself, at first at once and then with waits of 1 to 30 seconds.
final class ConnectedThreads<Item: Sendable>: Sendable {
    private struct WaitingItem: Sendable {
        let item: Item
        let since: ContinuousClock.Instant
        /// Until when it may wait for others to share its batch.
        let due: ContinuousClock.Instant
        /// How often a connection was lost before it could be done.
        var losses = 0
    }

    private struct State {
        var waiting: [WaitingItem] = []
        /// Threads that wait for something to do, by their numbers.
        var idle: [Int] = []
        /// The one of them that goes on by itself when the first of what waits is due, and when that is.
        var alarm: (thread: Int, time: ContinuousClock.Instant)?
        /// Threads whose connection is usable, as far as is known.
        var usable: Int
        /// Threads that have not ended.
        var running: Int
        /// Batches that were taken so far.
        var taken = 0
        /// Why the last connection was not usable.
        var reason = SharedCatalogError.unavailable("the database is not connected yet")
        var isClosed = false

        /// Chooses an idle thread to be woken, if there is one: first the one that would go on by itself.
        mutating func popIdle() -> Int? {
            guard let alarm else { return idle.popLast() }
            self.alarm = nil
            idle.removeAll { $0 == alarm.thread }
            return alarm.thread
        }
    }

    static var tick: Duration { .milliseconds(50) }

    /// How often something is begun again that lost its connection.
    private let lossLimit = 2

    private let name: String
    private let connector: Connector
    private let batchLimit: Int
    private let wakings: [DispatchSemaphore]
    private let state: Mutex<State>
    private let fail: @Sendable (Item, SharedCatalogError) -> Void
    private let run: @Sendable ([Item], _ thread: Int, Session) -> [Item]
    private let logger: Logger

    /// - Parameters:
    ///   - count: How many threads there are.
    ///   - batchLimit: How many of those that wait a thread takes at once.
    ///   - fail: Tells somebody that it cannot be done.
    ///   - run: Does what a thread has taken, and tells everybody. Gives back, told nothing yet, what may be begun again on
    ///     another connection.
    init(
        _ name: String, count: Int, connector: Connector, batchLimit: Int = 1, logger: Logger,
        fail: @escaping @Sendable (Item, SharedCatalogError) -> Void,
        run: @escaping @Sendable ([Item], _ thread: Int, Session) -> [Item]
    ) {
        self.name = name
        self.connector = connector
        self.batchLimit = batchLimit
        self.logger = logger
        self.fail = fail
        self.run = run
        wakings = (0..<count).map { _ in DispatchSemaphore(value: 0) }
        state = Mutex(State(usable: count, running: count))
        for number in 0..<count {
            let thread = Thread { self.live(number) }
            thread.name = name
            thread.start()
        }
    }

    // MARK: Coming and going

    /// Puts something among what waits. An idle thread takes it when it has waited for `patience`, or with others that are
    /// due, or once it is one of many; a busy one with whatever it does next.
    func submit(_ item: Item, patience: Duration = .zero) {
        let now = ContinuousClock.now
        let (refusal, woken) = state.withLock { state -> (SharedCatalogError?, Int?) in
            if state.isClosed { return (.closed, nil) }
            if state.usable == 0 { return (state.reason, nil) }
            guard state.waiting.count < SharedCatalog.waitingLimit else {
                return (.unavailable("too much waits for the database"), nil)
            }
            state.waiting.append(WaitingItem(item: item, since: now, due: now + patience))
            return (nil, isWorthAnother(state) ? begin(&state, now) : nil)
        }
        if let refusal { fail(item, refusal) }
        if let woken { wakings[woken].signal() }
    }

    /// Whether what waits is worth that another thread begins. Two that share the work make do with few, so that a batch is
    /// many: a question costs about as much as a few rows.
    private func isWorthAnother(_ state: State) -> Bool {
        let busy = state.usable - state.idle.count
        return busy < 2 || isMany(state)
    }

    private func isMany(_ state: State) -> Bool { state.waiting.count >= batchLimit / 4 }

    /// When what waits is to be begun: many at once.
    private func dueTime(_ state: State, _ now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        isMany(state) ? now : state.waiting.lazy.map(\.due).min() ?? now
    }

    /// Chooses an idle thread to be woken; none where one goes on by itself in time.
    private func begin(_ state: inout State, _ now: ContinuousClock.Instant) -> Int? {
        // One whose time has come may be late: semaphores go by the wall clock.
        guard let alarm = state.alarm, alarm.time > now else { return state.popIdle() }
        return dueTime(state, now) < alarm.time ? state.popIdle() : nil
    }

    /// Fails what has waited for longer than patience, and lets another thread begin where those that are at work take long.
    /// To be called every `tick`.
    func expire() {
        let now = ContinuousClock.now
        let (late, woken) = state.withLock { state -> ([WaitingItem], Int?) in
            let end = now - connector.patience
            let late = state.waiting.filter { $0.since <= end }
            if !late.isEmpty { state.waiting.removeAll { $0.since <= end } }
            let waits = state.waiting.first.map { $0.since <= now - Self.tick } ?? false
            return (late, waits ? state.popIdle() : nil)
        }
        if let woken { wakings[woken].signal() }
        for waiting in late { fail(waiting.item, .unavailable("the database does not answer in time")) }
    }

    /// Refuses what waits and what comes. The threads end once they have done what they have taken.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiting in waiting { fail(waiting.item, .closed) }
        for waking in wakings { waking.signal() }
    }

    /// How many wait.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// How many batches were taken so far.
    var takenCount: Int { state.withLock { $0.taken } }

    /// Whether all threads have ended.
    var isOver: Bool { state.withLock { $0.running == 0 } }

    // MARK: A thread

    /// What a thread does next.
    private enum Step {
        case run([WaitingItem])
        case rest
        case gather(until: ContinuousClock.Instant)
        case end
    }

    private func live(_ number: Int) {
        var isCounted = true
        var backoff = Backoff()
        while !isCounted || rest(number), let session = connect(number, &isCounted, &backoff) {
            serve(number, session, &backoff)
            guard session.condition == .hanging else { continue }
            isCounted = false
            loseOne(.unavailable("the database does not answer"))
            // What hangs goes on in the server, where it takes a connection.
            _ = wakings[number].wait(timeout: .now() + backoff.next())
        }
        state.withLock { $0.running -= 1 }
    }

    /// Waits until there is something to do; false once this is closed.
    private func rest(_ number: Int) -> Bool {
        while true {
            let mayGoOn = state.withLock { state -> Bool? in
                if state.isClosed { return false }
                state.idle.removeAll { $0 == number }
                if !state.waiting.isEmpty { return true }
                state.idle.append(number)
                return nil
            }
            if let mayGoOn { return mayGoOn }
            wakings[number].wait()
        }
    }

    /// Connects, as often as it takes; nil once this is closed.
    private func connect(_ number: Int, _ isCounted: inout Bool, _ backoff: inout Backoff) -> Session? {
        while !state.withLock({ $0.isClosed }) {
            do {
                let session = try connector.connect()
                if !isCounted { winOne(session.facts.timeline) }
                isCounted = true
                return session
            } catch {
                let reason = SharedCatalogError.unavailable(error.description)
                if isCounted { loseOne(reason) } else { state.withLock { $0.reason = reason } }
                isCounted = false
                _ = wakings[number].wait(timeout: .now() + backoff.next())
            }
        }
        return nil
    }

    /// Does what waits, until the connection is of no more use or this is closed.
    private func serve(_ number: Int, _ session: Session, _ backoff: inout Backoff) {
        while session.condition == .usable {
            switch state.withLock({ next(number, .now, &$0) }) {
            case .end: return
            case .rest: wakings[number].wait()
            case .gather(let until):
                _ = wakings[number].wait(timeout: .now() + (until - .now) / .seconds(1))
            case .run(let batch):
                session.deadline = .now + connector.patience
                let left = run(batch.map(\.item), number, session)
                if session.condition == .usable { backoff = Backoff() }
                if !left.isEmpty { takeBack(left, of: batch) }
            }
        }
    }

    private func next(_ number: Int, _ now: ContinuousClock.Instant, _ state: inout State) -> Step {
        if state.isClosed { return .end }
        state.idle.removeAll { $0 == number }
        if state.alarm?.thread == number { state.alarm = nil }
        if state.waiting.isEmpty {
            state.idle.append(number)
            return .rest
        }
        let due = dueTime(state, now)
        if due > now {
            state.idle.append(number)
            if let alarm = state.alarm, alarm.time <= due { return .rest }
            state.alarm = (number, due)
            return .gather(until: due)
        }
        state.taken += 1
        let batch = Array(state.waiting.prefix(batchLimit))
        state.waiting.removeFirst(batch.count)
        return .run(batch)
    }

    /// Puts what a lost connection left undone in front of all that waits. What came to nothing too often fails.
    private func takeBack(_ items: [Item], of batch: [WaitingItem]) {
        // All of a batch, or what was alone: no more is begun again than was taken.
        let again = zip(items, batch).map { item, former in
            WaitingItem(item: item, since: former.since, due: former.due, losses: former.losses + 1)
        }
        let kept = again.filter { $0.losses <= lossLimit }
        let (refused, woken) = state.withLock { state -> (SharedCatalogError?, Int?) in
            if state.isClosed { return (.closed, nil) }
            if state.usable == 0 { return (state.reason, nil) }
            state.waiting.insert(contentsOf: kept, at: 0)
            return (nil, kept.isEmpty ? nil : state.popIdle())
        }
        if let woken { wakings[woken].signal() }
        for waiting in again where refused != nil || waiting.losses > lossLimit {
            fail(waiting.item, refused ?? .unavailable("the connection to the database was lost again and again"))
        }
    }

    // MARK: Connections

    private func loseOne(_ reason: SharedCatalogError) {
        let (waiting, isLast) = state.withLock { state -> ([WaitingItem], Bool) in
            state.usable -= 1
            state.reason = reason
            guard state.usable == 0 else { return ([], false) }
            defer { state.waiting = [] }
            return (state.waiting, !state.isClosed)
        }
        for waiting in waiting { fail(waiting.item, reason) }
        if isLast {
            logger.warning(
                "The database cannot be used", metadata: ["connections": "\(name)", "error": "\(reason)"])
        }
    }

    /// A new timeline tells that another server has taken over.
    private func winOne(_ timeline: String) {
        let isFirst = state.withLock { state in
            state.usable += 1
            return state.usable == 1
        }
        if isFirst {
            logger.info(
                "The database can be used again", metadata: ["connections": "\(name)", "timeline": "\(timeline)"])
        }
    }
}

/// How long to wait before a server is tried again: from one second to thirty, and not all at once.
private struct Backoff {
    private var seconds = 1.0

    /// Seconds to wait now.
    mutating func next() -> Double {
        defer { seconds = min(seconds * 2, 30) }
        return seconds * Double.random(in: 0.75...1.25)
    }
}
