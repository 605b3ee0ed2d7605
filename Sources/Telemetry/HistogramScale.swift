/// Where a histogram's buckets end, and what its numbers count.
package struct HistogramScale: Sendable {
    /// Upper ends of the buckets, ascending, each included; one more bucket has none.
    let ends: [Int]
    /// How many of the numbers recorded make one of the unit that is told.
    let perUnit: Double

    /// Nanoseconds, told as seconds: from a tenth of a millisecond to a minute, in steps of 1, 2.5 and 5.
    package static let time = HistogramScale(
        ends: [
            100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000,
            100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
            30_000_000_000, 60_000_000_000,
        ], perUnit: 1e9)

    /// Things, by powers of two up to 4096.
    package static let things = HistogramScale(ends: (0...12).map { 1 << $0 }, perUnit: 1)

    /// The text of a number recorded, as Prometheus reads it.
    func text(_ number: Int) -> String {
        perUnit == 1 ? String(number) : String(Double(number) / perUnit)
    }
}
