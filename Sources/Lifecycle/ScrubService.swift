import Blobs
package import Logging
import ServiceLifecycle
package import Store

/// Looks for damage until the program ends: scrubs on an interval, and checks soon what was hard to read.
package struct ScrubService: Service {
    /// How long to wait after a scrub that failed.
    private static let retryInterval = Duration.seconds(60)
    /// How often the blobs that were hard to read are checked.
    private static let suspectInterval = Duration.seconds(1)

    private let store: any Upkeep
    private let bytesPerSecond: Int64
    private let interval: Duration
    private let traffic: @Sendable () -> Int
    private let logger: Logger

    /// - Parameters:
    ///   - bytesPerSecond: the rate of a scrub while no client uses the store; 0 to check only what was hard to read.
    ///   - interval: from the beginning of one scrub to that of the next.
    ///   - traffic: bytes of blobs sent to clients so far: while it grows, scrubs are slower.
    package init(
        store: any Upkeep, bytesPerSecond: Int64, interval: Duration, logger: Logger,
        traffic: @escaping @Sendable () -> Int = { 0 }
    ) {
        self.store = store
        self.bytesPerSecond = bytesPerSecond
        self.interval = interval
        self.traffic = traffic
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            async let suspects: Void = examineSuspects()
            if bytesPerSecond > 0 { await scrub() }
            await suspects
        }
    }

    private func examineSuspects() async {
        while !Task.isCancelled {
            await store.examineSuspects()
            try? await Task.sleep(for: Self.suspectInterval)
        }
    }

    private func scrub() async {
        while !Task.isCancelled {
            var wait = Self.retryInterval
            do throws(StoreError) { wait = try await scrubIfDue() } catch {
                logger.warning("The scrub failed", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: wait)
        }
    }

    /// Continues the scrub that was interrupted, or begins one if it is time; returns how long to wait then.
    private func scrubIfDue() async throws(StoreError) -> Duration {
        let history = try await store.scrubHistory()
        if history.current == nil,
            let wait = ScrubSchedule.wait(
                lastBegan: history.last?.began, now: store.now().seconds, interval: interval)
        {
            return wait
        }
        try await store.scrub(bytesPerSecond: bytesPerSecond, traffic: traffic)
        return .zero
    }
}

/// When the next scrub begins.
enum ScrubSchedule {
    /// How long to wait at `now` if the last scrub began at `began`; nil for no time at all.
    static func wait(lastBegan began: Int64?, now: Int64, interval: Duration) -> Duration? {
        guard let began else { return nil }
        let (elapsed, overflow) = now.subtractingReportingOverflow(began)
        // A beginning in the future says nothing.
        guard !overflow, elapsed >= 0, .seconds(elapsed) < interval else { return nil }
        return interval - .seconds(elapsed)
    }
}
