import Blobs
import Logging
import SharedCatalog
package import Store
import StoreParts
import StoreRules
import Telemetry

extension SharedStore {
    package var gcStatus: GCStatus { upkeep.gcStatus }

    package func collect(_ options: CollectOptions) async throws(StoreError) -> CollectReport {
        try await upkeep.exclusively { () async throws(StoreError) in
            var sweep = SharedSweep(store: self, options: options)
            do throws(StoreError) {
                let report = try await sweep.run()
                if report.sweptBy == nil && !options.dryRun {
                    upkeep.note(report)
                    meters.count(report)
                }
                return report
            } catch {
                meters.passes.add(for: SweepOutcome.failed.rawValue)
                throw error
            }
        }
    }

    /// By how many seconds the database's clock is ahead of that of each node that is alive, as it told itself.
    func clockDifferences() async throws(StoreError) -> [Int64] {
        let nodes = try await catalog.read { reader throws(SharedCatalogError) in try reader.nodes() }
        let others = nodes.filter { $0.isAlive && $0.id != catalog.node.id }
        return [NodeClocks.difference(database: time.wall, node: time.machine.wall)]
            + others.map { NodeClocks.difference(database: $0.beat, node: $0.wall) }
    }

    /// Takes the database's time as the present, although a later one was committed, or the nodes say otherwise. Other nodes
    /// that have relied on a later one do so until they start anew.
    func trustClock() async throws(StoreError) {
        let wall = time.wall
        time.reset(to: wall)
        try await make(ResetLatest(wall))
        time.reset(to: wall)
        try await catalog.setAccepted(seconds: NodeClocks.acceptance(of: try await clockDifferences()))
    }

    package func check(
        _ options: CheckOptions, progress: @Sendable (CheckProgress) -> Void
    ) async throws(StoreError) -> CheckReport {
        try await upkeep.exclusively { () async throws(StoreError) in
            var check = SharedCheck(store: self, options: options)
            return try await check.run(progress: progress)
        }
    }

    /// Where another node scrubs, this waits for a while and does nothing.
    package func scrub(
        bytesPerSecond: Int64, traffic: @escaping @Sendable () -> Int
    ) async throws(StoreError) {
        var duty = SweepDuty(.scrub, catalog: catalog, isNeeded: true)
        guard try await duty.take() else {
            try? await Task.sleep(for: SweepDuty.interval)
            return
        }
        let row = try await catalog.read { reader throws(SharedCatalogError) in try reader.scrub(.underWay) }
        var scrub = SharedScrub(
            self, from: row ?? ScrubRow(began: now()), bytesPerSecond: bytesPerSecond, duty: duty, traffic: traffic)
        do throws(StoreError) { try await scrub.run() } catch {
            await duty.drop()
            throw error
        }
        await duty.drop()
    }

    package func scrubHistory() async throws(StoreError) -> ScrubHistory {
        try await catalog.read { reader throws(SharedCatalogError) in
            ScrubHistory(underWay: try reader.scrub(.underWay), finished: try reader.scrub(.finished))
        }
    }

    // MARK: An operator's word

    package func remove(_ options: RemoveOptions) async throws(StoreError) -> RemoveReport {
        guard let address = try await address(of: options.target) else { return RemoveReport(address: nil) }
        var report = RemoveReport(address: address)
        if options.action == .unban {
            report.wasBanned = try await make(LiftBan(address)).outcome
            return report
        }
        report.isBanned = options.action == .ban
        let taken = try await make(TakeDownBlob(address, banning: report.isBanned))
        if let count = taken.outcome {
            report.isKnown = true
            report.leasesEnded = count
            let removed = try await removeSoon([address])
            report.blobsRemoved = removed.count
            report.bytesRemoved = removed.bytes
        }
        await ends.wait(for: taken)
        return report
    }

    private func address(of target: RemoveOptions.Target) async throws(StoreError) -> BlobAddress? {
        switch target {
        case .address(let address): address
        case .alias(let alias):
            try await catalog.read { reader throws(SharedCatalogError) in try reader.address(of: alias) }
        }
    }

    package func remove(_ options: RemoveSubjectOptions) async throws(StoreError) -> RemoveSubjectReport {
        var report = RemoveSubjectReport()
        if options.dryRun {
            report.dryRun = true
            let usage = try await catalog.read { reader throws(SharedCatalogError) in
                try reader.usage(of: options.subject)
            }
            (report.leasesEnded, report.chargedBytes) = (usage.leases, usage.bytes)
            return report
        }
        var endsFindings = false
        while true {
            let ended = try await make(EndLeasesOfSubject(options.subject, limit: SharedSweep.batch))
            if ended.outcome.found == 0 { break }
            endsFindings = endsFindings || !ended.endsFindings.isEmpty
            let removed = try await removeSoon(ended.outcome.unheld)
            report.leasesEnded += ended.outcome.lived
            report.chargedBytes += ended.outcome.chargedBytes
            report.blobsRemoved += removed.count
            report.bytesRemoved += removed.bytes
        }
        if endsFindings { await ends.waitForOthers() }
        return report
    }

    /// Makes tombstones of those of these blobs that no lease holds, whose objects do not wait for longer than readers
    /// need: who takes a blob down does not mean to keep it for as long as a backup of the database.
    private func removeSoon(_ addresses: [BlobAddress]) async throws(StoreError) -> RemovedBlobs {
        if addresses.isEmpty { return RemovedBlobs() }
        let objects = try await catalog.read { reader throws(SharedCatalogError) in
            try reader.blobs(addresses).compactMap { $0?.object?.id }
        }
        let removed = try await make(RemoveUnheld(addresses)).outcome
        if settings.removalDelaySeconds > Self.readersSeconds {
            let (due, overflow) = now().seconds.addingReportingOverflow(Self.readersSeconds)
            try await catalog.hasten(objects, due: Timestamp(seconds: overflow ? .max : due))
        }
        return removed
    }

    /// How long reads that are under way may take to end.
    private static let readersSeconds: Int64 = 900
}
