package import Store
import Synchronization

/// What a store remembers of its sweeps, and the lock that keeps passes apart.
package final class UpkeepState: Sendable {
    private enum SweepOrCheck: Hashable { case any }

    private let turns = KeyedLocks<SweepOrCheck>()
    private let sweeps = Mutex(GCStatus())

    package init() {}

    package var gcStatus: GCStatus { sweeps.withLock { $0 } }

    /// Runs a sweep or a check when no other is running.
    package func exclusively<Value>(_ body: () async throws(StoreError) -> Value) async throws(StoreError) -> Value {
        try await turns.withLock(.any) { () async throws(StoreError) in try await body() }
    }

    /// Notes a sweep that was no dry run.
    package func note(_ report: CollectReport) {
        sweeps.withLock { status in
            status.latest = report
            if report.hold != nil { status.holdCount += 1 }
        }
    }
}
