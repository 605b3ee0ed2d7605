/// The header and the table of tags of an ICC profile (ICC.1:2022, 7.2 and 7.3), checked; tags are read by others.
///
///     0    4  size
///     8    4  version: major, minor and fix
///     12   4  class           16  4  colour space       20  4  connection space
///     24  12  time of creation (not used)
///     36   4  `acsp`
///     48   8  device maker and model (not used)
///     64   4  rendering intent
///     128  4  number of tags, then for each: name, offset, size; 4 bytes each
struct ProfileReader {
    struct Tag {
        let name: ChunkName
        let range: Range<Int>
    }

    let bytes: ArraySlice<UInt8>
    let tags: [Tag]

    /// An honest profile has about 20.
    private static let tagLimit = 100

    /// Nil if it is damaged or of a version not known: 2 and 4 are.
    init?(_ profile: ArraySlice<UInt8>) {
        guard let size = profile.bigEndian32(at: 0), size >= 132, size <= profile.count else { return nil }
        bytes = profile.prefix(size)
        guard bytes.name(at: 36) == "acsp", let count = bytes.bigEndian32(at: 128), count <= Self.tagLimit,
            132 + 12 * count <= size
        else { return nil }
        var tags: [Tag] = []
        for entry in stride(from: 132, to: 132 + 12 * count, by: 12) {
            guard let name = bytes.name(at: entry), let offset = bytes.bigEndian32(at: entry + 4),
                let length = bytes.bigEndian32(at: entry + 8), offset >= 132 + 12 * count, offset <= size,
                length <= size - offset, !tags.contains(where: { $0.name == name })
            else { return nil }
            tags.append(Tag(name: name, range: offset..<offset + length))
        }
        self.tags = tags
        guard majorVersion == 2 || majorVersion == 4 else { return nil }
    }

    var majorVersion: UInt8 { bytes[bytes.startIndex + 8] }
    var deviceClass: ChunkName? { bytes.name(at: 12) }
    var colourSpace: ChunkName? { bytes.name(at: 16) }
    var connectionSpace: ChunkName? { bytes.name(at: 20) }
    var deviceMaker: ChunkName? { bytes.name(at: 48) }
    var deviceModel: ChunkName? { bytes.name(at: 52) }

    /// Perceptual, relative, saturation or absolute: 0…3.
    var renderingIntent: UInt8? { bytes.bigEndian32(at: 64).flatMap { $0 < 4 ? UInt8($0) : nil } }

    /// The contents of a tag; nil if it is missing, or another tag that is not one and the same starts within it: its
    /// text would pass for numbers. Texts may reach into tags behind them, as those of compact profiles do.
    func contents(of name: ChunkName) -> ArraySlice<UInt8>? {
        guard let tag = tags.first(where: { $0.name == name }),
            tags.allSatisfy({ $0.range == tag.range || !tag.range.contains($0.range.lowerBound) })
        else { return nil }
        return bytes.dropFirst(tag.range.lowerBound).prefix(tag.range.count)
    }

    func has(_ name: ChunkName) -> Bool { tags.contains { $0.name == name } }
}

extension ArraySlice<UInt8> {
    /// Two bytes at a place counted from the start; nil where there are none.
    func bigEndian16(at offset: Int) -> Int? {
        guard offset >= 0, offset <= count - 2 else { return nil }
        return Int(self[startIndex + offset]) << 8 | Int(self[startIndex + offset + 1])
    }

    /// Four bytes at a place counted from the start; nil where there are none.
    func bigEndian32(at offset: Int) -> Int? {
        guard let high = bigEndian16(at: offset), let low = bigEndian16(at: offset + 2) else { return nil }
        return high << 16 | low
    }

    func name(at offset: Int) -> ChunkName? { bigEndian32(at: offset).map { ChunkName(UInt32($0)) } }

    /// `length` bytes at a place counted from the start; nil where there are fewer.
    func piece(_ length: Int, at offset: Int) -> ArraySlice<UInt8>? {
        guard offset >= 0, length >= 0, offset <= count, length <= count - offset else { return nil }
        return self[startIndex + offset..<startIndex + offset + length]
    }
}
