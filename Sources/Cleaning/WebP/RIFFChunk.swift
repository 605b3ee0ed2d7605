/// One chunk of a RIFF file: a name, the length of the contents with the lowest byte first, the contents, and a byte of
/// padding where the length is odd.
struct RIFFChunk {
    let name: ChunkName
    /// The contents, without padding.
    let contents: Range<Int64>
    /// Where the next chunk starts; at the end of a file the padding may be missing.
    let next: Int64

    /// Reads the chunk at `offset`, which ends before `end`.
    init(at offset: Int64, before end: Int64, of source: SourceBytes) throws(CleaningError) {
        guard end - offset >= 8 else { throw .truncated }
        name = ChunkName(UInt32(try source.bigEndian(4, at: offset)))
        let length = Int64(try source.littleEndian(4, at: offset + 4))
        guard length <= end - offset - 8 else { throw .truncated }
        contents = offset + 8..<offset + 8 + length
        next = min(end, contents.upperBound + length % 2)
    }

    var length: Int { contents.count }

    /// The bytes that start a chunk.
    static func header(_ name: ChunkName, length: Int64) -> [UInt8] {
        name.bytes + UInt32(truncatingIfNeeded: length).bigEndianBytes.reversed()
    }
}

extension CleanCopy {
    /// Appends a chunk with these contents, and its padding.
    mutating func append(_ name: ChunkName, _ contents: [UInt8]) {
        append(RIFFChunk.header(name, length: Int64(contents.count)) + contents + (contents.count % 2 == 0 ? [] : [0]))
    }

    /// Appends a chunk with the same contents, and its padding.
    mutating func append(_ chunk: RIFFChunk) {
        append(original: chunk.contents.lowerBound - 8..<chunk.contents.upperBound)
        if chunk.length % 2 == 1 { append([0]) }
    }
}
