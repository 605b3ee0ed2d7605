/// The sample table of a track, checked, and never in memory (ISO/IEC 14496-12, 8.6, 8.7 and 8.9).
///
/// | box | what stays |
/// |---|---|
/// | `stsd` | cleaned entries |
/// | `stts` `ctts` `stss` `stps` `stsc` | the entries that samples need (`TableEntries`) |
/// | `stsz` `stz2` `sdtp` `cslg` | their entries; nothing behind them |
/// | `stco` `co64` | where the chunks lie in the copy, of those that have samples |
/// | `sgpd` `sbgp` | groups that a decoder needs (roll, prol, rap, sync, tele, stsa) |
struct SampleTable {
    /// Bytes that all tables of a film may have together.
    static let limitBytes: Int64 = 64 << 20
    /// Samples of all tracks together.
    static let sampleLimit: Int64 = 20_000_000
    private static let entryLimit = 256
    static let groups: Set<BoxType> = ["roll", "prol", "rap ", "sync", "tele", "stsa"]

    private(set) var node = MovieNode.container("stbl", [])
    private(set) var sampleCount: Int64 = 0
    /// Samples that stand in a table one by one: those of one size for all, as of uncompressed sound, cost nothing.
    var listedSamples: Int64 { sizes.constant > 0 ? 0 : sampleCount }
    private(set) var chunks = ChunkTable(start: 0, width: 4, count: 0)
    private(set) var codedSize: (width: Int, height: Int)?
    private(set) var sizes = SampleSizes(constant: 0, start: 0, bits: 32)
    private(set) var runs = Entries(start: 0, count: 0)
    private var use = ChunkUse()
    private var sizesNode: MovieNode?
    private(set) var packets: [SoundPackets?] = []
    /// Of each description, how units lie in samples.
    private(set) var unitForms: [UnitForm?] = []

    /// Entries of a table behind its counts.
    struct Entries {
        let start: Int64
        let count: Int64
        /// Of composition offsets, which may be negative in 1.
        var version: UInt8 = 0
    }

    /// Where sample sizes stand (8.7.3): constant, or a table of 4, 8, 16 or 32 bits each.
    struct SampleSizes {
        let constant: Int64
        let start: Int64
        let bits: Int
    }

    init(
        _ box: Box, handler: BoxType, dataReferences: Int, reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) {
        let boxes = try reader.children(of: box)
        guard box.payloadBytes <= Self.limitBytes else { throw .excessive("tables of more than 64 MiB") }
        for type in ["stsd", "stts", "stsc"] as [BoxType] { _ = try boxes.required(type) }
        for type in ["ctts", "stss", "stps", "sdtp", "cslg"] as [BoxType] { _ = try boxes.one(type) }
        guard boxes.filter({ $0.type == "stsz" || $0.type == "stz2" }).count == 1,
            boxes.filter({ $0.type == "stco" || $0.type == "co64" }).count == 1
        else { throw .corrupt("a track has no sizes or no places of its samples, or two of them") }
        // What is counted by others is read behind them.
        for child in boxes where ["stsz", "stz2"].contains(child.type) { sizesNode = try sizes(child, reader) }
        runs = try entries(try boxes.required("stsc"), bytes: 12, reader)
        for child in boxes where ["stco", "co64"].contains(child.type) {
            let width = child.type == "stco" ? 4 : 8
            let table = try entries(child, bytes: Int64(width), reader)
            chunks = ChunkTable(start: table.start, width: width, count: table.count)
        }
        use = try ChunkUse(runs, chunkCount: chunks.count, samples: sampleCount, reader.source)
        guard runs.count > 0 || sampleCount == 0 else { throw .corrupt("a track has samples and no chunks") }
        chunks = ChunkTable(start: chunks.start, width: chunks.width, count: min(chunks.count, use.chunks))
        var nodes: [MovieNode] = []
        for child in boxes {
            if let node = try clean(child, handler, dataReferences, reader, removed: &removed) { nodes.append(node) }
        }
        node = .container("stbl", nodes)
    }

    private mutating func clean(
        _ box: Box, _ handler: BoxType, _ references: Int, _ reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> MovieNode? {
        switch box.type {
        case "stsd": return try descriptions(box, handler, references, reader, removed: &removed)
        case "stts", "ctts":
            let runs = try entries(box, bytes: 8, reader)
            let kept = try TableEntries(runs: runs, samples: sampleCount, reader.source)
            return table(box, kept, version: runs.version)
        case "stss", "stps":
            let numbers = try entries(box, bytes: 4, reader)
            return table(box, try TableEntries(numbers: numbers, samples: sampleCount, reader.source))
        case "stsc": return table(box, try TableEntries(chunks: runs, use, reader.source))
        case "stsz", "stz2": return sizesNode
        case "stco", "co64": return .chunkOffsets(chunks)
        case "sdtp": return try sampleFlags(box, reader)
        case "cslg":
            let header = try reader.full(box)
            let bytes = try reader.bytes(header.body.lowerBound..<header.body.upperBound)
            let count = header.version == 0 ? 20 : 40
            guard bytes.count >= count else { throw .corrupt("the box “cslg” is too short") }
            return .bytes(.fullBox("cslg", version: header.version, Array(bytes.prefix(count))))
        case "sgpd", "sbgp":
            return try SampleGroup.clean(box, kept: Self.groups, samples: sampleCount, reader).map { .bytes($0) }
        case "saiz", "saio", "free", "skip", "stsh", "padb", "stdp", "subs": return nil
        default:
            removed.insert(.other)
            return nil
        }
    }

    /// A table with a count and entries of `bytes` each.
    private func entries(_ box: Box, bytes: Int64, _ reader: BoxReader) throws(CleaningError) -> Entries {
        let header = try reader.full(box)
        guard header.bodyBytes >= 4 else { throw .corrupt("the box “\(box.type)” is too short") }
        let count = Int64(try reader.source.bigEndian(4, at: header.body.lowerBound))
        guard count <= (header.bodyBytes - 4) / bytes else { throw .corrupt("the box “\(box.type)” is too short") }
        let version = box.type == "ctts" ? min(header.version, 1) : 0
        return Entries(start: header.body.lowerBound + 4, count: count, version: version)
    }

    private func table(_ box: Box, _ entries: TableEntries, version: UInt8 = 0) -> MovieNode {
        let start: [UInt8] = BigEndian.bytes(UInt32(entries.kept.size + 16)) + box.type.bytes + [version, 0, 0, 0]
        return .table(start + BigEndian.bytes(UInt32(entries.count)), entries.kept)
    }

    private mutating func sizes(_ box: Box, _ reader: BoxReader) throws(CleaningError) -> MovieNode {
        let header = try reader.full(box)
        guard header.bodyBytes >= 8 else { throw .corrupt("the box “\(box.type)” is too short") }
        let word = try reader.source.bigEndian(4, at: header.body.lowerBound)
        sampleCount = Int64(try reader.source.bigEndian(4, at: header.body.lowerBound + 4))
        let start = header.body.lowerBound + 8
        let isCompact = box.type == "stz2"
        if isCompact, ![4, 8, 16].contains(word) { throw .corrupt("sizes of \(word) bits") }
        sizes = SampleSizes(constant: isCompact ? 0 : Int64(word), start: start, bits: isCompact ? Int(word) : 32)
        guard listedSamples <= Self.sampleLimit else { throw .excessive("more than 20 million samples") }
        let bytes = sizes.constant > 0 ? 0 : (sampleCount * Int64(sizes.bits) + 7) / 8
        guard header.bodyBytes - 8 >= bytes else { throw .corrupt("the box “\(box.type)” is too short") }
        let counts: [UInt8] =
            BigEndian.bytes(UInt32(bytes + 20)) + box.type.bytes + [0, 0, 0, 0]
            + BigEndian.bytes(UInt32(word)) + BigEndian.bytes(UInt32(sampleCount))
        return .table(counts, CleanCopy(original: start..<start + bytes))
    }

    /// One byte a sample (8.6.4): their count is known when the sizes were read.
    private func sampleFlags(_ box: Box, _ reader: BoxReader) throws(CleaningError) -> MovieNode {
        let body = try reader.full(box).body
        guard body.upperBound - body.lowerBound >= sampleCount else { throw .corrupt("the box “sdtp” is too short") }
        let counts: [UInt8] = BigEndian.bytes(UInt32(sampleCount + 12)) + box.type.bytes + [0, 0, 0, 0]
        return .table(counts, CleanCopy(original: body.lowerBound..<body.lowerBound + sampleCount))
    }

    private mutating func descriptions(
        _ box: Box, _ handler: BoxType, _ references: Int, _ reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> MovieNode {
        let header = try reader.full(box)
        guard header.bodyBytes >= 4 else { throw .corrupt("the box “stsd” is too short") }
        let count = Int(try reader.source.bigEndian(4, at: header.body.lowerBound))
        guard count <= Self.entryLimit else { throw .excessive("more than \(Self.entryLimit) descriptions of samples") }
        let entries = try reader.boxes(in: header.body.lowerBound + 4..<header.body.upperBound, depth: box.depth + 1)
        guard count >= 1, entries.count >= count else { throw .corrupt("the box “stsd” is too short") }
        var kept: [UInt8] = []
        for entry in entries.prefix(count) {
            let cleaned = try SampleEntry(
                entry, handler: handler, isQuickTimeSound: handler == "soun" && header.version == 0, reader: reader,
                removed: &removed)
            guard (1...references).contains(cleaned.dataReference) else {
                throw .corrupt("samples lie in a file that is not named")
            }
            kept += cleaned.bytes
            codedSize = codedSize ?? cleaned.codedSize
            packets.append(cleaned.packets)
            unitForms.append(cleaned.unitForm)
        }
        return .bytes(.fullBox("stsd", version: header.version, BigEndian.bytes(UInt32(count)) + kept))
    }
}
