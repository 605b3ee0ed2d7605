import Cleaning

/// Decodes GIF's LZW (appendix F): codes of growing length, the lowest bit first. Each code is a string that was seen
/// before, kept as the code before its last byte and that byte.
struct GIFCodes {
    private let count: Int
    private var table: LZWTable
    private var bits: UInt32 = 0
    private var bitCount = 0
    /// For each code: the code before the last byte, that byte, and how many bytes there are.
    private var prefixes = [UInt16](repeating: 0, count: LZWTable.limit)
    private var lasts = [UInt8](repeating: 0, count: LZWTable.limit)
    private var lengths = [Int](repeating: 0, count: LZWTable.limit)

    private(set) var output: [UInt8] = []

    /// `size` is the number of bits of a pixel (2…8; a few programs write 1), `count` the number of pixels.
    init(_ size: UInt8, count: Int) {
        self.count = count
        table = LZWTable(size)
        for code in 0..<table.clear {
            lasts[code] = UInt8(truncatingIfNeeded: code)
            lengths[code] = 1
        }
        output.reserveCapacity(count)
    }

    var isComplete: Bool { output.count >= count }

    /// Takes a block of data; false if it has a code that stands for nothing, or ends the picture too early.
    mutating func take(_ block: ArraySlice<UInt8>) -> Bool {
        for byte in block {
            bits |= UInt32(byte) << UInt32(bitCount)
            bitCount += 8
            while bitCount >= table.length && !isComplete {
                let length = table.length
                let code = Int(bits & (1 << UInt32(length) - 1))
                bits >>= UInt32(length)
                bitCount -= length
                if !take(code: code) { return false }
            }
            if isComplete { return true }
        }
        return true
    }

    private mutating func take(code: Int) -> Bool {
        switch table.take(code) {
        case .clear: return true
        case .end, .unknown: return false
        case .string(let before, let isNew, let made):
            // A code that is being made now is the string before and its own first byte.
            let first = write(isNew ? before ?? code : code)
            if isNew { output.append(first) }
            if let before, let made {
                (prefixes[made], lasts[made], lengths[made]) = (UInt16(before), first, lengths[before] + 1)
            }
            return true
        }
    }

    /// Writes a string; returns its first byte. More than the picture has room for is cut off by the reader.
    private mutating func write(_ code: Int) -> UInt8 {
        let start = output.count
        let size = lengths[code]
        output.append(contentsOf: repeatElement(0, count: size))
        var code = code
        for index in stride(from: start + size - 1, through: start, by: -1) {
            output[index] = lasts[code]
            code = Int(prefixes[code])
        }
        return output[start]
    }
}
