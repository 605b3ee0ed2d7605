/// Writes a zlib stream of stored blocks (RFC 1950; RFC 1951, 3.2.4): a profile is short, and the same everywhere.
enum Deflater {
    static func zlib(_ contents: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        var position = 0
        repeat {
            let piece = contents[position..<min(contents.count, position + 0xFFFF)]
            position += piece.count
            let length = UInt16(piece.count)
            stream.append(position == contents.count ? 1 : 0)
            for number in [length, ~length] { stream += [UInt8(number & 0xFF), UInt8(number >> 8)] }
            stream += piece
        } while position < contents.count
        return stream + Adler32.of(contents).bigEndianBytes
    }
}

/// The check sum of zlib (RFC 1950, 8.2).
enum Adler32 {
    static func of(_ bytes: [UInt8]) -> UInt32 {
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            low = (low + UInt32(byte)) % 65521
            high = (high + low) % 65521
        }
        return high << 16 | low
    }
}
