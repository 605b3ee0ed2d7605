package import Logging
import ServiceLifecycle
package import Store

/// Sweeps on an interval until the program ends.
package struct SweepService: Service {
    private let store: any Upkeep
    private let interval: Duration
    private let orphanInterval: Duration
    private let logger: Logger

    /// - Parameters:
    ///   - interval: from the end of one sweep to the beginning of the next.
    ///   - orphanInterval: how often a sweep also looks for orphans.
    package init(
        store: any Upkeep, interval: Duration = .seconds(60), orphanInterval: Duration = .seconds(6 * 3600),
        logger: Logger
    ) {
        self.store = store
        self.interval = interval
        self.orphanInterval = orphanInterval
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var lastSearch: ContinuousClock.Instant?
            while !Task.isCancelled {
                let now = ContinuousClock.now
                let searches = lastSearch.map { now - $0 >= orphanInterval } ?? true
                if await sweep(searching: searches) && searches { lastSearch = now }
                try? await Task.sleep(for: interval)
            }
        }
    }

    /// Returns whether this node swept, and was allowed to remove.
    private func sweep(searching: Bool) async -> Bool {
        do {
            let report = try await store.collect(CollectOptions(searchesForOrphans: searching, isRoutine: true))
            log(report)
            return report.hold == nil && report.sweptBy == nil
        } catch {
            // What is cut short as the server ends goes on with the next one.
            if !Task.isCancelled { logger.error("The sweep failed", metadata: ["error": "\(error)"]) }
            return false
        }
    }

    private func log(_ report: CollectReport) {
        if let hold = report.hold { logger.warning("The sweep removed nothing", metadata: ["reason": "\(hold)"]) }
        if let kept = report.orphansKept { logger.warning("Kept orphans", metadata: ["reason": "\(kept)"]) }
        guard report.blobsRemoved + report.orphansRemoved + report.leasesEnded > 0 else { return }
        logger.info(
            "Swept",
            metadata: [
                "leases": "\(report.leasesEnded)", "blobs": "\(report.blobsRemoved)",
                "bytes": "\(report.bytesRemoved)", "orphans": "\(report.orphansRemoved)",
                "seconds": "\(report.seconds)",
            ])
    }
}
