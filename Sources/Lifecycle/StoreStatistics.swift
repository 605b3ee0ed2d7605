import Blobs
import Catalog
package import Store
import Telemetry
import Vault

/// What a store holds, for a person: how much, how old, how large.
package struct StoreStatistics: Codable, Sendable, Hashable {
    /// Blobs of about one age, or about one size.
    package struct Class: Codable, Sendable, Hashable {
        /// The first value that does not belong: seconds or bytes; nil for the last class.
        package let below: Int64?
        package var blobs = 0
        package var bytes: Int64 = 0

        init(below: Int64?) { self.below = below }
    }

    package var blobs = 0
    package var bytes: Int64 = 0
    /// Leases that have not been ended.
    package var leases: Int64 = 0
    /// Blobs that nobody holds any more and that the next sweep takes.
    package var unheld = 0
    /// Blobs whose file was found damaged and set aside; they are in no other number.
    package var damaged = 0
    package var tombstones: Int64 = 0
    /// Uploads that can be gone on with, and the bytes that are here of them; they are in no other number.
    package var uploads: Int64 = 0
    package var uploadBytes: Int64 = 0
    /// The background check that last went through everything, and the one under way; nil where there is none.
    package var lastScrub: ScrubProgress?
    package var scrub: ScrubProgress?
    /// By the seconds since the upload, youngest first.
    package var byAge: [Class]
    /// By bytes, smallest first.
    package var bySize: [Class]

    /// An hour, a day, a week, a month, three months.
    private static let ages: [Int64?] = [3600, 86_400, 7 * 86_400, 30 * 86_400, 90 * 86_400]
    /// 64 KiB, 1 MiB, 16 MiB, 256 MiB, 1 GiB.
    private static let sizes: [Int64?] = [64 << 10, 1 << 20, 16 << 20, 256 << 20, 1 << 30]

    init() {
        byAge = (Self.ages + [nil]).map { Class(below: $0) }
        bySize = (Self.sizes + [nil]).map { Class(below: $0) }
    }

    /// Counts one blob whose file is there.
    mutating func add(size: Int64, ageSeconds: Int64, isHeld: Bool) {
        blobs += 1
        let (sum, overflow) = bytes.addingReportingOverflow(size)
        bytes = overflow ? .max : sum
        if !isHeld { unheld += 1 }
        Self.add(size, to: &byAge, at: ageSeconds)
        Self.add(size, to: &bySize, at: size)
    }

    private static func add(_ size: Int64, to classes: inout [Class], at value: Int64) {
        let place = classes.firstIndex { $0.below.map { value < $0 } ?? true } ?? classes.count - 1
        classes[place].blobs += 1
        let (sum, overflow) = classes[place].bytes.addingReportingOverflow(size)
        classes[place].bytes = overflow ? .max : sum
    }
}

extension Lifecycle {
    /// Goes through what the catalogue holds, a page at a time, so that no long look holds up its log. What changes
    /// meanwhile may or may not be counted.
    package func statistics() async throws(StoreError) -> StoreStatistics {
        var statistics = StoreStatistics()
        let readings = try await vault.readings()
        statistics.leases = readings.leases
        statistics.tombstones = readings.tombstones
        statistics.uploads = readings.keptUploads.count
        statistics.uploadBytes = readings.keptUploads.bytes
        (statistics.lastScrub, statistics.scrub) = try await vault.read { reader in
            (try reader.scrub(.finished).map(ScrubProgress.init), try reader.scrub(.underWay).map(ScrubProgress.init))
        }
        let now = vault.now()
        var last: Int64 = 0
        while true {
            let from = last
            let page = try await vault.read { try $0.holdings(after: from) }
            guard let next = page.last else { return statistics }
            last = next.id
            for blob in page { statistics.count(blob, at: now) }
        }
    }
}

extension StoreStatistics {
    fileprivate mutating func count(_ blob: Holding, at now: Timestamp) {
        if blob.isDamaged {
            damaged += 1
            return
        }
        let isHeld = blob.sunset.map { $0 > now } ?? false
        add(size: blob.size, ageSeconds: now.secondsSince(blob.uploaded), isHeld: isHeld)
    }
}
