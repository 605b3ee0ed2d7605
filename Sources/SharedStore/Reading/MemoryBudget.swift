import Store
import Synchronization

/// Bounds the bytes of objects that are in memory at once: whoever would exceed it waits, in the order of coming, and not
/// for ever.
final class MemoryBudget: Sendable {
    /// The most that wait; others are refused at once.
    static let waitingLimit = 4096

    private struct AwaitedRoom {
        let number: Int
        let bytes: Int64
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var free: Int64
        var waiting: [AwaitedRoom] = []
        var latest = 0

        /// Takes out those in front for whom there is room by now.
        mutating func admit() -> [AwaitedRoom] {
            var admitted: [AwaitedRoom] = []
            while let first = waiting.first, first.bytes <= free {
                free -= first.bytes
                admitted.append(waiting.removeFirst())
            }
            return admitted
        }
    }

    private let limitBytes: Int64
    private let patience: Duration
    private let state: Mutex<State>

    /// - Parameter patience: how long anybody waits.
    init(limitBytes: Int64, patience: Duration) {
        precondition(limitBytes > 0, "a budget has room for something")
        self.limitBytes = limitBytes
        self.patience = patience
        state = Mutex(State(free: limitBytes))
    }

    /// Whether more than half of it is free, and nobody waits: then something may be fetched ahead.
    var isRelaxed: Bool { state.withLock { $0.waiting.isEmpty && $0.free > limitBytes / 2 } }

    /// Runs `body` with so many bytes taken; more than all there are count as all. Throws `.unavailable` where others do not
    /// give enough back in time.
    @discardableResult
    func withBytes<Value>(
        _ bytes: Int64, _ body: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let bytes = min(bytes, limitBytes)
        guard await take(bytes) else {
            throw .unavailable("too much is on its way between this node and the object store")
        }
        defer { giveBack(bytes) }
        return try await body()
    }

    private func take(_ bytes: Int64) async -> Bool {
        let number: Int? = state.withLock { state in
            if state.waiting.isEmpty, bytes <= state.free {
                state.free -= bytes
                return nil
            }
            state.latest += 1
            return state.latest
        }
        guard let number else { return true }
        let timer = Task { [patience] in
            try await Task.sleep(for: patience)
            expire(number)
        }
        defer { timer.cancel() }
        return await withCheckedContinuation { continuation in
            let (admitted, isRefused) = state.withLock { state in
                if state.waiting.count >= Self.waitingLimit { return ([] as [AwaitedRoom], true) }
                state.waiting.append(AwaitedRoom(number: number, bytes: bytes, continuation: continuation))
                // Something may have been given back since.
                return (state.admit(), false)
            }
            for waiter in admitted { waiter.continuation.resume(returning: true) }
            if isRefused { continuation.resume(returning: false) }
        }
    }

    private func giveBack(_ bytes: Int64) {
        let admitted = state.withLock { state in
            state.free += bytes
            return state.admit()
        }
        for waiter in admitted { waiter.continuation.resume(returning: true) }
    }

    private func expire(_ number: Int) {
        let (expired, admitted) = state.withLock { state in
            let index = state.waiting.firstIndex { $0.number == number }
            // One that was in front may have held up others who need less.
            return (index.map { state.waiting.remove(at: $0) }, state.admit())
        }
        expired?.continuation.resume(returning: false)
        for waiter in admitted { waiter.continuation.resume(returning: true) }
    }
}
