/// The parts of a copy, in a few bytes each: films have several hundred thousand.
///
/// | bytes | |
/// |---|---|
/// | 1 | 0: new bytes; 1: zeros; 2: bytes of the original; 3: filler; 4: columns of the original |
/// | 1…10 | how many (`CompactNumber`) |
/// | 1…10 | of the original: how far they begin from the end of the last such part, before it or behind |
/// | 1…10 | of columns: the period; then how many bytes of it stay |
package struct CopyParts: Sequence, Sendable {
    fileprivate enum Step {
        case bytes(Int)
        case zeros(Int64)
        case original(Range<Int64>)
        case filler(Int64)
        case columns(Range<Int64>, period: Int, kept: Int)
    }

    /// All new bytes, one part's behind the other's.
    private var newBytes: [UInt8] = []
    private var encoded: [UInt8] = []
    private var encodedEnd: Int64 = 0
    /// The last part, which may still grow.
    private var last: Step?
    package private(set) var count = 0

    mutating func append(_ bytes: [UInt8]) {
        newBytes += bytes
        if case .bytes(let before) = last { last = .bytes(before + bytes.count) } else { start(.bytes(bytes.count)) }
    }

    mutating func append(zeros count: Int64) {
        if case .zeros(let before) = last { last = .zeros(before + count) } else { start(.zeros(count)) }
    }

    mutating func append(filler count: Int64) {
        if case .filler(let before) = last { last = .filler(before + count) } else { start(.filler(count)) }
    }

    mutating func append(columns range: Range<Int64>, period: Int, kept: Int) {
        start(.columns(range, period: period, kept: kept))
    }

    mutating func append(original range: Range<Int64>) {
        if case .original(let before) = last, before.upperBound == range.lowerBound {
            last = .original(before.lowerBound..<range.upperBound)
        } else {
            start(.original(range))
        }
    }

    private mutating func start(_ step: Step) {
        switch last {
        case .bytes(let count)?:
            encoded.append(0)
            CompactNumber.append(UInt64(count), to: &encoded)
        case .zeros(let count)?:
            encoded.append(1)
            CompactNumber.append(UInt64(count), to: &encoded)
        case .original(let range)?: append(2, range)
        case .filler(let count)?:
            encoded.append(3)
            CompactNumber.append(UInt64(count), to: &encoded)
        case .columns(let range, let period, let kept)?:
            append(4, range)
            CompactNumber.append(UInt64(period), to: &encoded)
            CompactNumber.append(UInt64(kept), to: &encoded)
        case nil: break
        }
        last = step
        count += 1
    }

    private mutating func append(_ kind: UInt8, _ range: Range<Int64>) {
        encoded.append(kind)
        CompactNumber.append(UInt64(range.count), to: &encoded)
        CompactNumber.append(signed: range.lowerBound - encodedEnd, to: &encoded)
        encodedEnd = range.upperBound
    }

    package struct Iterator: IteratorProtocol {
        private let parts: CopyParts
        private var left: Int
        private var offset = 0
        private var bytesOffset = 0
        private var end: Int64 = 0

        fileprivate init(_ parts: CopyParts) {
            self.parts = parts
            left = parts.count
        }

        package mutating func next() -> CleanCopy.CopyPart? {
            guard left > 0, let last = parts.last else { return nil }
            left -= 1
            switch left == 0 ? last : step() {
            case .bytes(let count):
                defer { bytesOffset += count }
                return .bytes(Array(parts.newBytes[bytesOffset..<bytesOffset + count]))
            case .zeros(let count): return .zeros(count)
            case .original(let range): return .original(range)
            case .filler(let count): return .filler(count)
            case .columns(let range, let period, let kept): return .columns(range, period: period, kept: kept)
            }
        }

        private mutating func step() -> Step {
            let kind = parts.encoded[offset]
            offset += 1
            let count = CompactNumber.read(parts.encoded, &offset)
            switch kind {
            case 0: return .bytes(Int(count))
            case 1: return .zeros(Int64(count))
            case 3: return .filler(Int64(count))
            default: break
            }
            let start = end + CompactNumber.readSigned(parts.encoded, &offset)
            end = start + Int64(count)
            if kind == 2 { return .original(start..<end) }
            let period = Int(CompactNumber.read(parts.encoded, &offset))
            return .columns(start..<end, period: period, kept: Int(CompactNumber.read(parts.encoded, &offset)))
        }
    }

    package func makeIterator() -> Iterator { Iterator(self) }
}

/// Numbers in as few bytes as they need: seven bits in each, the lowest first; the highest bit says that more follow.
enum CompactNumber {
    static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Small numbers are short whatever their sign, which becomes the lowest bit.
    static func append(signed number: Int64, to bytes: inout [UInt8]) {
        append(UInt64(bitPattern: number << 1 ^ number >> 63), to: &bytes)
    }

    /// The number that was appended at `offset`, which moves behind it.
    static func read(_ bytes: [UInt8], _ offset: inout Int) -> UInt64 {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = bytes[offset]
            offset += 1
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
            shift += 7
        }
    }

    static func readSigned(_ bytes: [UInt8], _ offset: inout Int) -> Int64 {
        let number = read(bytes, &offset)
        return Int64(bitPattern: number >> 1) ^ -Int64(number & 1)
    }
}
