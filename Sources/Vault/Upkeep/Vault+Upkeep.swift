import Blobs
import Catalog
package import Store
import StoreParts
import StoreRules
import Telemetry

extension Vault: Upkeep {
    package var gcStatus: GCStatus { upkeep.gcStatus }

    package func collect(_ options: CollectOptions) async throws(StoreError) -> CollectReport {
        try await upkeep.exclusively { () async throws(StoreError) in
            var sweep = Sweep(vault: self, options: options)
            do throws(StoreError) {
                let report = try await sweep.run()
                if !options.dryRun { note(report) }
                return report
            } catch {
                meters.passes.add(for: SweepOutcome.failed.rawValue)
                throw error
            }
        }
    }

    private func note(_ report: CollectReport) {
        upkeep.note(report)
        meters.count(report)
        // Of those the blobs have not been counted before.
        meters.blobsRemoved.add(report.removalsFinished)
    }

    package func check(
        _ options: CheckOptions, progress: @Sendable (CheckProgress) -> Void
    ) async throws(StoreError) -> CheckReport {
        try await upkeep.exclusively { () async throws(StoreError) in
            var check = Check(vault: self, options: options)
            return try await check.run(progress: progress)
        }
    }

    package func scrub(
        bytesPerSecond: Int64, traffic: @escaping @Sendable () -> Int
    ) async throws(StoreError) {
        let row = try await read { try $0.scrub(.underWay) } ?? ScrubRow(began: now())
        var scrub = Scrub(self, from: row, bytesPerSecond: bytesPerSecond, traffic: traffic)
        try await scrub.run()
    }

    package func scrubHistory() async throws(StoreError) -> ScrubHistory {
        try await read { reader in
            ScrubHistory(underWay: try reader.scrub(.underWay), finished: try reader.scrub(.finished))
        }
    }

    package func remove(_ options: RemoveOptions) async throws(StoreError) -> RemoveReport {
        guard let address = try await address(of: options.target) else { return RemoveReport(address: nil) }
        var report = RemoveReport(address: address)
        if options.action == .unban {
            report.wasBanned = try await liftBan(on: address)
            return report
        }
        report.isBanned = options.action == .ban
        let expulsion = try await takeDown(address, banning: report.isBanned)
        report.isKnown = expulsion.isKnown
        report.leasesEnded = expulsion.leasesEnded
        report.blobsRemoved = expulsion.removed.count
        report.bytesRemoved = expulsion.removed.bytes
        return report
    }

    private func address(of target: RemoveOptions.Target) async throws(StoreError) -> BlobAddress? {
        switch target {
        case .address(let address): address
        case .alias(let alias): try await read { try $0.address(of: alias) }
        }
    }

    package func remove(_ options: RemoveSubjectOptions) async throws(StoreError) -> RemoveSubjectReport {
        var report = RemoveSubjectReport()
        if options.dryRun {
            report.dryRun = true
            let usage = try await read { try $0.usage(of: options.subject) }
            (report.leasesEnded, report.chargedBytes) = (usage.leases, usage.bytes)
            return report
        }
        while true {
            let ended = try await make(EndLeasesOfSubject(options.subject, limit: Self.removalBatch))
            if ended.found == 0 { return report }
            let removed = try await remove(ended.unheld)
            report.leasesEnded += ended.lived
            report.chargedBytes += ended.chargedBytes
            report.blobsRemoved += removed.count
            report.bytesRemoved += removed.bytes
        }
    }
}
