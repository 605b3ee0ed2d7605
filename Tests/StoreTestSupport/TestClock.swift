package import Blobs
import StoreParts
import Synchronization

/// Clocks that a test moves by hand.
package final class TestClock: StoreClock {
    private struct State {
        var wall: Int64 = 1_800_000_000
        var monotonic: Int64 = 5000
        var boot = "first"
    }

    private let state = Mutex(State())

    package init() {}

    package var wall: Timestamp { Timestamp(seconds: state.withLock { $0.wall }) }
    package var monotonicSeconds: Int64 { state.withLock { $0.monotonic } }
    package var boot: String { state.withLock { $0.boot } }

    /// Time passes.
    package func pass(seconds: Int64) {
        state.withLock {
            $0.wall += seconds
            $0.monotonic += seconds
        }
    }

    /// Somebody sets the wall clock.
    package func setWall(by seconds: Int64) {
        state.withLock { $0.wall += seconds }
    }

    /// The machine starts anew.
    package func reboot() {
        state.withLock {
            $0.monotonic = 10
            $0.boot += "'"
        }
    }
}
