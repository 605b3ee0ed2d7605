import Blobs
import Store
import StoreRules

/// What becomes of files that no row accounts for.
enum OrphanVerdict: Hashable, Sendable {
    /// Those that were first seen no later than this may go.
    case remove(seenBy: Timestamp)
    /// All stay, in one clause why.
    case keep(String)
}

/// A file without a row is garbage, unless it is the row that is missing: a lost or restored catalogue must not cost
/// the store.
enum OrphanRule {
    /// More orphans than this are never garbage by themselves.
    static let limit = 1000
    /// What one crash can leave, so that a small store is not stopped by a single one.
    static let crashLimit = 64
    /// How long before it goes an orphan must have been seen first while a server may be writing it.
    static let waitSeconds: Int64 = 3600

    /// - Parameters:
    ///   - found: files without a row.
    ///   - accounted: files with one.
    ///   - isRestored: the catalogue was put back from a copy.
    static func judge(
        found: Int, accounted: Int, isRestored: Bool, options: CollectOptions, now: Timestamp
    ) -> OrphanVerdict {
        if !options.orphans {
            if isRestored {
                return .keep("the catalogue is older than the store; say satcheld gc --orphans to remove them")
            }
            let share = max(crashLimit, (found + accounted) / 100)
            if found > limit || found > share {
                return .keep(
                    "\(found) of \(found + accounted) files have no row; say satcheld gc --orphans to remove them")
            }
        }
        if options.isAlone { return .remove(seenBy: Timestamp(seconds: .max)) }
        return .remove(seenBy: Timestamp(seconds: now.seconds - waitSeconds))
    }
}

/// Why a sweep removes nothing although its turn has come: the clocks cannot be trusted.
enum SweepHold: Hashable, Sendable, CustomStringConvertible {
    /// Since the last sweep the wall clock went another way than the one that nobody can set.
    case clocksParted(seconds: Int64)
    /// The process started long after the last sweep, by a clock that may be wrong, and not an hour ago.
    case startedLate(seconds: Int64)
    /// Something was committed at a time that the wall clock has not reached.
    case latestAhead(seconds: Int64)

    var description: String {
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
/// How a sweep shares disk, catalogue and processors with uploads: uploads go first, garbage can wait.
enum SweepPace {
    /// The longest pause, so that one slow batch does not stop the sweep.
    static let longestPause = Duration.milliseconds(500)

    /// How long to pause after a batch that took `batch`: four times as long while uploads are under way, else not at
    /// all.
    static func pause(after batch: Duration, isUploading: Bool) -> Duration {
        isUploading ? min(batch * 4, longestPause) : .zero
    }
}

/// How a scrub shares the disk: a fixed number of bytes a second while it is alone, and at most a quarter of the time
/// and of the bytes while clients use the store.
struct ScrubPace {
    /// The fewest bytes that a blob counts as: to a disk that has to seek, many small blobs are no less work.
    static let leastBytes: Int64 = 64 << 10
    /// Shorter pauses are added up, since each sleep costs something.
    static let shortestPause = Duration.milliseconds(10)
    /// How much slower it reads beside clients.
    private static let busyFactor = 4

    let bytesPerSecond: Int64
    private var owed = Duration.zero

    init(bytesPerSecond: Int64) {
        precondition(bytesPerSecond > 0, "a scrub reads at least one byte a second")
        self.bytesPerSecond = bytesPerSecond
    }

    /// How long to pause after `bytes` were read in `took`; nil for not at all yet.
    mutating func pause(afterBytes bytes: Int64, took: Duration, isBusy: Bool) -> Duration? {
        let factor = isBusy ? Self.busyFactor : 1
        let due = Duration.seconds(Double(bytes) / Double(bytesPerSecond)) * factor
        owed += max(due, took * factor) - took
        guard owed >= Self.shortestPause else { return nil }
        defer { owed = .zero }
        return owed
    }
}
/// Whether the server sets a damaged blob aside on its own. Clients get 404 for it until its bytes are uploaded again,
/// and much damage at once is more likely a disk that is not mounted than many bad blobs: then a person decides.
enum DamageRule {
    /// How many blobs may be set aside in any store.
    static let limit: Int64 = 64

    /// - Parameters:
    ///   - aside: blobs that are set aside and have not healed.
    ///   - held: blobs that are held.
    static func maySetAside(aside: Int64, held: Int64) -> Bool { aside < max(limit, held / 100) }
}
