/// Entries of a sample table that a track has a use for (ISO/IEC 14496-12, 8.6 and 8.7): as they are, but for those that
/// no sample is left for, or that count none.
struct TableEntries {
    private(set) var kept = CleanCopy()
    private(set) var count: Int64 = 0

    /// Runs of samples (`stts`, `ctts`): how many, then four bytes about each. The last one counts what is left.
    init(
        runs table: SampleTable.Entries, samples: Int64, _ source: SourceBytes
    ) throws(CleaningError) {
        var numbers = NumberTable(source, at: table.start, width: 4, count: table.count * 2)
        var left = samples
        for index in 0..<table.count where left > 0 {
            let count = Int64(try numbers.number(at: index * 2))
            if count == 0 { continue }
            let place = table.start + index * 8
            if count > left {
                kept.append(BigEndian.bytes(UInt32(left)))
                kept.append(original: place + 4..<place + 8)
            } else {
                kept.append(original: place..<place + 8)
            }
            self.count += 1
            left -= count
        }
    }

    /// Numbers of samples (`stss`, `stps`), each larger than the one before.
    init(
        numbers table: SampleTable.Entries, samples: Int64, _ source: SourceBytes
    ) throws(CleaningError) {
        var numbers = NumberTable(source, at: table.start, width: 4, count: table.count)
        var last: Int64 = -1
        for index in 0..<table.count {
            let number = Int64(try numbers.number(at: index))
            guard number > last, number <= samples else { continue }
            last = number
            kept.append(original: table.start + index * 4..<table.start + index * 4 + 4)
            count += 1
        }
    }

    /// Runs of chunks (`stsc`): the first one, samples of each, and their description.
    init(
        chunks table: SampleTable.Entries, _ uses: ChunkUse, _ source: SourceBytes
    ) throws(CleaningError) {
        for index in uses.runs {
            kept.append(original: table.start + index * 12..<table.start + index * 12 + 12)
            count += 1
        }
    }
}

/// Which chunks of a track have samples, and which runs of `stsc` say so.
struct ChunkUse {
    private(set) var runs: [Int64] = []
    private(set) var chunks: Int64 = 0
    private static let runLimit = 1 << 20

    init() {}

    init(
        _ table: SampleTable.Entries, chunkCount: Int64, samples: Int64, _ source: SourceBytes
    ) throws(CleaningError) {
        var numbers = NumberTable(source, at: table.start, width: 4, count: table.count * 3)
        var left = samples
        for index in 0..<table.count where left > 0 {
            let first = Int64(try numbers.number(at: index * 3))
            let samplesOfEach = Int64(try numbers.number(at: index * 3 + 1))
            // A chunk that is named twice is what the last run says; behind one that is out of order, none is reached.
            let following = index + 1 < table.count ? Int64(try numbers.number(at: (index + 1) * 3)) : .max
            if following == first { continue }
            let end = following > first ? min(following - 1, chunkCount) : chunkCount
            let chunksOfRun = max(0, end - (first - 1))
            runs.append(index)
            guard runs.count <= Self.runLimit else { throw .excessive("more than \(Self.runLimit) runs of chunks") }
            let (all, overflow) = chunksOfRun.multipliedReportingOverflow(by: samplesOfEach)
            if samplesOfEach > 0, overflow || all >= left {
                chunks = first - 1 + (left + samplesOfEach - 1) / samplesOfEach
                return
            }
            left -= all
            chunks = max(chunks, end)
            if following < first { return }
        }
    }
}
