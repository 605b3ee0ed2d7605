import Blobs
import StoreParts
import StoreRules
import Synchronization
import Testing

@testable import SharedStore

/// The time that all nodes live by.
@Suite struct SharedTimeTests {
    /// A clock that a test sets.
    private final class HandClock: StoreClock {
        private let seconds: Mutex<Int64>

        init(_ seconds: Int64) { self.seconds = Mutex(seconds) }

        func set(_ seconds: Int64) { self.seconds.withLock { $0 = seconds } }

        var wall: Timestamp { Timestamp(seconds: seconds.withLock { $0 }) }
        var monotonicSeconds: Int64 { 1 }
        var boot: String { "one" }
    }

    @Test func `the database's clock counts, whatever this machine's says`() {
        let time = SharedTime(.database, machine: HandClock(5))
        #expect(time.now == Timestamp(seconds: 5), "nothing else is known before it was heard")
        time.heard(1_800_000_000_500_000, at: .now)
        #expect((1_800_000_000...1_800_000_100).contains(time.now.seconds))
        #expect((1_800_000_000...1_800_000_100).contains(time.clocks.wall.seconds))
    }

    @Test func `the time between the answer and now is counted, on the monotonic clock`() {
        let time = SharedTime(.database, machine: HandClock(5))
        time.heard(1_000_000_000_000, at: .now - .seconds(1000))
        #expect((1_001_000...1_001_100).contains(time.now.seconds))
    }

    @Test func `it never goes back, though the database's clock does`() {
        let time = SharedTime(.database, machine: HandClock(5))
        time.heard(2_000_000_000_000, at: .now)
        let before = time.now
        time.heard(1_000_000_000_000, at: .now)
        #expect(time.now >= before)
        #expect(time.clocks.wall.seconds < before.seconds, "a sweep sees that the clock was set back")
        time.reset(to: Timestamp(seconds: 1_000_000))
        #expect((1_000_000...1_000_100).contains(time.now.seconds), "an operator has said that it is right")
    }

    @Test func `what was committed is not in the future`() {
        let clock = HandClock(1000)
        let time = SharedTime(.machine, machine: clock)
        #expect(time.now == Timestamp(seconds: 1000))
        clock.set(2000)
        #expect(time.now == Timestamp(seconds: 2000))
        clock.set(1000)
        #expect(time.now == Timestamp(seconds: 1000), "nobody has relied on the later time")
        time.committed(Timestamp(seconds: 1500))
        time.committed(Timestamp(seconds: 1400))
        #expect(time.now == Timestamp(seconds: 1500) && time.latestCommitted == Timestamp(seconds: 1500))
        time.reset(to: Timestamp(seconds: 1000))
        #expect(time.now == Timestamp(seconds: 1000))
    }

    @Test(arguments: [Int64.min, .min / 1000, .max / 1000, .max])
    func `a clock that is out of its mind does no harm`(microseconds: Int64) {
        let time = SharedTime(.database, machine: HandClock(5))
        time.heard(1_000_000_000_000, at: .now)
        time.heard(microseconds, at: .now)
        time.heard(microseconds, at: .now - .seconds(1_000_000))
        _ = (time.now, time.clocks)
    }
}
