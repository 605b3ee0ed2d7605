/// A part of the cleaned `moov`, written when all sizes and offsets are known.
enum MovieNode {
    case container(BoxType, [MovieNode])
    /// A whole box.
    case bytes([UInt8])
    /// A box of new first bytes, header included, and the entries of a table.
    case table([UInt8], CleanCopy)
    /// The `stco` or `co64` of a track.
    case chunkOffsets(ChunkTable)

    /// Bytes of the box, where chunk offsets have `offsetBytes` each.
    func size(offsetBytes: Int64) -> Int64 {
        switch self {
        case .container(_, let children): children.reduce(8) { $0 + $1.size(offsetBytes: offsetBytes) }
        case .bytes(let bytes): Int64(bytes.count)
        case .table(let header, let entries): Int64(header.count) + entries.size
        case .chunkOffsets(let chunks): 16 + offsetBytes * chunks.count
        }
    }
}

extension MovieNode {
    /// The same with so many zeros behind the name of the first handler, which is empty and ends with one.
    func padded(by count: Int) -> MovieNode {
        switch self {
        case .container(let type, var children):
            for index in children.indices {
                let padded = children[index].padded(by: count)
                if padded.size(offsetBytes: 4) > children[index].size(offsetBytes: 4) {
                    children[index] = padded
                    return .container(type, children)
                }
            }
            return self
        case .bytes(let bytes) where bytes[4..<8].elementsEqual(BoxType("hdlr").bytes):
            return .bytes(.box("hdlr", bytes[8...] + [UInt8](repeating: 0, count: count)))
        default: return self
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

/// Where bytes of the original lie in the copy.
struct Relocation {
    /// A place that is there: for chunks without a sample, which may point anywhere.
    let anyPlace: Int64
    /// For ranges that lie one behind the other.
    private var finder: RangeFinder?
    /// For ranges that lie apart, in the file's order, and where each begins.
    private let boxes: [(payload: Range<Int64>, start: Int64)]

    /// Ranges lie one behind the other, from `start` on.
    init(gathered ranges: SortedRanges, at start: Int64) {
        anyPlace = start
        finder = RangeFinder(ranges)
        boxes = []
    }

    /// Payloads of boxes, in the file's order, begin at these places.
    init(boxes: [(payload: Range<Int64>, start: Int64)]) {
        anyPlace = boxes.first?.start ?? 0
        self.boxes = boxes
    }

    /// The offset in the copy; nil for what is not copied.
    mutating func offset(_ original: Int64) -> Int64? {
        if finder != nil { return finder?.position(of: original).map { anyPlace + $0 } }
        var low = 0
        var high = boxes.count
        while low < high {
            let middle = (low + high) / 2
            if boxes[middle].payload.upperBound <= original { low = middle + 1 } else { high = middle }
        }
        guard low < boxes.count, boxes[low].payload.contains(original) else { return nil }
        return boxes[low].start + (original - boxes[low].payload.lowerBound)
    }
}

/// Writes nodes to a copy.
struct MovieWriter {
    let source: SourceBytes
    let relocation: Relocation
    /// 4 or 8.
    let offsetBytes: Int64

    func write(_ node: MovieNode, to copy: inout CleanCopy) throws(CleaningError) {
        switch node {
        case .container(let type, let children):
            copy.append(BigEndian.bytes(UInt32(node.size(offsetBytes: offsetBytes))) + type.bytes)
            for child in children { try write(child, to: &copy) }
        case .bytes(let bytes): copy.append(bytes)
        case .table(let header, let entries):
            copy.append(header)
            copy.append(partsOf: entries)
        case .chunkOffsets(let chunks):
            copy.append(BigEndian.bytes(UInt32(node.size(offsetBytes: offsetBytes))))
            try write(chunks, to: &copy)
        }
    }

    private func write(_ chunks: ChunkTable, to copy: inout CleanCopy) throws(CleaningError) {
        copy.append(
            (offsetBytes == 8 ? BoxType("co64") : "stco").bytes + [0, 0, 0, 0] + BigEndian.bytes(UInt32(chunks.count)))
        var relocation = relocation
        var offsets = chunks.offsets(source)
        var bytes: [UInt8] = []
        for index in 0..<chunks.count {
            let original = Int64(clamping: try offsets.number(at: index))
            let offset = relocation.offset(original) ?? relocation.anyPlace
            for shift in (0..<offsetBytes).reversed() { bytes.append(UInt8(truncatingIfNeeded: offset >> (8 * shift))) }
            if bytes.count >= 32 << 10 {
                copy.append(bytes)
                bytes.removeAll(keepingCapacity: true)
            }
        }
        copy.append(bytes)
    }
}
