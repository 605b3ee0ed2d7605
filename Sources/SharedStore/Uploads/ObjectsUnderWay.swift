import Store
import Synchronization

/// The last objects of uploads that are on their way to the object store, whose rows are soon to follow; and how long the
/// latest of them took that arrived.
final class ObjectsUnderWay: Sendable {
    /// The part of an object's time that rows wait.
    private static let share = 8
    private static let longest = Duration.milliseconds(25)

    private let underWay = Atomic(0)
    private let latestNanoseconds = Atomic<Int64>(0)

    /// For how long the rows of an upload may wait for those of others, so that a transaction holds many: not at all where
    /// none are to be expected.
    var patience: Duration {
        guard underWay.load(ordering: .relaxed) > 0 else { return .zero }
        return min(.nanoseconds(latestNanoseconds.load(ordering: .relaxed)) / Self.share, Self.longest)
    }

    /// Counts an object for as long as `body` takes.
    func count<Result>(_ body: () async throws(StoreError) -> Result) async throws(StoreError) -> Result {
        underWay.add(1, ordering: .relaxed)
        defer { underWay.subtract(1, ordering: .relaxed) }
        let began = ContinuousClock.now
        let result = try await body()
        latestNanoseconds.store(Int64((ContinuousClock.now - began) / .nanoseconds(1)), ordering: .relaxed)
        return result
    }
}
