import Blobs
import Store
import Synchronization

/// What the change feed has told so far, and until when it is to be believed.
final class FeedState: Sendable {
    /// A feed is healthy for so long after a tick; the origin sends one a second.
    static let patience = Duration.seconds(3)

    private struct State {
        var position: ChangePosition?
        var unbrokenSince: Timestamp?
        var lastTick: Timestamp?
        var heard: ContinuousClock.Instant?
    }

    /// What is ready on an event loop is served without asking anybody until then.
    let horizon = Horizon()
    private let state = Mutex(State())

    /// Where the feed goes on; nil before anything was heard.
    var position: ChangePosition? { state.withLock { $0.position } }

    // MARK: What is heard

    /// What came before `position` was missed: nothing that was learned before this moment is covered.
    func begin(at position: ChangePosition, now: Timestamp) {
        state.withLock { $0 = State(position: position, unbrokenSince: now) }
    }

    /// A change has been dealt with.
    func advance(to position: ChangePosition) { state.withLock { $0.position = position } }

    /// The origin is sure that it has told all that has changed until now.
    func tick(now: Timestamp) {
        let moment = ContinuousClock.now
        state.withLock { state in
            state.lastTick = max(state.lastTick ?? now, now)
            state.heard = moment
        }
        horizon.extend(to: moment + Self.patience)
    }

    // MARK: What is to be believed

    func view() -> FeedView {
        let isHealthy = !horizon.hasPassed
        return state.withLock {
            FeedView(unbrokenSince: $0.unbrokenSince, lastTick: $0.lastTick, isHealthy: isHealthy)
        }
    }

    /// How long ago the last tick came; nil before the first.
    var age: Duration? { state.withLock { $0.heard }.map { .now - $0 } }

    // MARK: Restarts

    /// For the snapshot: where it is, and since when it was unbroken.
    var saved: String? {
        state.withLock { state in
            guard let position = state.position, let since = state.unbrokenSince else { return nil }
            return "\(position) \(since.seconds)"
        }
    }

    /// Goes on where a snapshot ends, if the origin still knows that position.
    func restore(_ saved: String) {
        let words = saved.split(separator: " ")
        guard words.count == 2, let position = ChangePosition(words[0]), let since = Int64(words[1]) else { return }
        state.withLock { $0 = State(position: position, unbrokenSince: Timestamp(seconds: since)) }
    }
}
