import Synchronization

/// Finds out by writing whether a write would succeed: a disk can have room and still take nothing, since it was mounted
/// read-only, has no inodes left or hangs. However many ask, one probe runs at a time, and its answer keeps a while.
package final class WriteProbe: Sendable {
    private let state = Mutex(ProbeState())
    private let freshness: Duration
    private let patience: Duration
    private let probe: @Sendable () async -> String?

    /// - Parameters:
    ///   - freshness: how long an answer keeps.
    ///   - patience: how long a question waits for a probe that does not end.
    ///   - probe: writes, and says why it could not; nil if it could.
    package init(freshness: Duration, patience: Duration, probe: @escaping @Sendable () async -> String?) {
        self.freshness = freshness
        self.patience = patience
        self.probe = probe
    }

    /// Why a write would fail; nil if it would not.
    package func failure() async -> String? {
        let asked = ContinuousClock.now
        while true {
            let now = ContinuousClock.now
            switch state.withLock({ $0.answer(asked: asked, now: now, freshness: freshness) }) {
            case .known(let failure): return failure
            case .start: start()
            case .wait: break
            }
            guard now - asked < patience else { return "a probe write has not ended after \(patience)" }
            do { try await Task.sleep(for: .milliseconds(5)) } catch { return "nobody waited for the probe write" }
        }
    }

    private func start() {
        Task {
            let failure = await probe()
            state.withLock { $0.finish(failure, at: .now) }
        }
    }
}

/// What is known of the last probe: a machine without clocks.
struct ProbeState {
    enum Answer: Hashable {
        case known(failure: String?)
        /// Begin a probe, then ask again.
        case start
        /// One is under way.
        case wait
    }

    private var last: (failure: String?, ended: ContinuousClock.Instant)?
    private var isRunning = false

    /// What whoever asked at `asked` is told at `now`: what a probe found that ended since then, or not long before.
    mutating func answer(
        asked: ContinuousClock.Instant, now: ContinuousClock.Instant, freshness: Duration
    ) -> Answer {
        if let last, last.ended >= asked || now - last.ended < freshness { return .known(failure: last.failure) }
        if isRunning { return .wait }
        isRunning = true
        return .start
    }

    mutating func finish(_ failure: String?, at ended: ContinuousClock.Instant) {
        last = (failure, ended)
        isRunning = false
    }
}
