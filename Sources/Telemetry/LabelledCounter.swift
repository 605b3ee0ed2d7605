/// A counter for each of a few labels, all known at the start: what a client sends can never make a new one.
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

    /// Adds to the counter of `label`; one that was not known at the start counts nowhere.
    package borrowing func add(_ amount: Int = 1, for label: String) {
        if let place = places[label] { cells.add(amount, at: place) }
    }

    package borrowing func value(for label: String) -> Int {
        places[label].map { cells.value(at: $0) } ?? 0
    }
}
