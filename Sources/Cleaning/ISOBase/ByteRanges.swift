/// Ranges of a file's bytes, in its order; those that touch or overlap are one. Memory grows with the ranges that do
/// not.
package struct ByteRanges: Sendable {
    /// How many ranges may be apart from each other: 16 MiB of memory.
    package static let limit = 1 << 20

    private let limit: Int
    private var ranges: [Range<Int64>] = []
    private var compactAt = 1 << 16

    package init(limit: Int = ByteRanges.limit) { self.limit = limit }

    package mutating func insert(_ range: Range<Int64>) throws(CleaningError) {
        if range.isEmpty { return }
        if let last = ranges.last, last.upperBound == range.lowerBound {
            ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
            return
        }
        ranges.append(range)
        guard ranges.count >= compactAt else { return }
        ranges = Self.merged(ranges)
        guard ranges.count <= limit else { throw .excessive("data in more than \(limit) pieces") }
        compactAt = max(1 << 16, 2 * ranges.count)
    }

    /// The ranges, sorted and apart from each other.
    package consuming func sorted() -> [Range<Int64>] { Self.merged(ranges) }

    private static func merged(_ ranges: [Range<Int64>]) -> [Range<Int64>] {
        var merged: [Range<Int64>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, last.upperBound >= range.lowerBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }
}

extension [Range<Int64>] {
    /// The last of these sorted ranges that begins at `offset` or before.
    package func indexOfRange(at offset: Int64) -> Int? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].lowerBound <= offset { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? low - 1 : nil
    }

    /// Whether one of these sorted ranges, which are apart from each other, has all of `range`.
    package func cover(_ range: Range<Int64>) -> Bool {
        guard let index = indexOfRange(at: range.lowerBound) else { return false }
        return range.upperBound <= self[index].upperBound
    }
}
