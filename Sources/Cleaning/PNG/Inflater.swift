/// Inflates small zlib streams: profiles and texts (RFC 1950 and RFC 1951), up to a limit.
///
/// Codes are canonical Huffman codes, decoded bit by bit as RFC 1951, 3.2.2 counts them; incomplete sets are refused
/// except for the single distance code that 3.2.7 allows.
struct Inflater {
    private let input: ArraySlice<UInt8>
    private var position: Int
    private var bits: UInt32 = 0
    private var bitCount = 0
    private var output: [UInt8] = []
    private let limit: Int

    /// The contents of a zlib stream; nil if it is damaged, or inflates to more than `limit` bytes. What follows its end is
    /// not looked at.
    static func zlib(_ stream: ArraySlice<UInt8>, limit: Int) -> [UInt8]? {
        guard stream.count >= 6, let header = stream.bigEndian16(at: 0), header >> 8 & 15 == 8, header % 31 == 0,
            header & 0x20 == 0
        else { return nil }
        var inflater = Inflater(stream, limit: limit)
        guard inflater.blocks(), let sum = stream.bigEndian32(at: inflater.position - stream.startIndex),
            sum == Int(Adler32.of(inflater.output))
        else { return nil }
        return inflater.output
    }

    private init(_ stream: ArraySlice<UInt8>, limit: Int) {
        input = stream
        position = stream.startIndex + 2
        self.limit = limit
    }

    /// The next `count` bits, at most 16, the lowest first.
    private mutating func take(_ count: Int) -> Int? {
        while bitCount < count {
            guard position < input.endIndex else { return nil }
            bits |= UInt32(input[position]) << UInt32(bitCount)
            position += 1
            bitCount += 8
        }
        defer {
            bits >>= UInt32(count)
            bitCount -= count
        }
        return Int(bits & (1 << UInt32(count) - 1))
    }

    private mutating func blocks() -> Bool {
        while true {
            guard let isLast = take(1), let kind = take(2) else { return false }
            let isRead =
                switch kind {
                case 0: stored()
                case 1: compressed(HuffmanCode.fixedLiterals, HuffmanCode.fixedDistances)
                case 2: dynamic()
                default: false
                }
            if !isRead { return false }
            if isLast == 1 { return true }
        }
    }

    /// RFC 1951, 3.2.4.
    private mutating func stored() -> Bool {
        // At most seven bits are held here: the rest of the byte is skipped.
        bits = 0
        bitCount = 0
        guard let length = take(16), let complement = take(16), length == ~complement & 0xFFFF,
            length <= input.endIndex - position, length <= limit - output.count
        else { return false }
        output += input[position..<position + length]
        position += length
        return true
    }

    /// RFC 1951, 3.2.7: the codes, themselves coded, then the block.
    private mutating func dynamic() -> Bool {
        guard let literals = take(5), let distances = take(5), let count = take(4), literals <= 29, distances <= 29
        else { return false }
        var lengths = [UInt8](repeating: 0, count: 19)
        for place in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15].prefix(count + 4) {
            guard let length = take(3) else { return false }
            lengths[place] = UInt8(length)
        }
        guard let code = HuffmanCode(lengths[...]) else { return false }
        let total = literals + 257 + distances + 1
        lengths = []
        while lengths.count < total {
            guard let symbol = symbol(of: code) else { return false }
            switch symbol {
            case 0...15: lengths.append(UInt8(symbol))
            case 16:
                guard let last = lengths.last, let more = take(2) else { return false }
                lengths += [UInt8](repeating: last, count: more + 3)
            default:
                guard let more = take(symbol == 17 ? 3 : 7) else { return false }
                lengths += [UInt8](repeating: 0, count: more + (symbol == 17 ? 3 : 11))
            }
        }
        guard lengths.count == total, lengths[256] > 0, let first = HuffmanCode(lengths[..<(literals + 257)]),
            let second = HuffmanCode(lengths[(literals + 257)...])
        else { return false }
        return compressed(first, second)
    }

    private mutating func symbol(of code: HuffmanCode) -> Int? {
        var value = 0
        var first = 0
        var index = 0
        for length in 1...15 {
            guard let bit = take(1) else { return nil }
            value |= bit
            let count = code.counts[length]
            if value - first < count { return Int(code.symbols[index + value - first]) }
            index += count
            first = (first + count) << 1
            value <<= 1
        }
        return nil
    }

    /// RFC 1951, 3.2.5.
    private mutating func compressed(_ literals: HuffmanCode, _ distances: HuffmanCode) -> Bool {
        while true {
            guard let symbol = symbol(of: literals) else { return false }
            if symbol == 256 { return true }
            if symbol < 256 {
                if output.count == limit { return false }
                output.append(UInt8(symbol))
                continue
            }
            guard symbol <= 285, let length = number(symbol - 257, Self.lengths),
                let place = self.symbol(of: distances), place < 30, let distance = number(place, Self.distances),
                distance <= output.count, length <= limit - output.count
            else { return false }
            for _ in 0..<length { output.append(output[output.count - distance]) }
        }
    }

    private mutating func number(_ place: Int, _ table: [(base: Int, bits: Int)]) -> Int? {
        take(table[place].bits).map { table[place].base + $0 }
    }

    /// The length that each symbol from 257 on starts at, and its further bits.
    private static let lengths: [(base: Int, bits: Int)] = table(count: 28, groups: 2, first: 3) + [(258, 0)]
    /// The same for distances.
    private static let distances: [(base: Int, bits: Int)] = table(count: 30, groups: 1, first: 1)

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

/// A canonical Huffman code: how many codes each length has, and the symbols in the order of their codes.
struct HuffmanCode {
    let counts: [Int]
    let symbols: [UInt16]

    /// Nil unless the lengths (0…15, one for each symbol) make a complete code, or one of a single symbol, or none.
    init?(_ lengths: ArraySlice<UInt8>) {
        var counts = [Int](repeating: 0, count: 16)
        for length in lengths { counts[Int(length)] += 1 }
        counts[0] = 0
        let used = counts.reduce(0, +)
        let space = (1...15).reduce(0) { $0 + counts[$1] << (15 - $1) }
        guard space == 1 << 15 || used <= 1 && counts[1] == used else { return nil }
        self.counts = counts
        var places = [0]
        for count in counts { places.append((places.last ?? 0) + count) }
        var symbols = [UInt16](repeating: 0, count: used)
        for (symbol, length) in lengths.enumerated() where length > 0 {
            symbols[places[Int(length)]] = UInt16(symbol)
            places[Int(length)] += 1
        }
        self.symbols = symbols
    }

    private init(complete lengths: [UInt8]) {
        guard let code = HuffmanCode(lengths[...]) else { preconditionFailure("the fixed codes are complete") }
        self = code
    }

    private static func run(_ length: UInt8, _ count: Int) -> [UInt8] { [UInt8](repeating: length, count: count) }
    /// RFC 1951, 3.2.6.
    static let fixedLiterals = HuffmanCode(complete: run(8, 144) + run(9, 112) + run(7, 24) + run(8, 8))
    static let fixedDistances = HuffmanCode(complete: run(5, 32))
}
