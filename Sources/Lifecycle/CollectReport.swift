import Blobs
import Store
import Vault

/// How a sweep is to be done.
package struct CollectOptions: Sendable, Codable {
    /// Change nothing; the report says what would have been done.
    package var dryRun = false
    /// Remove files without a row however many they are, and although the catalogue is an old one.
    package var orphans = false
    /// Sweep although the clocks have parted, and take the wall clock's time as the present.
    package var trustClock = false
    /// Go through all files for those without a row: slow in a large store.
    package var searchesForOrphans = true
    /// No server is running on this store, so nothing that is found can be under way.
    package var isAlone = false

    package init(
        dryRun: Bool = false, orphans: Bool = false, trustClock: Bool = false, searchesForOrphans: Bool = true,
        isAlone: Bool = false
    ) {
        self.dryRun = dryRun
        self.orphans = orphans
        self.trustClock = trustClock
        self.searchesForOrphans = searchesForOrphans
        self.isAlone = isAlone
    }
}

/// What one sweep did; after a dry run, what it would have done.
package struct CollectReport: Codable, Sendable, Hashable {
    package var dryRun = false
    /// Why nothing was removed; nil when the sweep was allowed.
    package var hold: String?
    /// Removals that an earlier sweep had begun.
    package var removalsFinished = 0
    /// Leases whose time was up.
    package var leasesEnded = 0
    package var blobsRemoved = 0
    package var bytesRemoved: Int64 = 0
    /// Open uploads of which no more came in their time, and what was here of them.
    package var uploadsExpired = 0
    package var uploadBytesExpired: Int64 = 0
    /// Finished uploads that had been remembered long enough.
    package var uploadsForgotten = 0
    /// Staged files that nobody was working on.
    package var stagedFilesRemoved = 0
    /// Files without a row.
    package var orphansFound = 0
    package var orphansRemoved = 0
    package var orphanBytesRemoved: Int64 = 0
    /// Why files without a row were kept although there were some; nil if there was no reason but time.
    package var orphansKept: String?
    /// Damaged files that were set aside and whose blob has healed or ended.
    package var asideFilesRemoved = 0
    /// Tombstones and ended leases that had been kept long enough.
    package var tombstonesDropped = 0
    /// Whether the space for deleting on a full disk is held.
    package var hasBallast = true
    package var seconds = 0.0

    package init() {}
}

extension CollectReport {
    mutating func note(_ expired: ExpiredUploads) {
        uploadsExpired += expired.open.count
        uploadBytesExpired += expired.open.bytes
        uploadsForgotten += expired.finished
    }
}
