/// What takes the symbols of a deflated stream; one that answers false ends it.
protocol DeflateSink {
    mutating func take(_ literals: ArraySlice<UInt8>) -> Bool
    mutating func take(_ literal: UInt8) -> Bool
    /// Takes `length` bytes again that lie `distance` bytes behind.
    mutating func repeats(_ length: Int, from distance: Int) -> Bool
}

/// How a deflated stream ended.
enum DeflateEnd: Equatable {
    /// As it should, with the check sum of what was in it.
    case whole(sum: UInt32)
    /// Its bytes are not all there.
    case cut
    /// It makes no sense, or its sink has refused it.
    case damaged
}

/// Reads a zlib stream (RFC 1950 and RFC 1951) that comes in pieces, symbol by symbol.
///
/// Codes are canonical Huffman codes. Short ones stand in a table, others are found bit by bit as RFC 1951, 3.2.2 counts
/// them; incomplete sets are refused except for the single distance code that 3.2.7 allows.
struct DeflateReader<Sink: DeflateSink> {
    /// The next bytes of the stream; an empty piece is its end.
    typealias Pieces = () throws(CleaningError) -> ArraySlice<UInt8>

    private(set) var sink: Sink
    private let nextPiece: Pieces
    private var piece: ArraySlice<UInt8> = []
    private var position = 0
    private var taken: Int64 = 0
    private var bits: UInt64 = 0
    private var bitCount = 0
    private var isAtEnd = false
    private var isCut = false

    init(_ sink: Sink, _ nextPiece: @escaping Pieces) {
        self.sink = sink
        self.nextPiece = nextPiece
    }

    /// Bytes of the stream up to here.
    var consumed: Int64 { taken - Int64(bitCount / 8) }

    /// Reads up to the end, and nothing behind it.
    mutating func read() throws(CleaningError) -> DeflateEnd {
        guard let method = try take(8), let flags = try take(8) else { return .cut }
        guard method & 15 == 8, method >> 4 <= 7, (method << 8 | flags) % 31 == 0, flags & 0x20 == 0,
            try blocks()
        else { return isCut ? .cut : .damaged }
        skip(bitCount % 8)
        guard let sum = try take(32) else { return .cut }
        return .whole(sum: UInt32(sum).byteSwapped)
    }

    // MARK: Bits

    /// Holds at least 49 bits, unless the stream ends before.
    private mutating func refill() throws(CleaningError) {
        while bitCount <= 48, !isAtEnd {
            if position == piece.endIndex {
                piece = try nextPiece()
                position = piece.startIndex
                isAtEnd = piece.isEmpty
                if isAtEnd { return }
            }
            bits |= UInt64(piece[position]) << UInt64(bitCount)
            position += 1
            bitCount += 8
            taken += 1
        }
    }

    private mutating func skip(_ count: Int) {
        bits >>= UInt64(count)
        bitCount -= count
    }

    /// The next `count` bits, at most 32, the lowest first.
    private mutating func take(_ count: Int) throws(CleaningError) -> Int? {
        if bitCount < count { try refill() }
        guard bitCount >= count else {
            isCut = true
            return nil
        }
        defer { skip(count) }
        return Int(bits & (1 << UInt64(count) - 1))
    }

    private mutating func symbol(of code: HuffmanCode) throws(CleaningError) -> Int? {
        if bitCount < 15 { try refill() }
        let entry = Int(code.table[Int(bits & UInt64(HuffmanCode.tableMask))])
        if entry > 0, entry & 15 <= bitCount {
            skip(entry & 15)
            return entry >> 4
        }
        var (value, first, index) = (0, 0, 0)
        for length in 1...15 {
            guard length <= bitCount else {
                isCut = true
                return nil
            }
            value |= Int(bits >> UInt64(length - 1) & 1)
            let count = code.counts[length]
            if value - first < count {
                skip(length)
                return Int(code.symbols[index + value - first])
            }
            index += count
            first = (first + count) << 1
            value <<= 1
        }
        return nil
    }

    // MARK: Blocks

    private mutating func blocks() throws(CleaningError) -> Bool {
        while true {
            guard let isLast = try take(1), let kind = try take(2) else { return false }
            let isRead =
                switch kind {
                case 0: try stored()
                case 1: try compressed(HuffmanCode.fixedLiterals, HuffmanCode.fixedDistances)
                case 2: try dynamic()
                default: false
                }
            if !isRead { return false }
            if isLast == 1 { return true }
        }
    }

    /// RFC 1951, 3.2.4.
    private mutating func stored() throws(CleaningError) -> Bool {
        skip(bitCount % 8)
        guard let length = try take(16), let complement = try take(16), length == ~complement & 0xFFFF else {
            return false
        }
        var left = length
        while left > 0 {
            if bitCount > 0 {
                guard let byte = try take(8), sink.take(UInt8(byte)) else { return false }
                left -= 1
                continue
            }
            if position == piece.endIndex { try refill() }
            if bitCount > 0 { continue }
            let some = piece[position...].prefix(left)
            guard !some.isEmpty else {
                isCut = true
                return false
            }
            guard sink.take(some) else { return false }
            position += some.count
            taken += Int64(some.count)
            left -= some.count
        }
        return true
    }

    /// RFC 1951, 3.2.7: the codes, themselves coded, then the block.
    private mutating func dynamic() throws(CleaningError) -> Bool {
        guard let literals = try take(5), let distances = try take(5), let count = try take(4), literals <= 29,
            distances <= 29
        else { return false }
        var lengths = [UInt8](repeating: 0, count: 19)
        for place in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15].prefix(count + 4) {
            guard let length = try take(3) else { return false }
            lengths[place] = UInt8(length)
        }
        guard let code = HuffmanCode(lengths[...]) else { return false }
        let total = literals + 257 + distances + 1
        lengths = []
        while lengths.count < total {
            guard let symbol = try symbol(of: code) else { return false }
            switch symbol {
            case 0...15: lengths.append(UInt8(symbol))
            case 16:
                guard let last = lengths.last, let more = try take(2) else { return false }
                lengths += [UInt8](repeating: last, count: more + 3)
            default:
                guard let more = try take(symbol == 17 ? 3 : 7) else { return false }
                lengths += [UInt8](repeating: 0, count: more + (symbol == 17 ? 3 : 11))
            }
        }
        guard lengths.count == total, lengths[256] > 0, let first = HuffmanCode(lengths[..<(literals + 257)]),
            let second = HuffmanCode(lengths[(literals + 257)...])
        else { return false }
        return try compressed(first, second)
    }

    /// RFC 1951, 3.2.5.
    private mutating func compressed(_ literals: HuffmanCode, _ distances: HuffmanCode) throws(CleaningError) -> Bool {
        while true {
            guard let symbol = try symbol(of: literals) else { return false }
            if symbol < 256 {
                if !sink.take(UInt8(symbol)) { return false }
                continue
            }
            if symbol == 256 { return true }
            guard symbol <= 285, let length = try number(symbol - 257, DeflateNumbers.lengths),
                let place = try self.symbol(of: distances), place < 30,
                let distance = try number(place, DeflateNumbers.distances), sink.repeats(length, from: distance)
            else { return false }
        }
    }

    private mutating func number(
        _ place: Int, _ table: [(base: Int, bits: Int)]
    ) throws(CleaningError) -> Int? {
        try take(table[place].bits).map { table[place].base + $0 }
    }
}

/// The numbers that symbols stand for (RFC 1951, 3.2.5).
private enum DeflateNumbers {
    /// The length that each symbol from 257 on starts at, and its further bits.
    static let lengths: [(base: Int, bits: Int)] = table(count: 28, groups: 2, first: 3) + [(258, 0)]
    /// The same for distances.
    static let distances: [(base: Int, bits: Int)] = table(count: 30, groups: 1, first: 1)

    /// Numbers one after the other: two groups of 2^`groups` without further bits, then one with each count of them.
    private static func table(count: Int, groups: Int, first: Int) -> [(base: Int, bits: Int)] {
        var table: [(base: Int, bits: Int)] = []
        var base = first
        for place in 0..<count {
            let bits = max(0, place >> groups - 1)
            table.append((base, bits))
            base += 1 << bits
        }
        return table
    }
}
