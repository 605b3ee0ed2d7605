import Synchronization

/// Bounds how many removals of left objects are under way: what is more than that is left to the search for orphans.
final class Discards: Sendable {
    /// The most at once.
    private static let limit = 64

    private let underWay = Atomic(0)

    /// Whether one more may begin; then `end` follows.
    func begin() -> Bool {
        if underWay.wrappingAdd(1, ordering: .relaxed).newValue <= Self.limit { return true }
        end()
        return false
    }

    func end() { underWay.wrappingSubtract(1, ordering: .relaxed) }
}
