import Blobs
package import Store
import Synchronization
import Telemetry
package import Vault

/// Garbage collection and checking of one vault. One pass runs at a time; requests go on meanwhile.
package final class Lifecycle: Sendable {
    let vault: Vault
    private let passes = KeyedLocks<Pass>()
    private let history = Mutex(History())

    private struct History {
        var latest: CollectReport?
        var holds = 0
    }

    private enum Pass: Hashable { case any }

    package init(vault: Vault) {
        self.vault = vault
    }

    /// The report of the last sweep of this process; nil before the first.
    package var latestReport: CollectReport? { history.withLock { $0.latest } }

    /// How many sweeps of this process removed nothing because the clocks could not be trusted; the last report says
    /// whether that is still so.
    package var holdCount: Int { history.withLock { $0.holds } }

    /// Runs one sweep: what was begun, ended leases, blobs without leases, dead staged files, files without a row,
    /// files set aside for nothing, old tombstones.
    package func collect(_ options: CollectOptions = CollectOptions()) async throws(StoreError) -> CollectReport {
        try await passes.withLock(.any) { () async throws(StoreError) in
            var sweep = Sweep(vault: vault, options: options)
            do throws(StoreError) {
                let report = try await sweep.run()
                if !options.dryRun { note(report) }
                return report
            } catch {
                vault.meters.passes.add(for: PassOutcome.failed.rawValue)
                throw error
            }
        }
    }

    private func note(_ report: CollectReport) {
        history.withLock { history in
            history.latest = report
            if report.hold != nil { history.holds += 1 }
        }
        let meters = vault.meters
        meters.passes.add(for: (report.hold == nil ? PassOutcome.done : .held).rawValue)
        meters.passTimes.record(.seconds(report.seconds))
        meters.leasesEnded.add(report.leasesEnded)
        meters.blobsRemoved.add(report.removalsFinished + report.blobsRemoved)
        meters.removedBytes.add(Int(report.bytesRemoved))
        meters.orphansRemoved.add(report.orphansRemoved)
        meters.uploadsExpired.add(report.uploadsExpired)
    }

    /// Reads every file again and compares files and rows both ways. `progress` hears of blobs and bytes done so far.
    package func check(
        _ options: CheckOptions = CheckOptions(),
        progress: @Sendable (_ blobs: Int, _ bytes: Int64) -> Void = { _, _ in }
    ) async throws(StoreError) -> CheckReport {
        try await passes.withLock(.any) { () async throws(StoreError) in
            var check = Check(vault: vault, options: options)
            return try await check.run(progress: progress)
        }
    }
}
