import Blobs
import Catalog
import Store
import StoreRules

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
