/// Gathers ranges of a file's bytes in any order, in a few bytes each: those of a track mostly come in the file's order,
/// and are a run; runs are merged when the next one begins.
package struct ByteRanges: Sendable {
    /// How many ranges may be apart from each other: about 8 MiB of memory.
    package static let limit = 1 << 20

    private let limit: Int
    private var runs: [SortedRanges] = []
    /// Ranges of all runs but the last.
    private var countBefore = 0
    private var mergeAt: Int

    package init(limit: Int = ByteRanges.limit) {
        self.limit = limit
        mergeAt = min(limit, 1 << 18)
    }

    package mutating func insert(_ range: Range<Int64>) throws(CleaningError) {
        if range.isEmpty { return }
        if let last = runs.last?.last, last.lowerBound <= range.lowerBound {
            runs[runs.count - 1].append(range)
        } else {
            // Each run is at least twice as long as the one behind it: there are few.
            while runs.count > 1, runs[runs.count - 2].count <= 2 * runs[runs.count - 1].count { mergeLast() }
            countBefore = runs.reduce(0) { $0 + $1.count }
            var run = SortedRanges()
            run.append(range)
            runs.append(run)
        }
        guard countBefore + runs[runs.count - 1].count > mergeAt else { return }
        try mergeAll()
        mergeAt = max(mergeAt, 2 * runs[0].count)
    }

    /// The ranges, sorted and apart from each other.
    package consuming func sorted() throws(CleaningError) -> SortedRanges {
        try mergeAll()
        return runs.first ?? SortedRanges()
    }

    private mutating func mergeAll() throws(CleaningError) {
        while runs.count > 1 { mergeLast() }
        countBefore = 0
        guard runs.isEmpty || runs[0].count <= limit else { throw .excessive("data in more than \(limit) pieces") }
    }

    private mutating func mergeLast() {
        let last = runs.removeLast()
        runs[runs.count - 1] = runs[runs.count - 1].merged(with: last)
    }
}
