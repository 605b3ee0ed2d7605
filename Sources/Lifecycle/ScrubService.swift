import Blobs
import Catalog
package import Logging
import ServiceLifecycle
import Store
import Vault

/// Looks for damage until the program ends: goes through all blobs again and again, and at once after one that gave
/// trouble while it was being read.
package struct ScrubService: Service {
    /// After a check that failed.
    private static let patience = Duration.seconds(60)
    /// How long a blob that gave trouble waits at most.
    private static let suspectInterval = Duration.seconds(1)

    private let lifecycle: Lifecycle
    private let bytesPerSecond: Int64
    private let interval: Duration
    private let logger: Logger

    /// - Parameters:
    ///   - bytesPerSecond: how much is read while nobody else wants the disk; 0 for looking only where there was trouble.
    ///   - interval: from the beginning of one time to the next.
    package init(lifecycle: Lifecycle, bytesPerSecond: Int64, interval: Duration, logger: Logger) {
        self.lifecycle = lifecycle
        self.bytesPerSecond = bytesPerSecond
        self.interval = interval
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            async let watching: Void = watch()
            if bytesPerSecond > 0 { await goThrough() }
            await watching
        }
    }

    private func watch() async {
        while !Task.isCancelled {
            await lifecycle.examineSuspects(logger: logger)
            try? await Task.sleep(for: Self.suspectInterval)
        }
    }

    private func goThrough() async {
        while !Task.isCancelled {
            var wait = Self.patience
            do throws(StoreError) { wait = try await step() } catch {
                logger.warning("The background check failed", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: wait)
        }
    }

    /// Goes on with the check that is under way, or begins one if it is time; tells how long to wait then.
    private func step() async throws(StoreError) -> Duration {
        let (underWay, finished) = try await lifecycle.vault.read { (try $0.scrub(.underWay), try $0.scrub(.finished)) }
        let now = lifecycle.vault.now()
        if underWay == nil,
            let wait = ScrubSchedule.wait(lastBegan: finished?.began.seconds, now: now.seconds, interval: interval)
        {
            return wait
        }
        var scrub = Scrub(
            lifecycle, from: underWay ?? ScrubRow(began: now), bytesPerSecond: bytesPerSecond, logger: logger)
        _ = try await scrub.run()
        return .zero
    }
}
