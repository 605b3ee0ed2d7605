/// Finds the first samples of a track, few numbers at a time (ISO/IEC 14496-12, 8.6 and 8.7).
struct FirstSamples {
    private let tables: [Box]
    private let reader: BoxReader
    /// How many samples are looked at: 240 a second, for longer than posters want.
    private static let sampleLimit = 4096

    init(_ tables: [Box], _ reader: BoxReader) {
        self.tables = tables
        self.reader = reader
    }

    /// A table with a count behind its version and flags.
    private struct CountedTable {
        let source: SourceBytes
        let start: Int64
        let count: Int

        /// The number of `bytes` bytes at `place` of an entry of `width` bytes.
        func number(_ index: Int, _ place: Int = 0, width: Int, bytes: Int = 4) throws(CleaningError) -> Int {
            Int(clamping: try source.bigEndian(bytes, at: start + Int64(index * width + place)))
        }
    }

    private func table(_ type: BoxType, width: Int) throws(CleaningError) -> CountedTable? {
        guard let box = try tables.one(type) else { return nil }
        let body = try reader.full(box).body
        guard body.upperBound - body.lowerBound >= 4 else { throw .truncated }
        let count = Int(try reader.source.bigEndian(4, at: body.lowerBound))
        guard Int64(count) <= (body.upperBound - body.lowerBound - 4) / Int64(width) else { throw .truncated }
        return CountedTable(source: reader.source, start: body.lowerBound + 4, count: count)
    }

    /// Where the sync samples lie that begin before `time`, in the track's time scale; the first among them, then those
    /// that are apart from each other.
    func syncSamples(until time: UInt64, limit: Int) throws(CleaningError) -> [Range<Int64>] {
        let times = try startTimes(until: time)
        var numbers: [Int] = []
        if let table = try table("stss", width: 4) {
            for index in 0..<min(table.count, Self.sampleLimit) {
                let number = try table.number(index, width: 4) - 1
                guard number >= 0, number < times.count else { break }
                numbers.append(number)
            }
        } else {
            numbers = Array(times.indices)
        }
        var chosen: [Int] = []
        let apart = time / UInt64(max(1, limit))
        for number in numbers where chosen.count < limit {
            guard let last = chosen.last else {
                chosen.append(number)
                continue
            }
            if number > last, times[number] - times[last] >= apart { chosen.append(number) }
        }
        return try places(chosen)
    }

    /// When each sample begins that begins before `end`; that of the first is 0.
    private func startTimes(until end: UInt64) throws(CleaningError) -> [UInt64] {
        guard let table = try table("stts", width: 8) else { return [] }
        var times: [UInt64] = []
        var time: UInt64 = 0
        for index in 0..<min(table.count, Self.sampleLimit) {
            let count = try table.number(index, width: 8)
            let duration = UInt64(try table.number(index, 4, width: 8))
            for _ in 0..<min(count, Self.sampleLimit) {
                guard time <= end, times.count < Self.sampleLimit else { return times }
                times.append(time)
                // 4,096 times 2³² at most.
                time += duration
            }
        }
        return times
    }

    /// The bytes of samples, given by number from 0 on and in order.
    private func places(_ wanted: [Int]) throws(CleaningError) -> [Range<Int64>] {
        guard let last = wanted.last, let runs = try table("stsc", width: 12) else { return [] }
        let wide = try table("co64", width: 8)
        let narrow = wide == nil ? try table("stco", width: 4) : nil
        guard let chunks = wide ?? narrow, runs.count > 0 else { return [] }
        var places: [Range<Int64>] = []
        var sample = 0
        var run = 0
        for chunk in 0..<chunks.count where sample <= last {
            while run + 1 < runs.count, try runs.number(run + 1, width: 12) - 1 <= chunk { run += 1 }
            let offset =
                wide == nil ? try chunks.number(chunk, width: 4) : try chunks.number(chunk, width: 8, bytes: 8)
            var position = Int64(offset)
            for _ in 0..<min(try runs.number(run, 4, width: 12), Self.sampleLimit) where sample <= last {
                let size = try size(of: sample)
                let end = position.addingReportingOverflow(size)
                guard !end.overflow, end.partialValue <= reader.source.count else { return places }
                if wanted.contains(sample) { places.append(position..<end.partialValue) }
                position = end.partialValue
                sample += 1
            }
        }
        return places
    }

    /// 8.7.3: one size for all, or one for each.
    private func size(of sample: Int) throws(CleaningError) -> Int64 {
        guard let box = try tables.one("stsz") else { throw .unsupported("small sizes") }
        let body = try reader.full(box).body
        guard body.upperBound - body.lowerBound >= 8 else { throw .truncated }
        let one = Int64(try reader.source.bigEndian(4, at: body.lowerBound))
        if one > 0 { return one }
        let place = body.lowerBound + 8 + 4 * Int64(sample)
        guard place + 4 <= body.upperBound else { throw .truncated }
        return Int64(try reader.source.bigEndian(4, at: place))
    }
}
