/// What the start of coded data says of its size: VP8 (RFC 6386, 9.1) and VP8L (RFC 9649, 3.4).
///
///     VP8    3 frame tag (the lowest bit is 0 for a key frame)   3 start code 9D 01 2A   2 width, 2 height (14 bits each)
///     VP8L   1 signature 2F   4: width less one, height less one (14 bits each), alpha, 3 version
struct WebPBitstream {
    let width: Int
    let height: Int

    init(_ chunk: RIFFChunk, of source: SourceBytes) throws(CleaningError) {
        let start = Array(try source.bytes(min(10, chunk.length), at: chunk.contents.lowerBound))
        if chunk.name == "VP8 ", start.count == 10, start[0] & 1 == 0, start[3...5].elementsEqual([0x9D, 0x01, 0x2A]) {
            width = Int(start[6]) | Int(start[7] & 0x3F) << 8
            height = Int(start[8]) | Int(start[9] & 0x3F) << 8
        } else if chunk.name == "VP8L", start.count >= 5, start[0] == 0x2F, start[4] >> 5 == 0 {
            let bits = start[1...4].reversed().reduce(0) { $0 << 8 | Int($1) }
            width = bits & 0x3FFF + 1
            height = bits >> 14 & 0x3FFF + 1
        } else {
            throw .corrupt("a picture in it does not start like one")
        }
        guard width > 0, height > 0 else { throw .corrupt("a picture in it is empty") }
    }
}
