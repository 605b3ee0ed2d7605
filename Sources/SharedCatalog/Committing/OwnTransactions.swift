import Synchronization

/// The transactions of this node that end findings: it knows of them already when it hears of them.
final class OwnTransactions: Sendable {
    private let numbers = Mutex(Set<UInt64>())

    init() {}

    func add(_ number: UInt64) { numbers.withLock { _ = $0.insert(number) } }

    /// It was not committed, or perhaps not.
    func remove(_ number: UInt64) { numbers.withLock { _ = $0.remove(number) } }

    func removeAll() { numbers.withLock { $0 = [] } }

    func contains(_ number: UInt64) -> Bool { numbers.withLock { $0.contains(number) } }

    /// Forgets those that nobody asks about any more.
    func dropAll(before number: UInt64) { numbers.withLock { all in all = all.filter { $0 >= number } } }
}
