import Synchronization

/// Whether the store may write. A failed sync suspends writing until a test shows that the disk keeps bytes again.
final class Health: Sendable {
    private struct State {
        var suspension: String?
        var healing: Task<Void, Never>?
        var isClosed = false
    }

    private let state = Mutex(State())
    private let firstWait: Duration
    private let longestWait: Duration
    private let heal: @Sendable () async -> Bool

    /// `heal` tries to write, and returns whether it could.
    init(firstWait: Duration, longestWait: Duration, heal: @escaping @Sendable () async -> Bool) {
        self.firstWait = firstWait
        self.longestWait = longestWait
        self.heal = heal
    }

    /// Why writing is suspended; nil if it is not.
    var suspension: String? { state.withLock { $0.suspension } }

    /// Suspends writing, and begins to test whether it can resume.
    func suspend(_ reason: String) {
        state.withLock { state in
            state.suspension = reason
            guard state.healing == nil && !state.isClosed else { return }
            state.healing = Task { await self.tryUntilWell() }
        }
    }

    /// Stops testing, whatever the result.
    func close() async {
        let healing = state.withLock { state in
            state.isClosed = true
            return state.healing
        }
        healing?.cancel()
        await healing?.value
    }

    private func tryUntilWell() async {
        var wait = firstWait
        while !Task.isCancelled {
            try? await Task.sleep(for: wait)
            if Task.isCancelled { break }
            if await heal() {
                return state.withLock { state in
                    state.suspension = nil
                    state.healing = nil
                }
            }
            wait = min(wait * 2, longestWait)
        }
        state.withLock { $0.healing = nil }
    }
}
