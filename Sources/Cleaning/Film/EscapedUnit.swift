/// The bytes of a unit of H.264 or H.265 behind its header: behind two zeros, a byte 3 stands before a byte of 0…3
/// (emulation prevention, ITU-T H.264, 7.4.1).
enum EscapedUnit {
    static func unescaped(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var zeros = 0
        for byte in bytes {
            if zeros >= 2, byte == 3 {
                zeros = 0
                continue
            }
            zeros = byte == 0 ? zeros + 1 : 0
            result.append(byte)
        }
        return result
    }

    static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var zeros = 0
        for byte in bytes {
            if zeros >= 2, byte <= 3 {
                result.append(3)
                zeros = 0
            }
            zeros = byte == 0 ? zeros + 1 : 0
            result.append(byte)
        }
        return result
    }
}

/// Reads numbers of a unit bit by bit, the highest first (ITU-T H.264, 7.2 and 9.1).
struct UnitBits {
    private let bytes: [UInt8]
    /// Bits that were read.
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The bits before the last one, which ends what is coded.
    var hasMore: Bool {
        guard let last = bytes.lastIndex(where: { $0 != 0 }) else { return false }
        return position < last * 8 + 7 - bytes[last].trailingZeroBitCount
    }

    /// A number of at most 32 bits.
    @discardableResult
    mutating func number(_ count: Int) -> Int? {
        guard count <= bytes.count * 8 - position else { return nil }
        var value = 0
        for _ in 0..<count {
            value = value << 1 | Int(bytes[position / 8] >> UInt8(7 - position % 8) & 1)
            position += 1
        }
        return value
    }

    mutating func flag() -> Bool? { number(1).map { $0 == 1 } }

    /// ue(v), at most 2³² - 2.
    mutating func unsigned() -> Int? {
        var zeros = 0
        while let bit = number(1) {
            if bit == 1 { return number(zeros).map { 1 << zeros - 1 + $0 } }
            zeros += 1
            if zeros > 31 { return nil }
        }
        return nil
    }

    /// se(v).
    mutating func signed() -> Int? { unsigned().map { $0 & 1 == 1 ? ($0 + 1) / 2 : -($0 / 2) } }

    /// The bytes up to here, with the bit that ends them.
    var taken: [UInt8] {
        var result = Array(bytes.prefix((position + 7) / 8))
        let used = position % 8
        if used == 0 { return result + [0x80] }
        result[result.count - 1] = result[result.count - 1] & (0xFF << UInt8(8 - used)) | 0x80 >> UInt8(used)
        return result
    }
}
