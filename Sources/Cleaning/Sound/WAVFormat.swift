/// The format of a WAVE file (`WAVEFORMATEX`), without what lies behind the fields that its kind of sound has.
///
/// | bytes | content, the lowest byte first |
/// |-------|--------|
/// | 2     | kind of sound |
/// | 2, 4  | channels, samples in a second |
/// | 4, 2  | bytes in a second, bytes of a block |
/// | 2     | bits of a sample |
/// | 2     | bytes that follow, for kinds that need more |
struct WAVFormat {
    let bytes: [UInt8]
    private let isPlain: Bool

    /// Bytes behind the first 18 that a kind of sound needs (mmreg.h). PCM, floating point, A-law and µ-law have 16 bytes
    /// in all, or 18 of which the last two are zero.
    private static let extensions: [UInt16: Int] = [
        0x0002: 32, 0x0011: 2, 0x0031: 2, 0x0055: 12, 0xFFFE: 22, 0x0001: 0, 0x0003: 0, 0x0006: 0, 0x0007: 0,
    ]

    init(_ chunk: [UInt8]) throws(CleaningError) {
        guard chunk.count >= 16 else { throw .corrupt("its format chunk is too short") }
        let kind = UInt16(chunk[0]) | UInt16(chunk[1]) << 8
        guard let more = Self.extensions[kind] else {
            throw .unsupported("sound of the kind 0x\(String(kind, radix: 16))")
        }
        isPlain = more == 0 || kind == 0xFFFE
        if more == 0 {
            bytes = Array(chunk.prefix(chunk.count >= 18 && chunk[16] == 0 && chunk[17] == 0 ? 18 : 16))
        } else {
            let told = chunk.count >= 18 ? Int(chunk[16]) | Int(chunk[17]) << 8 : 0
            guard told == more, chunk.count >= 18 + more else {
                throw .corrupt("its format is not of the length it needs")
            }
            bytes = Array(chunk.prefix(18 + more))
        }
        // The kind of extensible sound is the same numbers, at the head of a GUID.
        if kind == 0xFFFE {
            let tail: [UInt8] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]
            let subkind = UInt16(bytes[24]) | UInt16(bytes[25]) << 8
            guard bytes[26...].elementsEqual(tail), [1, 3, 6, 7].contains(subkind) else {
                throw .unsupported("extensible sound of another kind than samples")
            }
        }
    }

    /// Seconds of `dataBytes` bytes of sound; `samples` is what the chunk `fact` tells, for compressed sound.
    func seconds(_ dataBytes: Int64, samples: UInt64) -> Double? {
        let rate = number(4, at: 4)
        let bytesPerSecond = number(4, at: 8)
        let block = number(2, at: 12)
        if isPlain, rate > 0, block > 0 { return Double(dataBytes / Int64(block)) / Double(rate) }
        if samples > 0, rate > 0 { return Double(samples) / Double(rate) }
        return bytesPerSecond > 0 ? Double(dataBytes) / Double(bytesPerSecond) : nil
    }

    private func number(_ count: Int, at offset: Int) -> Int {
        bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}

/// What the chunks of a WAVE file tell that are dropped.
enum WAVMetadata {
    static func words(in source: SourceBytes, _ name: String, _ range: Range<Int64>) throws(CleaningError)
        -> Set<RemovedMetadata>
    {
        switch name {
        case "LIST": return try listWords(in: source, range)
        case "id3 ", "ID3 ":
            guard let tag = try? ID3Tag(in: source, at: range.lowerBound), tag.range.upperBound <= range.upperBound
            else {
                return [.text]
            }
            return try tag.words(in: source)
        case "bext": return [.text, .time, .encoder]
        case "iXML", "cart", "axml", "bxml", "note", "labl", "AFAn", "aXML": return [.text]
        case "_PMX": return [.xmp]
        case "PEAK": return [.time]
        // Room left free, so that what follows lies well.
        case "JUNK", "junk", "PAD ", "FLLR": return []
        default: return [.other]
        }
    }

    private static func listWords(in source: SourceBytes, _ range: Range<Int64>) throws(CleaningError)
        -> Set<RemovedMetadata>
    {
        guard range.count >= 4, try source.bytes(4, at: range.lowerBound).elementsEqual("INFO".utf8) else {
            return [.text]
        }
        var words: Set<RemovedMetadata> = []
        var offset = range.lowerBound + 4
        for _ in 0..<1000 where range.upperBound - offset >= 8 {
            words.insert(removedMetadata(forTag: String(decoding: try source.bytes(4, at: offset), as: UTF8.self)))
            let size = Int64(try source.littleEndian(4, at: offset + 4))
            offset += 8 + size + size % 2
        }
        return words
    }
}
