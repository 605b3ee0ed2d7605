import Blobs
import Files
import Objects
import SharedCatalog
import Store
import StoreRules

/// Objects that no row names and that are too old for one that comes: found by their names, of which each hour is listed
/// once, and removed when `ForgottenObjects` allows it.
extension SharedSweep {
    /// Which names of one listing nobody knows.
    private struct Survey {
        var forgotten: [ListedObject] = []
        var accounted = 0
        /// The last name that was looked at; nil where there are none behind it.
        var last: String?
    }

    mutating func removeForgotten() async throws(StoreError) {
        if pass == .putBack { return }
        let row = try await store.row()
        let end = Self.lastHour(at: begun)
        // All hours again where a person asks: what came late into an hour that was listed is found by this alone.
        let start = options.orphans ? nil : row.scannedHour.map { $0 + 1 }
        if let start, start > end { return }
        var forgotten: [ListedObject] = []
        var accounted = 0
        for byte in UInt8.min...UInt8.max {
            var last = start.map { ObjectName.folder(lastByte: byte, hour: Self.moment(of: $0)) }
            repeat {
                guard try await goesOn() else { return }
                let from = last
                let survey = try await paced { () async throws(StoreError) in
                    try await Self.survey(store, lastByte: byte, after: from, through: end)
                }
                last = survey.last
                accounted += survey.accounted
                report.orphansFound += survey.forgotten.count
                if options.orphans && !options.dryRun {
                    try await remove(survey.forgotten)
                } else if forgotten.count <= ForgottenObjects.limit {
                    forgotten += survey.forgotten
                }
            } while last != nil
        }
        if try await keeps(accounted: accounted) || options.dryRun { return }
        try await remove(forgotten)
        // What the object store would not remove is looked for again.
        guard report.orphansRemoved == report.orphansFound else { return }
        try await store.catalog.setScannedHour(end)
        try store.reach(.hourNoted)
    }

    /// Whether what was found is kept, and why.
    private mutating func keeps(accounted: Int) async throws(StoreError) -> Bool {
        // A command is a node of its host's name, and leaves nothing.
        let nodes = try await store.catalog.read { reader throws(SharedCatalogError) in
            Set(try reader.nodes().map(\.name)).count
        }
        let reason = ForgottenObjects.reasonToKeep(
            found: report.orphansFound, accounted: accounted, nodes: nodes, isPutBack: false, options: options)
        report.orphansKept = reason
        return reason != nil
    }

    private mutating func remove(_ forgotten: [ListedObject]) async throws(StoreError) {
        for start in stride(from: 0, to: forgotten.count, by: ObjectListing.limit) {
            guard try await goesOn() else { return }
            try await checkPass()
            let some = forgotten[start..<min(start + ObjectListing.limit, forgotten.count)]
            let kept = try await paced { () async throws(StoreError) in
                try await store.remove(some.compactMap { ObjectName(listed: $0.name) })
            }
            try store.reach(.forgottenRemoved)
            let left = Set(kept.map(\.text))
            for entry in some where !left.contains(entry.name) {
                report.orphansRemoved += 1
                report.orphanBytesRemoved += entry.size
            }
        }
    }

    private static func survey(
        _ store: SharedStore, lastByte: UInt8, after: String?, through end: Int64
    ) async throws(StoreError) -> Survey {
        let listing: ObjectListing
        do throws(ObjectError) {
            listing = try await store.objects.list(ObjectName.folder(lastByte: lastByte), after: after)
        } catch {
            throw StoreError(error)
        }
        // Strangers are left alone.
        let beyond = ObjectName.folder(lastByte: lastByte, hour: moment(of: end + 1))
        let entries = listing.objects.filter { $0.name.utf8.lexicographicallyPrecedes(beyond.utf8) }
        let ids = entries.compactMap { entry in ObjectName(listed: entry.name)?.id.map { (id: $0, entry: entry) } }
        var survey = Survey()
        survey.last = listing.isLast || entries.count < listing.objects.count ? nil : listing.objects.last?.name
        if ids.isEmpty { return survey }
        let known = try await store.catalog.read { reader throws(SharedCatalogError) in
            try reader.known(ids.map(\.id))
        }
        survey.accounted = known.count
        survey.forgotten = ids.filter { !known.contains($0.id) }.map(\.entry)
        return survey
    }

    // MARK: Hours

    /// The last hour all of whose objects are too old for a row, in hours since 1970.
    private static func lastHour(at now: Timestamp) -> Int64 {
        let (seconds, overflow) = now.seconds.subtractingReportingOverflow(ObjectRule.orphanSeconds)
        return overflow ? .min / 3600 : seconds / 3600 - 1
    }

    private static func moment(of hour: Int64) -> Timestamp {
        let (seconds, overflow) = hour.multipliedReportingOverflow(by: 3600)
        return Timestamp(seconds: overflow ? .min : seconds)
    }
}
