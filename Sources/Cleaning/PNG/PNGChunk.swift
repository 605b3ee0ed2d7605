/// One chunk of a PNG file (PNG, 5.3): length, name, contents, check.
struct PNGChunk {
    let name: ChunkName
    /// From its length to its check, in the file.
    let range: Range<Int64>

    var contents: Range<Int64> { range.lowerBound + 8..<range.upperBound - 4 }
    var length: Int { Int(range.upperBound - range.lowerBound) - 12 }

    /// Who does not know the chunk cannot show the picture (PNG, 5.4: the first letter is a capital).
    var isCritical: Bool { name.code & 0x2000_0000 == 0 }

    /// Reads the chunk at `offset`; its check is not looked at.
    init(at offset: Int64, of source: SourceBytes) throws(CleaningError) {
        let length = try source.bigEndian(4, at: offset)
        name = ChunkName(UInt32(try source.bigEndian(4, at: offset + 4)))
        guard name.bytes.allSatisfy({ (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }) else {
            throw .corrupt("something that is no chunk stands at \(offset)")
        }
        guard length <= 0x7FFF_FFFF, Int64(length) <= source.count - offset - 12 else { throw .truncated }
        range = offset..<offset + 12 + Int64(length)
    }

    func check(_ source: SourceBytes) throws(CleaningError) {
        guard
            try Self.check(of: name, contents, source)
                == UInt32(try source.bigEndian(4, at: contents.upperBound))
        else { throw .corrupt("the check of a chunk \(name) is wrong") }
    }

    /// The check of a chunk with contents that lie in the file.
    static func check(
        of name: ChunkName, _ contents: Range<Int64>, _ source: SourceBytes
    ) throws(CleaningError) -> UInt32 {
        var sum = CyclicCheck(.png, from: ~0)
        sum.add(name.bytes[...])
        var offset = contents.lowerBound
        while offset < contents.upperBound {
            let piece = try source.bytes(Int(min(32 << 10, contents.upperBound - offset)), at: offset)
            sum.add(piece)
            offset += Int64(piece.count)
        }
        return ~sum.state
    }

    /// The bytes of a new chunk.
    static func made(_ name: ChunkName, _ contents: [UInt8]) -> [UInt8] {
        var sum = CyclicCheck(.png, from: ~0)
        sum.add((name.bytes + contents)[...])
        return UInt32(contents.count).bigEndianBytes + name.bytes + contents + (~sum.state).bigEndianBytes
    }
}
