/// Finds where the coded data of a GIF's picture ends: at the end code, or with its last pixel. What lies behind, in the
/// same blocks, no decoder looks at.
struct GIFCodeWalk {
    private var table: LZWTable
    /// How many pixels each code stands for.
    private var lengths: [Int]
    private var pixelsLeft: Int
    private var bits: UInt32 = 0
    private var bitCount = 0

    /// `size` is the number of bits of a pixel, `count` that of pixels.
    init(_ size: UInt8, count: Int) {
        table = LZWTable(size)
        lengths = [Int](repeating: 1, count: LZWTable.limit)
        pixelsLeft = count
    }

    /// Takes a block; nil where the data goes on behind it, else what of it stays: with an end code behind the last pixel,
    /// and zeros up to the end of its byte.
    mutating func take(_ block: ArraySlice<UInt8>) -> [UInt8]? {
        for (index, byte) in zip(block.indices, block) {
            bits |= UInt32(byte) << UInt32(bitCount)
            bitCount += 8
            while bitCount >= table.length {
                let code = Int(bits & (1 << UInt32(table.length) - 1))
                let length = table.length
                switch table.take(code) {
                case .clear: break
                case .end, .unknown:
                    drop(length)
                    return kept(block[..<index], byte, nil)
                case .string(let before, let isNew, let made):
                    // A new string is the one before and one byte.
                    let count = isNew ? lengths[before ?? 0] + 1 : lengths[code]
                    if let before, let made { lengths[made] = lengths[before] + 1 }
                    pixelsLeft -= count
                }
                drop(length)
                if pixelsLeft <= 0 { return kept(block[..<index], byte, table.end) }
            }
        }
        return nil
    }

    private mutating func drop(_ count: Int) {
        bits >>= UInt32(count)
        bitCount -= count
    }

    /// The bytes before, of `byte` all but the bits that were not taken, then one more code.
    private func kept(_ before: ArraySlice<UInt8>, _ byte: UInt8, _ code: Int?) -> [UInt8] {
        // Fewer than eight are left, all of this byte.
        let used = 8 - bitCount
        var rest = UInt32(byte) & (1 << UInt32(used) - 1)
        var count = used
        if let code {
            rest |= UInt32(code) << UInt32(used)
            count += table.length
        }
        let tail = stride(from: 0, to: count, by: 8).map { UInt8(truncatingIfNeeded: rest >> UInt32($0)) }
        return before + tail
    }
}
