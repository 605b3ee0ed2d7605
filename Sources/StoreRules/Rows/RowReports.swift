package import Blobs
package import Store

/// What rows come to in what a store tells of itself.
extension ScrubProgress {
    package init(_ row: ScrubRow) {
        self.init(
            began: row.began.seconds, latest: row.latest.seconds, blobs: row.blobs, bytes: row.bytes,
            damaged: row.damaged)
    }
}

extension StoreReadings {
    /// Takes over the sums that a catalog keeps.
    package mutating func take(_ sums: StoreSums) {
        held = sums.held
        removing = sums.removing
        damaged = sums.damaged
        tombstones = sums.gone.count
        leases = sums.leases
        endedLeases = sums.endedLeases
    }
}

extension StoreStatistics {
    /// Counts a blob that is held or damaged.
    package mutating func count(_ blob: BlobRow, at now: Timestamp) {
        if blob.state == .damaged {
            damaged += 1
            return
        }
        let isHeld = blob.aliased > 0 || blob.sunset.map { $0 > now } ?? false
        add(size: blob.size, ageSeconds: now.secondsSince(blob.uploaded), isHeld: isHeld)
    }
}
