import Synchronization

/// Counts side by side that any thread may add to: each addition is one relaxed atomic operation, and nobody waits.
struct Cells<let count: Int>: ~Copyable, Sendable {
    private let cells: InlineArray<count, Atomic<Int>>

    init() { cells = InlineArray { _ in Atomic(0) } }

    borrowing func add(_ amount: Int, at index: Int) {
        cells[index].wrappingAdd(amount, ordering: .relaxed)
    }

    borrowing func value(at index: Int) -> Int {
        cells[index].load(ordering: .relaxed)
    }

    /// Adds behind everything that this thread has added before: whoever sees this in `published` sees all of that.
    borrowing func publish(_ amount: Int, at index: Int) {
        cells[index].wrappingAdd(amount, ordering: .releasing)
    }

    borrowing func published(at index: Int) -> Int {
        cells[index].load(ordering: .acquiring)
    }
}

/// A number that only grows.
package struct Counter: ~Copyable, Sendable {
    private let total = Atomic<Int>(0)

    package init() {}

    package borrowing func add(_ amount: Int = 1) { total.wrappingAdd(amount, ordering: .relaxed) }

    package var value: Int { total.load(ordering: .relaxed) }
}

/// A counter for each of a few labels, all known at the start: nothing that a client sends can add a new one.
package struct LabelledCounter: ~Copyable, Sendable {
    /// The most labels there can be.
    static let capacity = 96

    package let labels: [String]
    private let places: [String: Int]
    private let cells = Cells<96>()

    package init(labels: [String]) {
        precondition(labels.count <= Self.capacity, "a counter has room for its labels")
        self.labels = labels
        places = Dictionary(labels.enumerated().map { ($1, $0) }) { first, _ in first }
    }

    /// Adds to the counter of `label`; an unknown label is not counted.
    package borrowing func add(_ amount: Int = 1, for label: String) {
        if let place = places[label] { cells.add(amount, at: place) }
    }

    package borrowing func value(for label: String) -> Int {
        places[label].map { cells.value(at: $0) } ?? 0
    }
}

/// A counter for each name that an operator gave. More may come while the program runs, but no client can bring one.
package final class OperatorCounter: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    package init() {}

    package func add(_ amount: Int = 1, for label: String) { counts.withLock { $0[label, default: 0] += amount } }

    /// All labels so far, in order.
    package var values: [(label: String, count: Int)] {
        counts.withLock { $0.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }
}

/// A number that goes up and down.
package struct Gauge: ~Copyable, Sendable {
    private let number = Atomic<Int>(0)

    package init() {}

    /// Adds `amount`, which may be negative.
    package borrowing func add(_ amount: Int) { number.wrappingAdd(amount, ordering: .relaxed) }

    package var value: Int { number.load(ordering: .relaxed) }
}
