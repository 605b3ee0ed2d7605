package import Blobs
package import Store

/// Why a sweep removes nothing: the clocks cannot be trusted.
package enum SweepHold: Hashable, Sendable, CustomStringConvertible {
    /// Since the last sweep the wall clock and the monotonic clock have drifted apart.
    case clocksParted(seconds: Int64)
    /// The process started long after the last sweep, by a wall clock that may be wrong, and less than an hour ago.
    case startedLate(seconds: Int64)
    /// Something was committed at a time that the wall clock has not reached.
    case latestAhead(seconds: Int64)
    /// The clock of a database is not what the clocks of the nodes say.
    case databaseParted(seconds: Int64)

    package var description: String {
        let remedy = "compare the clock with another one"
        return switch self {
        case .clocksParted(let seconds):
            "the wall clock jumped by \(seconds) s since the last sweep; \(remedy)"
        case .startedLate(let seconds):
            "the last sweep was \(seconds) s before this start, so sweeps wait for an hour; \(remedy)"
        case .latestAhead(let seconds):
            "the latest committed time is \(seconds) s ahead of the wall clock; \(remedy)"
        case .databaseParted(let seconds):
            "the database's clock is \(seconds) s from that of the nodes; \(remedy)"
        }
    }
}

/// Whether the clocks can be trusted with removing.
///
/// They are compared with their readings at the last sweep that *was* allowed to remove. A sweep that was held back
/// leaves those as they are; otherwise the second sweep after a jump would compare the wrong clock with itself.
package enum SweepGuard {
    /// How far the clocks may drift apart.
    package static let toleranceSeconds: Int64 = 600
    /// How long after the last sweep a start is not suspicious.
    package static let silenceSeconds: Int64 = 7 * 86_400
    /// How long a suspicious start gives an operator to notice.
    package static let probationSeconds: Int64 = 3600

    package static func hold(
        now: ClockReading, started: ClockReading, reference: ClockReading, latest: Timestamp
    ) -> SweepHold? {
        let ahead = latest.secondsSince(now.wall)
        if ahead > toleranceSeconds { return .latestAhead(seconds: ahead) }
        // After a reboot the monotonic clock of the old reading is meaningless; that of this process's start is not.
        let parted = parting(now, now.boot == reference.boot ? reference : started)
        if parted > toleranceSeconds { return .clocksParted(seconds: parted) }
        let uptime = difference(now.monotonicSeconds, started.monotonicSeconds)
        // When the process started, by today's wall clock, which may have been corrected since.
        let silence = Timestamp(seconds: difference(now.wall.seconds, uptime)).secondsSince(reference.wall)
        if silence > silenceSeconds && uptime < probationSeconds { return .startedLate(seconds: silence) }
        return nil
    }

    /// How far the wall clock and the monotonic clock have drifted apart between two readings since one boot.
    private static func parting(_ now: ClockReading, _ then: ClockReading) -> Int64 {
        let wall = difference(now.wall.seconds, then.wall.seconds)
        let monotonic = difference(now.monotonicSeconds, then.monotonicSeconds)
        return Int64(clamping: difference(wall, monotonic).magnitude)
    }

    /// The difference, saturated: the numbers come from outside.
    private static func difference(_ left: Int64, _ right: Int64) -> Int64 {
        let (difference, overflow) = left.subtractingReportingOverflow(right)
        return overflow ? (left < right ? .min : .max) : difference
    }
}

/// How a sweep shares disk, catalog and processors with uploads: uploads go first, garbage can wait.
package enum SweepPace {
    /// The longest pause, so that one slow batch does not stop the sweep.
    package static let longestPause = Duration.milliseconds(500)

    /// How long to pause after a batch that took `batch`: four times as long while uploads are under way, else not at
    /// all.
    package static func pause(after batch: Duration, isUploading: Bool) -> Duration {
        isUploading ? min(batch * 4, longestPause) : .zero
    }
}

/// How a scrub shares the disk: a fixed number of bytes a second while it is alone, and at most a quarter of the time
/// and of the bytes while clients use the store.
package struct ScrubPace {
    /// The fewest bytes that a blob counts as: to a disk that has to seek, many small blobs are no less work.
    package static let leastBytes: Int64 = 64 << 10
    /// Shorter pauses are added up, since each sleep costs something.
    package static let shortestPause = Duration.milliseconds(10)
    /// How much slower it reads beside clients.
    private static let busyFactor = 4

    package let bytesPerSecond: Int64
    private var owed = Duration.zero

    package init(bytesPerSecond: Int64) {
        precondition(bytesPerSecond > 0, "a scrub reads at least one byte a second")
        self.bytesPerSecond = bytesPerSecond
    }

    /// How long to pause after `bytes` were read in `took`; nil for not at all yet.
    package mutating func pause(afterBytes bytes: Int64, took: Duration, isBusy: Bool) -> Duration? {
        let factor = isBusy ? Self.busyFactor : 1
        let due = Duration.seconds(Double(bytes) / Double(bytesPerSecond)) * factor
        owed += max(due, took * factor) - took
        guard owed >= Self.shortestPause else { return nil }
        defer { owed = .zero }
        return owed
    }
}

/// What happens to files that have no row in the catalog.
package enum OrphanVerdict: Hashable, Sendable {
    /// Those first seen no later than this may be removed.
    case remove(seenBy: Timestamp)
    /// All are kept, for this reason.
    case keep(String)
}

/// An orphan is a file without a row. It is garbage, unless it is the row that is missing: a lost or restored catalog
/// must not cost the store its blobs.
package enum OrphanRule {
    /// More orphans than this are never removed without an operator.
    package static let limit = 1000
    /// What one crash can leave: fewer are always removed, even in a small store.
    package static let crashLimit = 64
    /// How long ago an orphan must have been seen first, while a server may be writing it.
    package static let waitSeconds: Int64 = 3600

    /// - Parameters:
    ///   - found: files without a row.
    ///   - accounted: files with a row.
    ///   - isRestored: whether the catalog was restored from a backup.
    package static func judge(
        found: Int, accounted: Int, isRestored: Bool, options: CollectOptions, now: Timestamp
    ) -> OrphanVerdict {
        if !options.orphans {
            if isRestored {
                return .keep("the catalog is older than the store; what it does not know is kept")
            }
            let share = max(crashLimit, (found + accounted) / 100)
            if found > limit || found > share {
                return .keep(
                    "\(found) of \(found + accounted) files are not in the catalog; is it the right one? All are kept")
            }
        }
        if options.isAlone { return .remove(seenBy: Timestamp(seconds: .max)) }
        return .remove(seenBy: Timestamp(seconds: now.seconds - waitSeconds))
    }
}

/// Whether the server sets a damaged blob aside on its own. Clients get 404 for it until its bytes are uploaded again,
/// and much damage at once is more likely a disk that is not mounted than many bad blobs: then a person decides.
package enum DamageRule {
    /// How many blobs may be set aside in any store.
    package static let limit: Int64 = 64

    /// - Parameters:
    ///   - aside: blobs that are set aside and have not healed.
    ///   - held: blobs that are held.
    package static func maySetAside(aside: Int64, held: Int64) -> Bool { aside < max(limit, held / 100) }
}
