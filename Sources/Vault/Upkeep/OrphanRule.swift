import Blobs
import Store

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
