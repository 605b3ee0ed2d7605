import NIOCore
import Synchronization

/// Lets requests wait for their turn, in order, as a `Pace` says.
final class PaceGate: Sendable {
    /// Requests that wait, at most.
    static let waitingLimit = 4096

    private struct State {
        var pace: Pace
        var waiting: [(ticket: Int, continuation: CheckedContinuation<Int?, Never>)] = []
        var nextTicket = 0
        var isClosed = false

        /// Takes out who waited longest, with its turn, if it is.
        mutating func next() -> (CheckedContinuation<Int?, Never>, Int)? {
            guard !waiting.isEmpty, let turn = pace.begin() else { return nil }
            return (waiting.removeFirst().continuation, turn)
        }
    }

    private let state: Mutex<State>
    private let clocks: any EventLoopGroup

    init(limit: Int, clocks: any EventLoopGroup) {
        state = Mutex(State(pace: Pace(limit: limit)))
        self.clocks = clocks
    }

    /// Waits for a turn, which `leave` ends; nil where it did not come before `deadline`, too many wait, the task was
    /// cancelled, or the gate closed.
    func enter(before deadline: NIODeadline) async -> Int? {
        if let turn = state.withLock({ $0.waiting.isEmpty && !$0.isClosed ? $0.pace.begin() : nil }) { return turn }
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in wait(continuation, ticket, deadline) }
        } onCancel: {
            withdraw(ticket)
        }
    }

    private func wait(_ continuation: CheckedContinuation<Int?, Never>, _ ticket: Int, _ deadline: NIODeadline) {
        let answer: Int?? = state.withLock { state in
            if state.isClosed || state.waiting.count >= Self.waitingLimit { return .some(nil) }
            if state.waiting.isEmpty, let turn = state.pace.begin() { return turn }
            state.waiting.append((ticket, continuation))
            return nil
        }
        if let answer { return continuation.resume(returning: answer) }
        // One that has its turn is no longer there.
        clocks.next().scheduleTask(deadline: deadline) { self.withdraw(ticket) }
        if Task.isCancelled { withdraw(ticket) }
    }

    private func withdraw(_ ticket: Int) {
        state.withLock { state in
            state.waiting.firstIndex { $0.ticket == ticket }.map { state.waiting.remove(at: $0).continuation }
        }?.resume(returning: nil)
    }

    /// As many as may have a turn at once now.
    var allowed: Int { state.withLock { $0.pace.allowed } }
    /// Those that wait.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// What began with `turn` is over.
    func leave(_ turn: Int, wasOverloaded: Bool) {
        state.withLock { $0.pace.end(turn, wasOverloaded: wasOverloaded) }
        while let (continuation, turn) = state.withLock({ $0.next() }) { continuation.resume(returning: turn) }
    }

    /// Nobody waits any more, and nobody gets a turn.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for (_, continuation) in waiting { continuation.resume(returning: nil) }
    }
}
