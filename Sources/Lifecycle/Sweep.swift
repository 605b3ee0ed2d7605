import Blobs
import Catalog
import DiskStore
import Files
import Vault

/// One pass of the garbage collector: a list of steps, each in batches small enough to hold up no request.
struct Sweep {
    /// What a pass does, in this order.
    enum Step: CaseIterable {
        case finishRemovals, endLeases, removeBlobs, clearStaging, removeOrphans, clearAside, dropTombstones, ballast
    }

    let vault: Vault
    let options: CollectOptions
    private(set) var report = CollectReport()

    init(vault: Vault, options: CollectOptions) {
        self.vault = vault
        self.options = options
        report.dryRun = options.dryRun
    }

    mutating func run() async throws(StoreError) -> CollectReport {
        let start = ContinuousClock.now
        if options.trustClock && !options.dryRun { try await vault.trustClock() }
        report.hold = try await hold()?.description
        if report.hold == nil {
            for step in Step.allCases where !options.dryRun { try await perform(step) }
            if options.dryRun { try await foresee() } else { try await recordPass() }
        }
        report.seconds = (ContinuousClock.now - start) / .seconds(1)
        return report
    }

    private func hold() async throws(StoreError) -> SweepHold? {
        if options.trustClock { return nil }
        let reference = try await vault.read { try $0.store().lastPass }
        return SweepGuard.hold(
            now: vault.clocks, started: vault.started, reference: reference, latest: vault.latestCommitted)
    }

    /// Only a pass that was allowed moves the reference that clocks are compared with.
    private func recordPass() async throws(StoreError) {
        let clocks = vault.clocks
        try await vault.write { writer, _ in try writer.recordPass(clocks) }
    }

    private mutating func perform(_ step: Step) async throws(StoreError) {
        switch step {
        case .finishRemovals: try await finishRemovals()
        case .endLeases: try await endLeases()
        case .removeBlobs: try await removeBlobs()
        case .clearStaging: report.stagedFilesRemoved = try await clearStaging(removing: true)
        case .removeOrphans: if options.searchesForOrphans { try await removeOrphans() }
        case .clearAside: try await clearAside()
        case .dropTombstones: try await dropTombstones()
        case .ballast: try await remakeBallast()
        }
    }

    // MARK: Steps

    private mutating func finishRemovals() async throws(StoreError) {
        let begun = try await vault.read { try $0.removals(limit: Vault.removalBatch) }
        report.removalsFinished = try await vault.remove(begun).count
    }

    private mutating func endLeases() async throws(StoreError) {
        // A look first: a commit costs a sync, and mostly nothing is due.
        while try await !vault.read({ [now = vault.now()] in
            try $0.dueLeases(at: now, after: nil, limit: 1).isEmpty
        }) {
            report.leasesEnded += try await vault.write { writer, now in
                let due = try writer.reader.dueLeases(at: now, after: nil, limit: Vault.removalBatch)
                for lease in due { try writer.endLease(lease, reason: .expired, at: now) }
                return due.count
            }
        }
    }

    private mutating func removeBlobs() async throws(StoreError) {
        var last: Int64 = 0
        while true {
            let from = last
            let unheld = try await vault.read { try $0.unheldBlobs(after: from, limit: Vault.removalBatch) }
            guard let next = unheld.last?.id else { return }
            last = next
            let removed = try await vault.remove(unheld)
            report.blobsRemoved += removed.count
            report.bytesRemoved += removed.bytes
        }
    }

    private func clearStaging(removing: Bool) async throws(StoreError) -> Int {
        let names = try await vault.onDisk { disk throws(FileError) in try disk.deadStagedNames() }
        var cleared = 0
        for start in stride(from: 0, to: names.count, by: Catalog.pageRows) {
            let page = Array(names[start..<min(start + Catalog.pageRows, names.count)])
            let dead = try await vault.read { reader in
                try page.filter { name in
                    guard let id = Hexadecimal.decode(name) else { return true }
                    return try !reader.isUpload(id)
                }
            }
            cleared += dead.count
            guard removing else { continue }
            try await vault.onDisk { disk throws(FileError) in
                for name in dead { try disk.removeStaged(name) }
            }
        }
        return cleared
    }

    private mutating func clearAside() async throws(StoreError) {
        let aside = try await vault.onDisk { disk throws(FileError) in
            try disk.addressesSetAside(limit: Catalog.pageRows)
        }
        for address in aside where try await vault.removeAside(address) { report.asideFilesRemoved += 1 }
    }

    private mutating func dropTombstones() async throws(StoreError) {
        let end = tombstoneEnd
        while try await vault.read({ try $0.forgettable(endedBefore: end) }) > 0 {
            let dropped = try await vault.write { writer, _ in
                try writer.dropForgotten(endedBefore: end, limit: Vault.removalBatch)
            }
            report.tombstonesDropped += dropped
            if dropped == 0 { return }
        }
    }

    /// What ended before this moment has been remembered long enough.
    private var tombstoneEnd: Timestamp {
        let lifetime = vault.settings.tombstoneLifetime.seconds
        let (end, overflow) = vault.now().seconds.subtractingReportingOverflow(lifetime)
        return Timestamp(seconds: overflow ? .min : end)
    }

    private mutating func remakeBallast() async throws(StoreError) {
        let keep = vault.settings.keepFreeBytes
        report.hasBallast = try await vault.onDisk { disk throws(FileError) in
            try disk.allocateBallast(keepFreeBytes: keep)
        }
    }

    // MARK: Files without a row

    private mutating func removeOrphans() async throws(StoreError) {
        let store = try await vault.read { try $0.store() }
        let accounted = try await findOrphans(pass: store.commits)
        let verdict = OrphanRule.judge(
            found: report.orphansFound, accounted: accounted, isRestored: store.isRestored, options: options,
            now: vault.now())
        switch verdict {
        case .keep(let why):
            if report.orphansFound > 0 { report.orphansKept = why }
        case .remove(let seenBy):
            try await removeSighted(seenBy: seenBy)
            // With all of them gone the old catalogue tells the truth again.
            if store.isRestored && report.orphansRemoved == report.orphansFound {
                try await vault.write { writer, _ in try writer.setRestored(false) }
            }
        }
    }

    /// Counts the files without a row, remembers when each was first seen, and forgets those that are gone.
    private mutating func findOrphans(pass: Int64) async throws(StoreError) -> Int {
        var accounted = 0
        for shard in DiskLayout.shards {
            let survey = try await vault.survey(shard: shard)
            accounted += survey.accounted
            for start in stride(from: 0, to: survey.suspects.count, by: Catalog.pageRows) {
                let end = min(start + Catalog.pageRows, survey.suspects.count)
                let orphans = try await vault.orphans(among: Array(survey.suspects[start..<end]))
                report.orphansFound += orphans.count
                guard !options.dryRun && !orphans.isEmpty else { continue }
                try await vault.write { writer, now in try writer.sight(orphans, now: now, pass: pass) }
            }
        }
        guard !options.dryRun else { return accounted }
        while try await vault.write({ writer, _ in
            try writer.dropSightings(notOf: pass, limit: Vault.removalBatch)
        }) > 0 {}
        return accounted
    }

    private mutating func removeSighted(seenBy end: Timestamp) async throws(StoreError) {
        var last: BlobAddress?
        while true {
            let from = last
            let page = try await vault.read { try $0.orphans(after: from, seenBy: end, limit: Vault.removalBatch) }
            guard let next = page.last else { return }
            last = next
            let removed = try await vault.removeOrphans(page)
            report.orphansRemoved += removed.count
            report.orphanBytesRemoved += removed.bytes
        }
    }

    // MARK: Dry run

    /// What the steps would do, without doing any of it.
    private mutating func foresee() async throws(StoreError) {
        let now = vault.now()
        try await foreseeLeases(now)
        try await foreseeBlobs(now)
        report.stagedFilesRemoved = try await clearStaging(removing: false)
        let end = tombstoneEnd
        report.tombstonesDropped = try await vault.read { try $0.forgettable(endedBefore: end) }
        guard options.searchesForOrphans else { return }
        let store = try await vault.read { try $0.store() }
        let accounted = try await findOrphans(pass: 0)
        let verdict = OrphanRule.judge(
            found: report.orphansFound, accounted: accounted, isRestored: store.isRestored, options: options, now: now)
        if case .keep(let why) = verdict, report.orphansFound > 0 { report.orphansKept = why }
    }

    private mutating func foreseeLeases(_ now: Timestamp) async throws(StoreError) {
        var last: LeaseRow?
        while true {
            let from = last
            let due = try await vault.read { try $0.dueLeases(at: now, after: from, limit: Catalog.pageRows) }
            report.leasesEnded += due.count
            guard let next = due.last else { return }
            last = next
        }
    }

    private mutating func foreseeBlobs(_ now: Timestamp) async throws(StoreError) {
        var last: BlobAddress?
        while true {
            let from = last
            let page = try await vault.read { try $0.blobs(after: from) }
            for blob in page where blob.state != .gone && blob.end(at: now) != nil {
                report.blobsRemoved += 1
                report.bytesRemoved += blob.size
            }
            guard let next = page.last?.address else { return }
            last = next
        }
    }
}
