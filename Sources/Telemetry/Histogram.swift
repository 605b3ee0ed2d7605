import Synchronization

/// How often values fell into each of a few buckets, and their sum.
package struct Histogram: ~Copyable, Sendable {
    /// The most buckets there can be, the one without end included.
    static let capacity = 20

    let scale: HistogramScale
    private let cells = Cells<20>()
    private let total = Atomic<Int>(0)

    package init(_ scale: HistogramScale) {
        precondition(scale.ends.count < Self.capacity, "a histogram has room for its buckets")
        self.scale = scale
    }

    /// Counts `number`, of the scale's own unit: two relaxed additions.
    package borrowing func record(_ number: Int) {
        var bucket = 0
        while bucket < scale.ends.count, number > scale.ends[bucket] { bucket += 1 }
        cells.add(1, at: bucket)
        total.wrappingAdd(number, ordering: .relaxed)
    }

    /// Counts a length of time on a scale of nanoseconds.
    package borrowing func record(_ duration: Duration) {
        record(duration.nanoseconds)
    }

    /// The sum of all that was recorded.
    package var sum: Int { total.load(ordering: .relaxed) }

    /// How many values were recorded.
    package var count: Int { cumulated.last ?? 0 }

    /// For every bucket how many values fell into it or one before it; the last is the number of all.
    var cumulated: [Int] {
        var running = 0
        return (0...scale.ends.count).map { bucket in
            running += cells.value(at: bucket)
            return running
        }
    }
}

extension Duration {
    /// Whole nanoseconds; the largest number where there are more.
    package var nanoseconds: Int {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, tooMuch) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || tooMuch ? .max : Int(sum)
    }
}
