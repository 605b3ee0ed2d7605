/// The frames of FLAC (RFC 9639, section 9). A frame does not tell how long it is: it ends where the CRC-16 of all its
/// bytes is 0 and the next one begins, or the file ends.
enum FLACFrames {
    /// A frame of more bytes than this is none: 8 channels of 65,535 samples of 32 bits, stored as they are, and more.
    private static let frameLimit: Int64 = 4 << 20

    /// What is read at once: with a header behind it no more than `SourceBytes` reads ahead.
    private static let pieceBytes = 60 << 10

    /// Checks that `range` is frames and nothing else, and returns the samples of each channel.
    static func check(_ source: SourceBytes, _ range: Range<Int64>, _ info: FLACStreamInfo) throws(CleaningError)
        -> UInt64
    {
        guard var header = try header(source, at: range.lowerBound, end: range.upperBound) else {
            throw range.isEmpty ? .truncated : .corrupt("its sound does not begin with a frame")
        }
        let sync: [UInt8] = [0xFF, try source.byte(at: range.lowerBound + 1)]
        var samples: UInt64 = 0
        var frameStart = range.lowerBound
        var sum = CyclicCheck(.flac)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let count = Int(min(Int64(Self.pieceBytes), range.upperBound - offset))
            // A mark may begin with the last byte.
            let piece = try source.bytes(Int(min(Int64(count + 1), range.upperBound - offset)), at: offset)
            let first = piece.startIndex
            var summed = first
            var place = offset == frameStart ? first + 1 : first
            // A frame can only begin where the check of the one before is complete.
            while let found = piece[place...].firstPlace(of: sync), found < first + count {
                place = found + 1
                let start = offset + Int64(found - first)
                guard let next = try self.header(source, at: start, end: range.upperBound), next.follows(header) else {
                    continue
                }
                sum.add(piece[summed..<found])
                summed = found
                guard sum.state == 0 else { continue }
                samples += header.blockSize
                (header, frameStart) = (next, start)
            }
            sum.add(piece[summed..<first + count])
            offset += Int64(count)
            if offset - frameStart > frameLimit { throw .corrupt("a frame in it does not end") }
        }
        samples += header.blockSize
        guard sum.state == 0 else {
            if samples <= info.samples { throw .truncated }
            throw .corrupt("its last frame is damaged, or something follows it")
        }
        if info.samples > 0, samples < info.samples { throw .truncated }
        return samples
    }

    private static func header(_ source: SourceBytes, at offset: Int64, end: Int64) throws(CleaningError)
        -> FLACFrameHeader?
    {
        let count = Int(min(Int64(FLACFrameHeader.bytesLimit), end - offset))
        return FLACFrameHeader(try source.bytes(count, at: offset))
    }
}

/// The header of a frame (RFC 9639, section 9.1).
struct FLACFrameHeader {
    static let bytesLimit = 16

    /// Samples of each channel.
    let blockSize: UInt64
    /// The number of its first sample, or its own where all have the same size.
    let number: UInt64
    let isVariable: Bool

    /// Nil where the bytes are no header: its CRC-8 is right by chance once in 256 times.
    init?(_ slice: ArraySlice<UInt8>) {
        let bytes = Array(slice)
        guard bytes.count >= 6, bytes[0] == 0xFF, bytes[1] & 0xFE == 0xF8, bytes[3] & 1 == 0, bytes[3] >> 4 < 11,
            bytes[3] >> 1 & 7 != 3, let number = Self.codedNumber(bytes[4...])
        else { return nil }
        isVariable = bytes[1] & 1 == 1
        self.number = number.value
        var length = 4 + number.length
        let sizeBits = bytes[2] >> 4
        let extra = sizeBits == 6 ? 1 : sizeBits == 7 ? 2 : 0
        guard length + extra < bytes.count else { return nil }
        switch sizeBits {
        case 0: return nil
        case 1: blockSize = 192
        case 2...5: blockSize = 576 << UInt64(sizeBits - 2)
        case 6, 7: blockSize = bytes[length..<length + extra].reduce(0) { $0 << 8 | UInt64($1) } + 1
        default: blockSize = 256 << UInt64(sizeBits - 8)
        }
        length += extra
        let rateBits = bytes[2] & 15
        guard rateBits != 15 else { return nil }
        length += rateBits == 12 ? 1 : rateBits > 12 ? 2 : 0
        guard length < bytes.count, Self.crc(bytes.prefix(length)) == bytes[length] else { return nil }
    }

    /// Whether this comes behind `previous`.
    func follows(_ previous: Self) -> Bool {
        guard isVariable == previous.isVariable else { return false }
        // Numbers go on by one, or by the samples of the frame before. They may begin anywhere (a cut stream).
        return number == previous.number &+ (isVariable ? previous.blockSize : 1)
    }

    /// A number coded like UTF-8, up to 36 bits.
    private static func codedNumber(_ bytes: ArraySlice<UInt8>) -> (value: UInt64, length: Int)? {
        guard let first = bytes.first else { return nil }
        let ones = (~first).leadingZeroBitCount
        if ones == 0 { return (UInt64(first), 1) }
        guard (2...7).contains(ones), bytes.count >= ones else { return nil }
        var value = UInt64(first & (0x7F >> UInt8(ones)))
        for byte in bytes.dropFirst().prefix(ones - 1) {
            guard byte & 0xC0 == 0x80 else { return nil }
            value = value << 6 | UInt64(byte & 0x3F)
        }
        return (value, ones)
    }

    /// CRC-8 with the polynomial 0x07.
    private static func crc(_ bytes: ArraySlice<UInt8>) -> UInt8 {
        bytes.reduce(0) { crc, byte in
            (0..<8).reduce(crc ^ byte) { crc, _ in crc & 0x80 == 0 ? crc << 1 : crc << 1 ^ 0x07 }
        }
    }
}
