import Synchronization

/// How many values fell into each of a few buckets, and their sum.
package struct Histogram: ~Copyable, Sendable {
    /// Where the buckets end, and what the values count.
    package struct Scale: Sendable {
        /// Upper ends of the buckets, ascending, each included; one more bucket has no end.
        let ends: [Int]
        /// How many of the recorded unit make one of the reported unit.
        let perUnit: Double

        /// Nanoseconds, reported as seconds: from a tenth of a millisecond to a minute, in steps of 1, 2.5 and 5.
        package static let time = Scale(
            ends: [
                100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000,
                100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
                30_000_000_000, 60_000_000_000,
            ], perUnit: 1e9)

        /// Things, by powers of two up to 4096.
        package static let things = Scale(ends: (0...12).map { 1 << $0 }, perUnit: 1)

        /// A recorded number in the reported unit, as Prometheus reads it.
        func text(_ number: Int) -> String {
            perUnit == 1 ? String(number) : String(Double(number) / perUnit)
        }
    }

    /// The most buckets there can be, the one without end included.
    static let capacity = 20

    let scale: Scale
    private let cells = Cells<20>()
    private let total = Atomic<Int>(0)

    package init(_ scale: Scale) {
        precondition(scale.ends.count < Self.capacity, "a histogram has room for its buckets")
        self.scale = scale
    }

    /// Counts `number`, in the unit of the scale: two relaxed additions.
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

    /// The sum of all recorded values.
    package var sum: Int { total.load(ordering: .relaxed) }

    /// How many values were recorded.
    package var count: Int { cumulated.last ?? 0 }

    /// For every bucket the number of values in it and in those before it; the last one counts all.
    var cumulated: [Int] {
        var running = 0
        return (0...scale.ends.count).map { bucket in
            running += cells.value(at: bucket)
            return running
        }
    }
}

extension Duration {
    /// Whole nanoseconds; `Int.max` if there are more.
    package var nanoseconds: Int {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, tooMuch) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || tooMuch ? .max : Int(sum)
    }
}
