import Blobs
import Store
import StoreRules

/// One sweep, all of it at once.
extension MemoryState {
    /// Rows that one change ends or forgets.
    private static let batch = 100

    mutating func collect(
        _ options: CollectOptions, _ settings: MemoryStoreSettings, _ clocks: ClockReading, at now: Timestamp
    ) throws(StoreError) -> CollectReport {
        var report = CollectReport()
        report.leasesEnded = try all(EndDueLeases(limit: Self.batch), at: now)
        let unheld = catalog.blobs.values.filter(\.isUnheld).map(\.address)
        (report.blobsRemoved, report.bytesRemoved) = try remove(unheld, at: now)
        try dropUploads(&report, settings, at: now)
        for id in staged.keys where openUploads[id] == nil {
            staged[id] = nil
            report.stagedFilesRemoved += 1
        }
        if options.searchesForOrphans { try removeOrphans(&report, options, at: now) }
        for address in aside.keys where catalog.blobs[address]?.state != .damaged {
            aside[address] = nil
            report.asideFilesRemoved += 1
        }
        let (seconds, overflow) = now.seconds.subtractingReportingOverflow(settings.tombstoneLifetime.seconds)
        let end = Timestamp(seconds: overflow ? .min : seconds)
        report.tombstonesDropped = try all(DropForgotten(endedBefore: end, limit: Self.batch), at: now)
        _ = try all(DropIdleSubjects(overBy: now, limit: Self.batch), at: now)
        try commit(RecordPass(clocks), at: now)
        return report
    }

    /// Makes a change again and again until nothing is left for it; gives how much there was.
    private mutating func all<Change: CatalogChange>(
        _ change: Change, at now: Timestamp
    ) throws(StoreError) -> Int where Change.Outcome == Int {
        var sum = 0
        while true {
            let count = try commit(change, at: now)
            if count == 0 { return sum }
            sum += count
        }
    }

    /// Removes those of these blobs that nobody holds: mark, drop the bytes, forget.
    mutating func remove(_ addresses: [BlobAddress], at now: Timestamp) throws(StoreError) -> (Int, Int64) {
        let marked = try commit(MarkForRemoval(addresses), at: now)
        for blob in marked { (blobs[blob.address], aside[blob.address]) = (nil, nil) }
        try commit(FinishRemovals(marked.map(\.address)), at: now)
        return (marked.count, marked.reduce(0) { $0 + $1.size })
    }

    private mutating func dropUploads(
        _ report: inout CollectReport, _ settings: MemoryStoreSettings, at now: Timestamp
    ) throws(StoreError) {
        for upload in catalog.uploads.values where upload.expires <= now && !isAlive(upload.id, settings, at: now) {
            try drop(upload.id, at: now)
            if upload.isOpen {
                report.uploadsExpired += 1
                report.uploadBytesExpired += upload.offset
            } else {
                report.uploadsForgotten += 1
            }
        }
    }

    // MARK: Bytes without a row

    /// Stored bytes that no row accounts for.
    var orphans: [BlobAddress] {
        blobs.keys.filter { !(catalog.blobs[$0]?.state.ownsFile ?? false) }
    }

    private mutating func removeOrphans(
        _ report: inout CollectReport, _ options: CollectOptions, at now: Timestamp
    ) throws(StoreError) {
        let (orphans, pass) = (orphans, catalog.commits)
        report.orphansFound = orphans.count
        try commit(SightOrphans(orphans, pass: pass), at: now)
        _ = try all(DropOldSightings(notOf: pass, limit: Self.batch), at: now)
        let verdict = OrphanRule.judge(
            found: orphans.count, accounted: blobs.count - orphans.count, isRestored: catalog.store.isRestored ?? false,
            options: options, now: now)
        switch verdict {
        case .keep(let why): if !orphans.isEmpty { report.orphansKept = why }
        case .remove(let seenBy):
            let old = orphans.filter { catalog.sightings[$0].map { $0.firstSeen <= seenBy } ?? false }
            for address in old {
                report.orphanBytesRemoved += fileSize(address) ?? 0
                blobs[address] = nil
            }
            report.orphansRemoved = old.count
            try commit(DropSightings(of: old), at: now)
        }
    }
}
