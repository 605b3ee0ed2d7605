/// An ID3v2 tag (id3.org, ID3v2.2 to ID3v2.4, section 3.1): where it is, and what kinds of things its frames tell.
///
/// | bytes | content |
/// |-------|---------|
/// | 3     | `ID3` |
/// | 2     | version: 2…4, revision |
/// | 1     | flags: 0x10 a footer follows (2.4) |
/// | 4     | bytes between header and footer, 7 bits in each |
struct ID3Tag {
    /// The largest tag that is read over.
    static let limitBytes: Int64 = 16 << 20
    /// The most frames that are looked at for words.
    private static let frameLimit = 10_000

    let range: Range<Int64>
    private let version: UInt8
    private let flags: UInt8
    private var hasFooter: Bool { version == 4 && flags & 0x10 != 0 }

    private init?(header: ArraySlice<UInt8>, at offset: Int64, mark: String = "ID3") {
        let bytes = Array(header)
        guard bytes.count == 10, bytes.starts(with: mark.utf8), (2...4).contains(bytes[3]),
            bytes[6...].allSatisfy({ $0 < 0x80 })
        else { return nil }
        version = bytes[3]
        flags = bytes[5]
        let content = bytes[6...].reduce(Int64(0)) { $0 << 7 | Int64($1) }
        range = offset..<offset + 10 + content + (version == 4 && flags & 0x10 != 0 ? 10 : 0)
    }

    /// The tag that begins at `offset` of the first bytes of a file; it may end behind them.
    init?(_ start: FirstBytes, at offset: Int) {
        guard let header = start.slice(10, at: offset) else { return nil }
        self.init(header: header, at: Int64(offset))
    }

    /// The tag that begins at `offset` of `source`; nil if there is none.
    init?(in source: SourceBytes, at offset: Int64) throws(CleaningError) {
        guard offset >= 0, offset <= source.count - 10 else { return nil }
        self.init(header: try source.bytes(10, at: offset), at: offset)
        if range.count > Self.limitBytes { throw .excessive("an ID3 tag of more than 16 MiB") }
        if range.upperBound > source.count { throw .truncated }
    }

    /// The tag whose footer ends at `end` (ID3v2.4, section 3.4); nil if there is none.
    init?(in source: SourceBytes, endingAt end: Int64, from start: Int64) throws(CleaningError) {
        guard end - 10 >= start else { return nil }
        guard let footer = Self(header: try source.bytes(10, at: end - 10), at: end, mark: "3DI") else { return nil }
        guard footer.flags & 0x10 != 0, footer.range.count <= end - start,
            let tag = try Self(in: source, at: end - Int64(footer.range.count)), tag.range.upperBound == end
        else { throw .corrupt("the ID3 tag at its end has no beginning") }
        self = tag
    }

    /// Whether a tag begins at `offset`, whatever is wrong with it.
    static func begins(in source: SourceBytes, at offset: Int64) throws(CleaningError) -> Bool {
        guard offset <= source.count - 10 else { return false }
        return Self(header: try source.bytes(10, at: offset), at: offset) != nil
    }

    /// What its frames tell. A tag whose frames cannot be read tells `text`.
    func words(in source: SourceBytes) throws(CleaningError) -> Set<RemovedMetadata> {
        let isShort = version == 2
        let headerBytes = isShort ? 6 : 10
        // Extended headers and unsynchronisation (flags 0x40, 0x80) change where frames begin.
        guard flags & 0xC0 == 0 else { return [.text] }
        var words: Set<RemovedMetadata> = []
        var offset = range.lowerBound + 10
        let end = range.upperBound - (hasFooter ? 10 : 0)
        for _ in 0..<Self.frameLimit where offset <= end - Int64(headerBytes) {
            let header = Array(try source.bytes(headerBytes, at: offset))
            let name = String(decoding: header.prefix(isShort ? 3 : 4), as: UTF8.self)
            guard header[0] != 0 else { break }
            let bits: Int64 = version == 4 ? 7 : 8
            let size = header[(isShort ? 3 : 4)..<(isShort ? 6 : 8)].reduce(Int64(0)) { $0 << bits | Int64($1) }
            words.insert(Self.word(forFrame: name))
            guard size <= end - offset else { break }
            offset += Int64(headerBytes) + size
        }
        return words
    }

    private static func word(forFrame name: String) -> RemovedMetadata {
        switch name {
        case "APIC", "PIC": .cover
        case "TENC", "TSSE", "TEN", "TSS": .encoder
        case "TDEN", "TDOR", "TDRC", "TDRL", "TDTG", "TYER", "TDAT", "TIME", "TORY", "TRDA", "TYE", "TDA", "TIM", "TOR",
            "TRD":
            .time
        case "GEOB", "PRIV", "UFID", "MCDI", "GEO", "UFI", "MCI": .other
        default: .text
        }
    }
}
