import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
package import Store
package import Telemetry

extension Vault {
    /// How far waiting leases and blobs are counted for the metrics.
    static let backlogLimit = 100_000

    /// How writing stands, whether or not the store can be read.
    package var writingReadings: WritingReadings {
        WritingReadings(promisedBytes: promisedBytes, isSuspended: health.suspension != nil)
    }

    /// What there is to say about the store at this moment. Costs the same however many blobs it holds.
    package func readings() async throws(StoreError) -> StoreReadings {
        try await workers.run { () throws(StoreError) in
            var readings = try self.slot.read { reader in
                var readings = StoreReadings()
                readings.take(try reader.sums())
                let backlog = try reader.backlog(at: self.time.now, limit: Self.backlogLimit)
                readings.dueLeases = backlog.dueLeases
                readings.unheldBlobs = backlog.unheldBlobs
                readings.oldestDueSeconds = backlog.oldestDueSeconds
                readings.keptUploads = .init(try reader.openUploadSum())
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
}

extension StoreReadings {
    fileprivate mutating func take(_ sums: CatalogSums) {
        held = Sum(sums.held)
        removing = Sum(sums.removing)
        damaged = Sum(sums.damaged)
        tombstones = sums.gone.count
        leases = sums.leases
        endedLeases = sums.endedLeases
    }
}

extension StoreReadings.Sum {
    fileprivate init(_ sum: CatalogSums.Sum) {
        self.init(count: sum.count, bytes: sum.bytes)
    }
}
