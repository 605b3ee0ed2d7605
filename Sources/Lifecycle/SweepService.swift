package import Logging
import ServiceLifecycle

/// Sweeps again and again, until the program ends.
package struct SweepService: Service {
    private let lifecycle: Lifecycle
    private let interval: Duration
    private let orphanInterval: Duration
    private let logger: Logger

    /// - Parameters:
    ///   - interval: the time from the end of one sweep to the next.
    ///   - orphanInterval: how often a sweep also goes through all files for those without a row.
    package init(
        lifecycle: Lifecycle, interval: Duration = .seconds(60), orphanInterval: Duration = .seconds(6 * 3600),
        logger: Logger
    ) {
        self.lifecycle = lifecycle
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

    private func sweep(searching: Bool) async -> Bool {
        do {
            let report = try await lifecycle.collect(CollectOptions(searchesForOrphans: searching))
            tell(report)
            return report.hold == nil
        } catch {
            logger.error("A sweep failed", metadata: ["error": "\(error)"])
            return false
        }
    }

    private func tell(_ report: CollectReport) {
        if let hold = report.hold { logger.warning("The sweep was held back", metadata: ["reason": "\(hold)"]) }
        if let kept = report.orphansKept {
            logger.warning("Files without a row were kept", metadata: ["reason": "\(kept)"])
        }
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
