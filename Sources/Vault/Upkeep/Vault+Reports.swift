import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
package import Store
import StoreParts
import StoreRules
import Telemetry

/// What a vault reports about itself.
extension Vault {
    /// How far expired leases and blobs without a lease are counted for the metrics.
    static let backlogLimit = 100_000

    package var writeStatus: WriteStatus {
        WriteStatus(promisedBytes: promisedBytes, isSuspended: health.suspension != nil)
    }

    package func readings() async throws(StoreError) -> StoreReadings {
        try await workers.run { () throws(StoreError) in
            var readings = try self.catalog.read { reader in
                var readings = StoreReadings()
                readings.take(try reader.sums())
                let backlog = try reader.backlog(at: self.time.now, limit: Self.backlogLimit)
                readings.dueLeases = backlog.dueLeases
                readings.unheldBlobs = backlog.unheldBlobs
                readings.oldestDueSeconds = backlog.oldestDueSeconds
                readings.keptUploads = try reader.openUploadSum()
                readings.lastScrub = try reader.scrub(.finished)?.latest.seconds ?? 0
                readings.lastPass = try reader.store().lastPass.wall.seconds
                return readings
            }
            try storeErrors { () throws(FileError) in
                readings.freeBytes = try self.disk.files.freeBytes()
                readings.logBytes = try Folder.status(self.layout.catalog + "-wal")?.size ?? 0
            }
            return readings
        }
    }

    /// Reads the catalog a page at a time: one long read would keep SQLite from emptying its write-ahead log.
    package func statistics() async throws(StoreError) -> StoreStatistics {
        var statistics = StoreStatistics(try await readings(), try await scrubHistory())
        let now = now()
        var lastLease: Int64? = 0
        while let from = lastLease {
            let page = try await read { try $0.aliases(at: now, after: from) }
            statistics.aliases.merge(page.counts, uniquingKeysWith: +)
            lastLease = page.last
        }
        var last: RowCursor?
        while true {
            let from = last
            let page = try await read { try $0.presentBlobs(after: from) }
            guard let next = page.last else { return statistics }
            last = next
            for blob in page.blobs { statistics.count(blob, at: now) }
        }
    }
}
