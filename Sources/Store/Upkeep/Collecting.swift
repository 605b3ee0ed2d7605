/// How to sweep.
package struct CollectOptions: Sendable, Codable {
    /// Change nothing; the report says what a sweep would do.
    package var dryRun = false
    /// Remove orphans however many there are, and even if the catalog was restored from a backup.
    package var orphans = false
    /// Sweep although the clocks disagree, and take the wall clock's time as the present.
    package var trustClock = false
    /// Look for orphans, which goes through everything stored: slow in a large store.
    package var searchesForOrphans = true
    /// No server is running on this store, so an orphan cannot be an upload under way.
    package var isAlone = false
    /// Nobody asked for this sweep: it is left to another node of the same store where one is at it
    /// (`CollectReport.sweptBy`).
    package var isRoutine = false

    package init(
        dryRun: Bool = false, orphans: Bool = false, trustClock: Bool = false, searchesForOrphans: Bool = true,
        isAlone: Bool = false, isRoutine: Bool = false
    ) {
        self.dryRun = dryRun
        self.orphans = orphans
        self.trustClock = trustClock
        self.searchesForOrphans = searchesForOrphans
        self.isAlone = isAlone
        self.isRoutine = isRoutine
    }

    /// What a command can ask for.
    private enum CodingKeys: String, CodingKey {
        case dryRun, orphans, trustClock, searchesForOrphans, isAlone
    }
}

/// What one sweep did or, after a dry run, would have done.
package struct CollectReport: Codable, Sendable, Hashable {
    package var dryRun = false
    /// Why nothing was removed; nil if the sweep was allowed to remove.
    package var hold: String?
    /// The node that sweeps in this one's stead, which did nothing; nil where it swept itself.
    package var sweptBy: String?
    /// Removals that an earlier sweep began and that are complete now.
    package var removalsFinished = 0
    /// Leases that had expired.
    package var leasesEnded = 0
    package var blobsRemoved = 0
    package var bytesRemoved: Int64 = 0
    /// Open uploads that timed out, and the bytes they had received.
    package var uploadsExpired = 0
    package var uploadBytesExpired: Int64 = 0
    /// Finished uploads whose outcome had been kept long enough.
    package var uploadsForgotten = 0
    /// Leftovers of uploads that no longer exist.
    package var stagedFilesRemoved = 0
    /// Stored bytes that the catalog does not know.
    package var orphansFound = 0
    package var orphansRemoved = 0
    package var orphanBytesRemoved: Int64 = 0
    /// Why orphans were kept, and in a catalog that was put back all bytes that no row names any more; nil if there were
    /// none, or if they only have to be seen for longer.
    package var orphansKept: String?
    /// Damaged bytes that had been set aside and whose blob has healed or ended.
    package var asideFilesRemoved = 0
    /// Tombstones and ended leases that had been kept long enough.
    package var tombstonesDropped = 0
    /// Whether the reserve for deleting on a full disk is in place.
    package var hasBallast = true
    package var seconds = 0.0

    package init() {}
}

/// How the sweeps of one process went.
package struct GCStatus: Sendable, Hashable {
    /// The report of the last sweep that was no dry run; nil before the first.
    package var latest: CollectReport?
    /// How many sweeps removed nothing because the clocks could not be trusted.
    package var holdCount = 0

    package init(latest: CollectReport? = nil, holdCount: Int = 0) {
        self.latest = latest
        self.holdCount = holdCount
    }

    /// Why the last sweep removed nothing; nil if it was allowed to.
    package var heldBack: String? { latest?.hold }
}

/// How a sweep ended.
package enum SweepOutcome: String, CaseIterable, Sendable {
    case done
    /// It was not allowed to remove anything.
    case held
    case failed
}
