/// A part of the cleaned `moov`, written when all sizes and offsets are known.
enum MovieNode {
    case container(BoxType, [MovieNode])
    /// A whole box.
    case bytes([UInt8])
    /// A box of new first bytes, header included, and the entries of a table as they are.
    case table([UInt8], Range<Int64>)
    /// The `stco` or `co64` of a track.
    case chunkOffsets(ChunkTable)

    /// Bytes of the box, where chunk offsets have `offsetBytes` each.
    func size(offsetBytes: Int64) -> Int64 {
        switch self {
        case .container(_, let children): children.reduce(8) { $0 + $1.size(offsetBytes: offsetBytes) }
        case .bytes(let bytes): Int64(bytes.count)
        case .table(let header, let range): Int64(header.count) + range.upperBound - range.lowerBound
        case .chunkOffsets(let chunks): 16 + offsetBytes * chunks.count
        }
    }
}

/// Where each chunk of a track lies in the original (ISO/IEC 14496-12, 8.7.5).
struct ChunkTable {
    let start: Int64
    /// 4 for `stco`, 8 for `co64`.
    let width: Int
    let count: Int64

    func offsets(_ source: SourceBytes) -> NumberTable { NumberTable(source, at: start, width: width, count: count) }
}

/// Where parts of the original lie in the copy.
struct Relocation {
    /// Sorted and apart from each other.
    private(set) var ranges: [Range<Int64>] = []
    private var starts: [Int64] = []

    /// Appends a range that lies behind the last one.
    mutating func append(_ range: Range<Int64>, at start: Int64) {
        ranges.append(range)
        starts.append(start)
    }

    /// The offset in the copy; nil for what is not copied.
    func offset(_ original: Int64) -> Int64? {
        guard let index = ranges.indexOfRange(at: original), original <= ranges[index].upperBound else { return nil }
        return starts[index] + (original - ranges[index].lowerBound)
    }
}

/// Writes nodes to a copy.
struct MovieWriter {
    let source: SourceBytes
    let relocation: Relocation
    /// 4 or 8.
    let offsetBytes: Int64

    func write(_ node: MovieNode, to copy: inout GatheredCopy) throws(CleaningError) {
        switch node {
        case .container(let type, let children):
            copy.append(BigEndian.bytes(UInt32(node.size(offsetBytes: offsetBytes))) + type.bytes)
            for child in children { try write(child, to: &copy) }
        case .bytes(let bytes): copy.append(bytes)
        case .table(let header, let range):
            copy.append(header)
            copy.append(original: range)
        case .chunkOffsets(let chunks):
            copy.append(BigEndian.bytes(UInt32(node.size(offsetBytes: offsetBytes))))
            try write(chunks, to: &copy)
        }
    }

    private func write(_ chunks: ChunkTable, to copy: inout GatheredCopy) throws(CleaningError) {
        copy.append(
            (offsetBytes == 8 ? BoxType("co64") : "stco").bytes + [0, 0, 0, 0] + BigEndian.bytes(UInt32(chunks.count)))
        var offsets = chunks.offsets(source)
        // A chunk without a sample may point anywhere: it gets the first place there is.
        let nowhere = relocation.offset(relocation.ranges.first?.lowerBound ?? 0) ?? 0
        for index in 0..<chunks.count {
            let original = Int64(clamping: try offsets.number(at: index))
            let offset = relocation.offset(original) ?? nowhere
            for shift in (0..<offsetBytes).reversed() { copy.append(UInt8(truncatingIfNeeded: offset >> (8 * shift))) }
        }
    }
}
