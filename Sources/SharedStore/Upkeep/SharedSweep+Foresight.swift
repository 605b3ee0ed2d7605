import Blobs
import SharedCatalog
import Store
import StoreRules

/// A dry run: counts what the steps would do.
extension SharedSweep {
    /// Fills the report.
    mutating func foresee() async throws(StoreError) {
        let (now, end) = (store.now(), tombstoneEnd)
        try await foreseeLeases(now)
        try await foreseeBlobs(now)
        try await foreseeUploads(now)
        report.tombstonesDropped = try await store.catalog.read { reader throws(SharedCatalogError) in
            try reader.forgettable(endedBefore: end)
        }
        if try await store.lookAtPass().isPutBack && !options.orphans { return noteOld() }
        try await foreseeGarbage(now)
        if options.searchesForOrphans { try await removeForgotten() }
    }

    private mutating func foreseeLeases(_ now: Timestamp) async throws(StoreError) {
        var last: LeaseCursor?
        while true {
            let from = last
            let due = try await store.catalog.read { reader throws(SharedCatalogError) in
                try reader.dueLeases(at: now, after: from, limit: SharedCatalog.pageRows)
            }
            report.leasesEnded += due.count
            guard let next = due.last else { return }
            last = next
        }
    }

    private mutating func foreseeBlobs(_ now: Timestamp) async throws(StoreError) {
        var last: BlobAddress?
        while true {
            let from = last
            let page = try await store.catalog.read { reader throws(SharedCatalogError) in
                try reader.presentRows(after: from, limit: SharedCatalog.pageRows)
            }
            for blob in page where blob.aliased == 0 && blob.end(at: now) != nil {
                report.blobsRemoved += 1
                report.bytesRemoved += blob.size
            }
            guard let next = page.last?.address else { return }
            last = next
        }
    }

    private mutating func foreseeUploads(_ now: Timestamp) async throws(StoreError) {
        var last: ResumableUpload?
        while true {
            let from = last
            let page = try await store.catalog.read { reader throws(SharedCatalogError) in
                try reader.dueUploads(at: now, after: from, limit: SharedCatalog.pageRows)
            }
            for kept in page where !store.isReceiving(kept.upload.id) { report.note(kept.upload) }
            guard let next = page.last?.upload else { return }
            last = next
        }
    }

    private mutating func foreseeGarbage(_ now: Timestamp) async throws(StoreError) {
        var last: GarbageRow?
        while true {
            let from = last
            let page = try await store.catalog.read { reader throws(SharedCatalogError) in
                try reader.garbage(dueBy: now, after: from, limit: SharedCatalog.pageRows)
            }
            report.removalsFinished += page.count
            guard let next = page.last else { return }
            last = next
        }
    }
}
