/// The codewords of a QR code: data in byte mode, split into blocks, each with its Reed–Solomon check, interleaved
/// (ISO/IEC 18004:2015, 7.4 to 7.6).
enum QRCodewords {
    static func make(_ bytes: [UInt8], _ version: QRVersion) -> [UInt8] {
        let blocks = blocks(of: data(bytes, version), version)
        let checks = blocks.map { check($0, count: version.checkCount) }
        return interleaved(blocks) + interleaved(checks)
    }

    /// Mode 0100, the length, the bytes, four zeros where there is room, and 0xEC and 0x11 in turn up to the end.
    private static func data(_ bytes: [UInt8], _ version: QRVersion) -> [UInt8] {
        var bits = BitRow()
        bits.append(0b0100, count: 4)
        bits.append(bytes.count, count: version.lengthBits)
        for byte in bytes { bits.append(Int(byte), count: 8) }
        bits.append(0, count: min(4, 8 * version.dataCount - bits.count))
        bits.append(0, count: (8 - bits.count % 8) % 8)
        let padding = [UInt8](repeating: 0xEC, count: version.dataCount - bits.bytes.count)
        return bits.bytes + padding.enumerated().map { $0.offset % 2 == 0 ? $0.element : 0x11 }
    }

    /// Blocks of one length; the last ones may be longer by one.
    private static func blocks(of data: [UInt8], _ version: QRVersion) -> [[UInt8]] {
        let (length, longer) = data.count.quotientAndRemainder(dividingBy: version.blockCount)
        var rest = data[...]
        return (0..<version.blockCount).map { index in
            let count = length + (index >= version.blockCount - longer ? 1 : 0)
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
    }

    /// The first of each block, the second of each …
    private static func interleaved(_ blocks: [[UInt8]]) -> [UInt8] {
        let longest = blocks.map(\.count).max() ?? 0
        return (0..<longest).flatMap { index in blocks.compactMap { index < $0.count ? $0[index] : nil } }
    }

    // MARK: Reed–Solomon

    /// The remainder of the block, as a polynomial, by (x − 1)(x − 2)(x − 4)… with `count` factors.
    private static func check(_ block: [UInt8], count: Int) -> [UInt8] {
        let divisor = divisor(count)
        var rest = [UInt8](repeating: 0, count: count)
        for byte in block {
            let factor = byte ^ rest.removeFirst()
            rest.append(0)
            for (index, coefficient) in divisor.enumerated() { rest[index] ^= product(coefficient, factor) }
        }
        return rest
    }

    /// The coefficients of the divisor behind the first, which is 1.
    private static func divisor(_ count: Int) -> [UInt8] {
        var coefficients: [UInt8] = [1]
        var root: UInt8 = 1
        for _ in 0..<count {
            // Multiplied by (x − root); minus is plus here.
            let shifted = coefficients + [0]
            let scaled = [0] + coefficients.map { product($0, root) }
            coefficients = zip(shifted, scaled).map { $0 ^ $1 }
            root = product(root, 2)
        }
        return Array(coefficients.dropFirst())
    }

    /// In the field of 256 elements modulo x⁸ + x⁴ + x³ + x² + 1.
    private static func product(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var result: UInt8 = 0
        var (shifted, bits) = (left, right)
        while bits != 0 {
            if bits & 1 != 0 { result ^= shifted }
            shifted = shifted << 1 ^ (shifted & 0x80 == 0 ? 0 : 0x1D)
            bits >>= 1
        }
        return result
    }
}

/// Bits, the highest of a number first.
private struct BitRow {
    private(set) var bytes: [UInt8] = []
    private(set) var count = 0

    mutating func append(_ number: Int, count newBits: Int) {
        for bit in (0..<newBits).reversed() {
            if count % 8 == 0 { bytes.append(0) }
            if number >> bit & 1 != 0 { bytes[bytes.count - 1] |= 0x80 >> (count % 8) }
            count += 1
        }
    }
}
