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

extension ScrubHistory {
    /// What is remembered of scrubs: one under way, and the last that came to its end.
    package init(underWay: ScrubRow?, finished: ScrubRow?) {
        self.init(current: underWay.map { ScrubProgress($0) }, last: finished.map { ScrubProgress($0) })
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
    /// What readings and the scrubs that are remembered tell already.
    package init(_ readings: StoreReadings, _ scrubs: ScrubHistory) {
        self.init()
        leases = readings.leases
        tombstones = readings.tombstones
        uploads = readings.keptUploads.count
        uploadBytes = readings.keptUploads.bytes
        (lastScrub, scrub) = (scrubs.last, scrubs.current)
    }

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
