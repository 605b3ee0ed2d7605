import Blobs
import Catalog
import Store
import StoreRules

/// Why a sweep removes nothing although its turn has come: the clocks cannot be trusted.
package enum SweepHold: Hashable, Sendable, CustomStringConvertible {
    /// Since the last sweep the wall clock went another way than the one that nobody can set.
    case clocksParted(seconds: Int64)
    /// The process started long after the last sweep, by a clock that may be wrong, and not an hour ago.
    case startedLate(seconds: Int64)
    /// Something was committed at a time that the wall clock has not reached.
    case latestAhead(seconds: Int64)

    package var description: String {
        let remedy = "nothing is removed; if the clock is right now, say satcheld gc --trust-clock"
        return switch self {
        case .clocksParted(let seconds):
            "the wall clock moved \(seconds) s against the monotonic clock since the last sweep: \(remedy)"
        case .startedLate(let seconds):
            "the last sweep was \(seconds) s before this start; for the first hour \(remedy)"
        case .latestAhead(let seconds):
            "the latest committed time is \(seconds) s ahead of the wall clock: \(remedy)"
        }
    }
}

/// Whether the clocks can be trusted with removing.
///
/// What they are compared with is the reading of the last sweep that *was* allowed. One that was held back leaves it
/// as it is; otherwise the second sweep after a jump would compare the wrong clock with itself.
enum SweepGuard {
    /// How far clocks may part.
    static let toleranceSeconds: Int64 = 600
    /// How long after the last sweep a start arouses no suspicion.
    static let silenceSeconds: Int64 = 7 * 86_400
    /// How long a suspicious start gives an operator to notice.
    static let probationSeconds: Int64 = 3600

    static func hold(
        now: ClockReading, started: ClockReading, reference: ClockReading, latest: Timestamp
    ) -> SweepHold? {
        let ahead = latest.secondsSince(now.wall)
        if ahead > toleranceSeconds { return .latestAhead(seconds: ahead) }
        // After a reboot the old reading's monotonic clock says nothing; this process's own first one does.
        let parted = parting(now, now.boot == reference.boot ? reference : started)
        if parted > toleranceSeconds { return .clocksParted(seconds: parted) }
        let uptime = difference(now.monotonicSeconds, started.monotonicSeconds)
        // When the process started by today's wall clock, which may have been set right since.
        let silence = Timestamp(seconds: difference(now.wall.seconds, uptime)).secondsSince(reference.wall)
        if silence > silenceSeconds && uptime < probationSeconds { return .startedLate(seconds: silence) }
        return nil
    }

    /// How far wall and monotonic clock have parted between two readings of one life of the machine.
    private static func parting(_ now: ClockReading, _ then: ClockReading) -> Int64 {
        let wall = difference(now.wall.seconds, then.wall.seconds)
        let monotonic = difference(now.monotonicSeconds, then.monotonicSeconds)
        return Int64(clamping: difference(wall, monotonic).magnitude)
    }

    /// The difference, or the end of the numbers that it would pass: none of them was made by us alone.
    private static func difference(_ left: Int64, _ right: Int64) -> Int64 {
        let (difference, overflow) = left.subtractingReportingOverflow(right)
        return overflow ? (left < right ? .min : .max) : difference
    }
}
