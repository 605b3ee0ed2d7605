import Blobs
import StoreParts
import Synchronization

/// The time that the store lives by: the larger of the wall clock and the latest time it has ever committed, so that
/// a clock set back brings nothing that ended back to life.
final class StoreTime: Sendable {
    let clock: any StoreClock
    private let latest: Mutex<Timestamp>

    init(clock: any StoreClock, latest: Timestamp) {
        self.clock = clock
        self.latest = Mutex(latest)
    }

    /// The present moment.
    var now: Timestamp { max(clock.wall, latestCommitted) }

    /// The latest time that was ever committed.
    var latestCommitted: Timestamp { latest.withLock { $0 } }

    /// Notes that `time` was committed.
    func committed(_ time: Timestamp) {
        latest.withLock { $0 = max($0, time) }
    }

    /// Takes `time` as the latest, although a later one was committed.
    func reset(to time: Timestamp) {
        latest.withLock { $0 = time }
    }
}
