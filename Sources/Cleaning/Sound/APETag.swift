/// An APE tag, version 1 or 2: where it is and what its items tell.
///
/// | bytes | header and footer, numbers with the lowest byte first |
/// |-------|--------|
/// | 8     | `APETAGEX` |
/// | 4     | version: 1000 or 2000 |
/// | 4     | bytes of items and footer |
/// | 4     | items |
/// | 4     | flags: bit 31 there is a header, bit 29 this is it |
/// | 8     | zeros |
struct APETag {
    private static let edgeBytes: Int64 = 32
    private static let itemLimit = 4096

    let range: Range<Int64>
    let words: Set<RemovedMetadata>

    /// The tag whose header is at `offset`; nil if there is none.
    init?(in source: SourceBytes, at offset: Int64) throws(CleaningError) {
        guard let edge = try Edge(in: source, at: offset), edge.isHeader else { return nil }
        let end = offset + Self.edgeBytes + edge.bytes
        guard end <= source.count else { throw .truncated }
        range = offset..<end
        words = try Self.words(in: source, offset + Self.edgeBytes..<end - Self.edgeBytes, edge.items)
    }

    /// The tag whose footer ends at `end`; nil if there is none.
    init?(in source: SourceBytes, endingAt end: Int64, from start: Int64) throws(CleaningError) {
        guard end - Self.edgeBytes >= start, let edge = try Edge(in: source, at: end - Self.edgeBytes), !edge.isHeader
        else { return nil }
        let items = end - edge.bytes
        let first = items - (edge.hasHeader ? Self.edgeBytes : 0)
        guard first >= start else { throw .corrupt("its APE tag begins before it does") }
        range = first..<end
        words = try Self.words(in: source, items..<end - Self.edgeBytes, edge.items)
    }

    private struct Edge {
        let bytes: Int64
        let items: Int
        let hasHeader: Bool
        let isHeader: Bool

        init?(in source: SourceBytes, at offset: Int64) throws(CleaningError) {
            guard offset >= 0, offset <= source.count - edgeBytes,
                try source.bytes(8, at: offset).elementsEqual("APETAGEX".utf8)
            else { return nil }
            bytes = Int64(try source.littleEndian(4, at: offset + 12))
            items = Int(try source.littleEndian(4, at: offset + 16))
            let flags = try source.littleEndian(4, at: offset + 20)
            hasHeader = flags & 1 << 31 != 0
            isHeader = flags & 1 << 29 != 0
            guard bytes >= edgeBytes else { throw .corrupt("its APE tag is shorter than its end") }
            if bytes > ID3Tag.limitBytes { throw .excessive("an APE tag of more than 16 MiB") }
        }
    }

    /// Each item: bytes of its value, flags, its name with a zero behind it, its value.
    private static func words(in source: SourceBytes, _ range: Range<Int64>, _ count: Int) throws(CleaningError)
        -> Set<RemovedMetadata>
    {
        var words: Set<RemovedMetadata> = []
        var offset = range.lowerBound
        for _ in 0..<min(count, itemLimit) where offset < range.upperBound - 8 {
            let size = Int64(try source.littleEndian(4, at: offset))
            let name = try source.bytes(Int(min(256, range.upperBound - offset - 8)), at: offset + 8).prefix { $0 != 0 }
            words.insert(removedMetadata(forTag: String(decoding: name, as: UTF8.self)))
            offset += 9 + Int64(name.count) + size
        }
        return words
    }
}
