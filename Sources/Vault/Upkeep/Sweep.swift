import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
import Store
import StoreRules

/// One sweep of the garbage collector: a list of steps, each in batches small enough to delay no request.
struct Sweep {
    /// What a sweep does, in this order.
    enum Step: CaseIterable {
        case finishRemovals, endLeases, removeBlobs, dropUploads, clearStaging, removeOrphans, clearAside
        case dropTombstones, dropSubjects, ballast
    }

    let vault: Vault
    let options: CollectOptions
    var report = CollectReport()

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
            if options.dryRun { try await foresee() } else { try await performAll() }
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

    /// A sweep that is cancelled stops after the current batch; the next one continues.
    private mutating func performAll() async throws(StoreError) {
        for step in Step.allCases where !Task.isCancelled { try await perform(step) }
        try await recordPass()
    }

    /// Records the clocks that the next sweep compares with: only of a sweep that was allowed to remove.
    private func recordPass() async throws(StoreError) {
        let clocks = vault.clocks
        try await vault.make(RecordPass(clocks))
    }

    private mutating func perform(_ step: Step) async throws(StoreError) {
        switch step {
        case .finishRemovals: try await finishRemovals()
        case .endLeases: try await endLeases()
        case .removeBlobs: try await removeBlobs()
        case .dropUploads: report.note(try await vault.expireUploads())
        case .clearStaging: report.stagedFilesRemoved = try await clearStaging(removing: true)
        case .removeOrphans: if options.searchesForOrphans { try await removeOrphans() }
        case .clearAside: try await clearAside()
        case .dropTombstones: try await dropTombstones()
        case .dropSubjects: try await dropSubjects()
        case .ballast: try await remakeBallast()
        }
    }

    // MARK: Steps

    private mutating func finishRemovals() async throws(StoreError) {
        let begun = try await vault.read { try $0.removals(limit: Vault.removalBatch) }
        report.removalsFinished = try await vault.remove(begun.map(\.address)).count
    }

    private mutating func endLeases() async throws(StoreError) {
        // Look first: a commit costs a sync, and mostly nothing is due.
        while !Task.isCancelled {
            let now = vault.now()
            if try await vault.read({ try $0.dueLeases(at: now, after: nil, limit: 1).count }) == 0 { return }
            report.leasesEnded += try await paced { () async throws(StoreError) in
                try await vault.make(EndDueLeases(limit: Vault.removalBatch))
            }
        }
    }

    private mutating func removeBlobs() async throws(StoreError) {
        var last: RowCursor?
        while !Task.isCancelled {
            let from = last
            let page = try await vault.read { try $0.unheldBlobs(after: from, limit: Vault.removalBatch) }
            guard let next = page.last else { return }
            last = next
            let unheld = page.blobs.map(\.address)
            let removed = try await paced { () async throws(StoreError) in try await vault.remove(unheld) }
            report.blobsRemoved += removed.count
            report.bytesRemoved += removed.bytes
        }
    }

    /// Runs one batch, then gives uploads their turn.
    private func paced<Value>(
        _ batch: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let start = ContinuousClock.now
        let value = try await batch()
        let pause = SweepPace.pause(after: ContinuousClock.now - start, isUploading: vault.isTakingUploads)
        // If cancelled, the sweep ends before its next batch.
        if pause > .zero { try? await Task.sleep(for: pause) }
        return value
    }

    func clearStaging(removing: Bool) async throws(StoreError) -> Int {
        let names = try await vault.onDisk { disk throws(FileError) in try disk.files.deadStagedNames() }
        var cleared = 0
        for start in stride(from: 0, to: names.count, by: Catalog.pageRows) {
            let page = Array(names[start..<min(start + Catalog.pageRows, names.count)])
            let dead = try await vault.read { reader in
                try page.filter { name in
                    guard let id = UploadID(hex: name) else { return true }
                    return try !reader.isOpenUpload(id)
                }
            }
            cleared += dead.count
            guard removing else { continue }
            try await vault.onDisk { disk throws(FileError) in
                for name in dead { try disk.files.removeStaged(name) }
            }
        }
        return cleared
    }

    private mutating func clearAside() async throws(StoreError) {
        let aside = try await vault.onDisk { disk throws(FileError) in
            try disk.files.addressesSetAside(limit: Catalog.pageRows)
        }
        for address in aside where try await vault.removeAside(address) { report.asideFilesRemoved += 1 }
    }

    private mutating func dropTombstones() async throws(StoreError) {
        let end = tombstoneEnd
        while try await vault.read({ try $0.forgettable(endedBefore: end) }) > 0 {
            let dropped = try await vault.make(DropForgotten(endedBefore: end, limit: Vault.removalBatch))
            report.tombstonesDropped += dropped
            if dropped == 0 { return }
        }
    }

    private func dropSubjects() async throws(StoreError) {
        let now = vault.now()
        while try await vault.read({ try $0.hasIdleSubjects(overBy: now) }) {
            let dropped = try await vault.make(DropIdleSubjects(overBy: now, limit: Vault.removalBatch))
            if dropped == 0 || Task.isCancelled { return }
        }
    }

    /// Tombstones and leases that ended before this moment are forgotten.
    var tombstoneEnd: Timestamp {
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
}

extension CollectReport {
    /// Counts uploads whose time was up.
    mutating func note(_ expired: ExpiredUploads) {
        uploadsExpired += expired.open.count
        uploadBytesExpired += expired.open.bytes
        uploadsForgotten += expired.finished
    }
}

/// A dry run: counts what the steps would do.
extension Sweep {
    /// Fills the report.
    mutating func foresee() async throws(StoreError) {
        let now = vault.now()
        try await foreseeLeases(now)
        try await foreseeBlobs(now)
        try await foreseeUploads(now)
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
        var last: RowCursor?
        while true {
            let from = last
            let due = try await vault.read { try $0.dueLeases(at: now, after: from, limit: Catalog.pageRows) }
            report.leasesEnded += due.count
            guard let next = due.last else { return }
            last = next
        }
    }

    private mutating func foreseeUploads(_ now: Timestamp) async throws(StoreError) {
        var expired = ExpiredUploads()
        var last: ResumableUpload?
        while true {
            let from = last
            let due = try await vault.read { try $0.dueUploads(at: now, after: from, limit: Catalog.pageRows) }
            for upload in due { expired.add(upload) }
            guard let next = due.last else { break }
            last = next
        }
        report.note(expired)
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
