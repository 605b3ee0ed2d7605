/// A page of Ogg (RFC 3533, section 6).
///
/// | bytes | content, numbers with the lowest byte first |
/// |-------|--------|
/// | 4, 1  | `OggS`, version 0 |
/// | 1     | flags: 1 goes on with a packet, 2 first of its stream, 4 last of it |
/// | 8     | granule position: samples up to the end of the last packet that ends here; -1 where none does |
/// | 4, 4  | number of the stream, number of the page in it |
/// | 4     | CRC-32 of the page, with zeros in its own place |
/// | 1, …  | segments, bytes of each: a packet ends with the first that has fewer than 255 |
/// | …     | the segments |
struct OggPage {
    static let headerBytes = 27

    struct PageFlags: OptionSet {
        let rawValue: UInt8
        static let continued = PageFlags(rawValue: 1)
        static let first = PageFlags(rawValue: 2)
        static let last = PageFlags(rawValue: 4)
    }

    let range: Range<Int64>
    let flags: PageFlags
    let granule: Int64
    let stream: UInt32
    let number: UInt32
    /// Bytes of each segment.
    let lacing: [UInt8]

    /// Reads the page at `offset`; its bytes but for header and lacing are not looked at.
    init(_ source: SourceBytes, at offset: Int64) throws(CleaningError) {
        let header = Array(try source.bytes(Self.headerBytes, at: offset))
        guard header.starts(with: "OggS\0".utf8), header[5] < 8 else {
            throw .corrupt("something in it is not a page of Ogg")
        }
        func number(_ range: Range<Int>) -> UInt64 { header[range].reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        flags = PageFlags(rawValue: header[5])
        granule = Int64(bitPattern: number(6..<14))
        stream = UInt32(truncatingIfNeeded: number(14..<18))
        self.number = UInt32(truncatingIfNeeded: number(18..<22))
        lacing = Array(try source.bytes(Int(header[26]), at: offset + Int64(Self.headerBytes)))
        let size = lacing.reduce(Int64(Self.headerBytes + lacing.count)) { $0 + Int64($1) }
        guard size <= source.count - offset else { throw .truncated }
        range = offset..<offset + size
    }

    /// The bytes of its segments; its CRC must be right.
    func content(_ source: SourceBytes) throws(CleaningError) -> ArraySlice<UInt8> {
        var bytes = Array(try source.bytes(range.count, at: range.lowerBound))
        let stored = Array(bytes[22..<26])
        bytes.replaceSubrange(22..<26, with: [0, 0, 0, 0])
        guard Self.bytes(of: UInt64(Self.crc(bytes)), 4) == stored else {
            throw .corrupt("the checksum of a page in it is wrong")
        }
        return bytes[(Self.headerBytes + lacing.count)...]
    }

    /// A page with a header of its own.
    static func bytes(
        _ flags: PageFlags, granule: Int64, stream: UInt32, number: UInt32, lacing: [UInt8],
        content: some Collection<UInt8>
    ) -> [UInt8] {
        var page = Array("OggS\0".utf8) + [flags.rawValue]
        page += bytes(of: UInt64(bitPattern: granule), 8) + bytes(of: UInt64(stream), 4) + bytes(of: UInt64(number), 4)
        page += [0, 0, 0, 0, UInt8(lacing.count)] + lacing + content
        page.replaceSubrange(22..<26, with: bytes(of: UInt64(crc(page)), 4))
        return page
    }

    private static func bytes(of number: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
    }

    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        var sum = CyclicCheck(.ogg)
        sum.add(bytes[...])
        return sum.state.byteSwapped
    }
}
