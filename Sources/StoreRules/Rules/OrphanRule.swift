package import Blobs
package import Store

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
                return .keep("the catalog is older than the store; to remove them, run satcheld gc --orphans")
            }
            let share = max(crashLimit, (found + accounted) / 100)
            if found > limit || found > share {
                return .keep(
                    "\(found) of \(found + accounted) files are not in the catalog; to remove them, run satcheld gc --orphans"
                )
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
