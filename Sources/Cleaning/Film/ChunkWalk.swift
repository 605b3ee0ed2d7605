/// Goes over the chunks of a track: where each lies and how many bytes its samples have (ISO/IEC 14496-12, 8.7).
/// Tables are read in pieces; a chunk at a time is in memory.
struct ChunkWalk {
    private let table: SampleTable
    private var offsets: NumberTable
    private var runs: NumberTable
    private var sizes: NumberTable
    private var chunk: Int64 = 0
    private var run: Int64 = -1
    private var samplesInChunk: Int64 = 0
    private var description = 0
    private(set) var sample: Int64 = 0
    /// The samples of the chunk that was given last.
    private(set) var samplesOfLast: Range<Int64> = 0..<0

    init(_ table: SampleTable, _ source: SourceBytes) {
        self.table = table
        offsets = table.chunks.offsets(source)
        runs = NumberTable(source, at: table.runs.start, width: 4, count: table.runs.count * 3)
        let bits = table.sizes.bits
        let count = bits == 4 ? (table.sampleCount + 1) / 2 : table.sampleCount
        sizes = NumberTable(
            source, at: table.sizes.start, width: max(1, bits / 8), count: table.sizes.constant > 0 ? 0 : count)
    }

    /// The bytes of the next chunk's samples; nil behind the last. Throws where samples are left over, or do not lie
    /// where a file could have them.
    mutating func next() throws(CleaningError) -> Range<Int64>? {
        guard chunk < table.chunks.count else {
            guard sample >= table.sampleCount else { throw .corrupt("samples lie in no chunk") }
            return nil
        }
        while run + 1 < table.runs.count, Int64(try runs.number(at: (run + 1) * 3)) == chunk + 1 {
            run += 1
            samplesInChunk = Int64(try runs.number(at: run * 3 + 1))
            description = Int(try runs.number(at: run * 3 + 2))
        }
        guard run >= 0 else { throw .corrupt("the first chunk has no description") }
        let samples = min(samplesInChunk, table.sampleCount - sample)
        guard samples == 0 || (1...table.packets.count).contains(description) else {
            throw .corrupt("samples have no description")
        }
        let bytes = try bytesOfSamples(samples)
        let offset = try offsets.number(at: chunk)
        chunk += 1
        samplesOfLast = sample..<sample + samples
        sample += samples
        guard bytes > 0 else { return 0..<0 }
        guard offset <= UInt64(Int64.max), bytes <= Int64.max - Int64(offset) else { throw .truncated }
        return Int64(offset)..<Int64(offset) + bytes
    }

    private mutating func bytesOfSamples(_ count: Int64) throws(CleaningError) -> Int64 {
        if table.sizes.constant == 1, count > 0, let packets = table.packets[description - 1] {
            return packets.bytes(of: count)
        }
        if table.sizes.constant > 0 {
            let bytes = count.multipliedReportingOverflow(by: table.sizes.constant)
            guard !bytes.overflow else { throw .truncated }
            return bytes.partialValue
        }
        // At most 20 million samples of at most 4 GiB: 2⁵⁷.
        var bytes: Int64 = 0
        for index in sample..<sample + count { bytes += try size(of: index) }
        return bytes
    }

    /// How units lie in the samples of the chunk that was given last; nil where they are not made of units.
    var unitForm: UnitForm? {
        table.unitForms.indices.contains(description - 1) ? table.unitForms[description - 1] : nil
    }

    /// Bytes of one sample.
    mutating func size(of index: Int64) throws(CleaningError) -> Int64 {
        if table.sizes.constant > 0 { return table.sizes.constant }
        if table.sizes.bits != 4 { return Int64(try sizes.number(at: index)) }
        let pair = Int64(try sizes.number(at: index / 2))
        return index % 2 == 0 ? pair >> 4 : pair & 0xF
    }
}
