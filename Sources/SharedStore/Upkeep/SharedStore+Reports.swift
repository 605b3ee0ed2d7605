import Blobs
import SharedCatalog
package import Store
import StoreRules
import Telemetry

/// What a node reports about the store.
extension SharedStore {
    /// How far expired leases and blobs without a lease are counted for the metrics.
    private static let backlogLimit = 100_000

    package var writeStatus: WriteStatus { WriteStatus(promisedBytes: promisedBytes) }

    /// Whether uploads are under way on this node.
    var isTakingUploads: Bool { meters.openUploads.value > 0 }

    /// An object store has no end: what is free is what the cache may take, through which all bytes go.
    package func readings() async throws(StoreError) -> StoreReadings {
        let now = now()
        var readings = try await catalog.read { reader throws(SharedCatalogError) in
            var readings = StoreReadings()
            readings.take(try reader.sums())
            let backlog = try reader.backlog(at: now, limit: Self.backlogLimit)
            readings.dueLeases = backlog.dueLeases
            readings.unheldBlobs = backlog.unheldBlobs
            readings.oldestDueSeconds = backlog.oldestDueSeconds
            readings.keptUploads = try reader.openUploadSum()
            readings.lastScrub = try reader.scrub(.finished)?.latest.seconds ?? 0
            readings.lastPass = try reader.store().lastPass.wall.seconds
            return readings
        }
        readings.freeBytes = try await freeBytes()
        return readings
    }

    package func statistics() async throws(StoreError) -> StoreStatistics {
        var statistics = StoreStatistics(try await readings(), try await scrubHistory())
        let now = now()
        var lastLease: Int64? = 0
        while let from = lastLease {
            let page = try await catalog.read { reader throws(SharedCatalogError) in
                try reader.aliases(at: now, after: from)
            }
            statistics.aliases.merge(page.counts, uniquingKeysWith: +)
            lastLease = page.last
        }
        var last: BlobAddress?
        while true {
            let from = last
            let page = try await catalog.read { reader throws(SharedCatalogError) in
                try reader.presentRows(after: from, limit: SharedCatalog.pageRows)
            }
            guard let next = page.last?.address else { return statistics }
            last = next
            for blob in page { statistics.count(blob, at: now) }
        }
    }
}
