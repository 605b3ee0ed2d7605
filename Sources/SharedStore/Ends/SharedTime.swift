import Blobs
import StoreParts
import StoreRules
import Synchronization

/// The time that all nodes of a shared store live by: the database's clock, as a distance from this machine's monotonic
/// clock that is measured whenever the database is heard. It never goes back, and never falls behind the latest time
/// that this node has committed.
final class SharedTime: Sendable {
    /// Whose clock counts.
    enum Master: Sendable {
        case database
        /// This machine's, as tests have it that set the time of a whole store.
        case machine
    }

    /// This machine's clocks.
    let machine: any StoreClock
    private let master: Master
    /// Where the monotonic clock was when counting began.
    private let start: ContinuousClock.Instant
    /// The database's time at `start`, in nanoseconds since 1970; `unheard` before it was heard.
    private let origin = Atomic<Int64>(SharedTime.unheard)
    /// The latest time that was given out, in seconds since 1970.
    private let shown = Atomic<Int64>(.min)
    private let latest: Atomic<Int64>

    private static let unheard = Int64.min

    /// - Parameter latest: the latest time that the store is known to have relied on.
    init(_ master: Master = .database, machine: any StoreClock, latest: Timestamp = Timestamp(seconds: 0)) {
        self.master = master
        self.machine = machine
        self.latest = Atomic(latest.seconds)
        start = .now
    }

    /// The present moment. Never waits.
    var now: Timestamp {
        let wall = wall.seconds
        let held = max(wall, latest.load(ordering: .relaxed))
        guard master == .database else { return Timestamp(seconds: held) }
        let before = shown.load(ordering: .relaxed)
        // Most calls of a second write nothing that other processors would have to fetch.
        if held <= before { return Timestamp(seconds: before) }
        return Timestamp(seconds: shown.max(held, ordering: .relaxed).newValue)
    }

    /// What the clock that counts says, though that may be earlier than it was.
    var wall: Timestamp {
        let origin = origin.load(ordering: .relaxed)
        guard master == .database, origin != Self.unheard else { return machine.wall }
        return Timestamp(seconds: Self.seconds(origin, plus: start.duration(to: .now).nanoseconds))
    }

    /// That and this machine's monotonic clock at one moment.
    var clocks: ClockReading {
        ClockReading(wall: wall, monotonicSeconds: machine.monotonicSeconds, boot: machine.boot)
    }

    /// The latest time that this node has committed.
    var latestCommitted: Timestamp { Timestamp(seconds: latest.load(ordering: .relaxed)) }

    // MARK: What is heard

    /// The database's clock said so many microseconds since 1970, in an answer that came at `received`.
    func heard(_ microseconds: Int64, at received: ContinuousClock.Instant) {
        let (nanoseconds, overflow) = microseconds.multipliedReportingOverflow(by: 1000)
        // It was later by then, by no more than the answer took: so this time is never ahead of the database's.
        let (origin, isEarlier) = nanoseconds.subtractingReportingOverflow(start.duration(to: received).nanoseconds)
        if overflow || isEarlier || origin == Self.unheard { return }
        self.origin.store(origin, ordering: .relaxed)
    }

    /// Notes that `time` was committed.
    func committed(_ time: Timestamp) { latest.max(time.seconds, ordering: .relaxed) }

    /// Takes `time` as the latest, although a later one was committed or given out.
    func reset(to time: Timestamp) {
        latest.store(time.seconds, ordering: .relaxed)
        shown.store(time.seconds, ordering: .relaxed)
    }

    private static func seconds(_ nanoseconds: Int64, plus more: Int64) -> Int64 {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(more)
        return (overflow ? .max : sum).roundedDown(to: 1_000_000_000)
    }
}

extension Int64 {
    /// How often `unit` fits, rounded down.
    fileprivate func roundedDown(to unit: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: unit)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

extension Duration {
    /// As many as can be counted: 292 years.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, sumOverflow) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || sumOverflow ? (seconds < 0 ? .min : .max) : sum
    }
}
