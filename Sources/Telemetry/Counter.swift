import Synchronization

/// A number that only grows.
package struct Counter: ~Copyable, Sendable {
    private let total = Atomic<Int>(0)

    package init() {}

    package borrowing func add(_ amount: Int = 1) { total.wrappingAdd(amount, ordering: .relaxed) }

    package var value: Int { total.load(ordering: .relaxed) }
}
