import Synchronization

/// A number of things that come and go.
package struct Gauge: ~Copyable, Sendable {
    private let number = Atomic<Int>(0)

    package init() {}

    /// One more, or with a negative number fewer.
    package borrowing func add(_ amount: Int) { number.wrappingAdd(amount, ordering: .relaxed) }

    package var value: Int { number.load(ordering: .relaxed) }
}
