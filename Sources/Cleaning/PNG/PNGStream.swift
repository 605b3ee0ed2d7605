/// The coded data of a picture or a frame: one zlib stream in the contents of several chunks (PNG, 10.1). Decoders stop at
/// its end, and nobody sees what lies behind.
struct PNGStream {
    /// What comes before the data in each chunk: length and name, and in fdAT a number.
    private let headBytes: Int64
    /// Bytes of the picture, filtered.
    private let pictureBytes: Int
    private var contents = SortedRanges()

    /// The data of a picture of this size.
    init(_ header: PNGHeader, width: Int, height: Int, isNumbered: Bool) {
        headBytes = isNumbered ? 12 : 8
        pictureBytes = header.filteredBytes(width: width, height: height)
    }

    /// Appends the data of a chunk.
    mutating func append(_ chunk: PNGChunk) {
        let start = chunk.range.lowerBound + headBytes
        if start < chunk.contents.upperBound { contents.append(start..<chunk.contents.upperBound) }
    }

    /// A chunk whose data is longer than the stream, or lies behind it.
    struct Excess {
        /// Of its contents, what stays; without a number before it, an empty one is no chunk worth keeping.
        let kept: Range<Int64>
        var start: Int64 { kept.lowerBound - 8 }
    }

    /// The chunks with data that no decoder looks at. A stream that makes no sense, or has more than a picture, is an
    /// error; one that is cut short has nothing behind it.
    func excess(_ source: SourceBytes) throws(CleaningError) -> [Excess] {
        var ranges = contents.makeIterator()
        var rest: Range<Int64> = 0..<0
        var reader = DeflateReader(InflatedCount(limit: pictureBytes)) { () throws(CleaningError) in
            if rest.isEmpty {
                guard let next = ranges.next() else { return [] }
                rest = next
            }
            let bytes = try source.bytes(min(rest.count, 32 << 10), at: rest.lowerBound)
            rest = rest.lowerBound + Int64(bytes.count)..<rest.upperBound
            return bytes
        }
        switch try reader.read() {
        case .whole: break
        case .cut: return []
        case .damaged: throw .corrupt("the data of its picture is damaged")
        }
        var left = reader.consumed
        if left == contents.bytes { return [] }
        var excess: [Excess] = []
        for range in contents {
            let used = min(left, Int64(range.count))
            left -= used
            if used < range.count {
                excess.append(Excess(kept: range.lowerBound - headBytes + 8..<range.lowerBound + used))
            }
        }
        return excess
    }
}

/// How much was in a stream.
private struct InflatedCount: DeflateSink {
    let limit: Int
    private var count = 0

    init(limit: Int) { self.limit = limit }

    mutating func take(_ literals: ArraySlice<UInt8>) -> Bool {
        count += literals.count
        return count <= limit
    }

    mutating func take(_ literal: UInt8) -> Bool {
        count += 1
        return count <= limit
    }

    mutating func repeats(_ length: Int, from distance: Int) -> Bool {
        guard distance <= count else { return false }
        count += length
        return count <= limit
    }
}
