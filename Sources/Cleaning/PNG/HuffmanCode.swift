/// A canonical Huffman code: how many codes each length has, and the symbols in the order of their codes.
struct HuffmanCode {
    let counts: [Int]
    let symbols: [UInt16]
    /// By the next bits of a stream, the lowest first: the symbol of a short code, four bits up, and the code's length; 0 for
    /// longer ones.
    let table: [UInt16]

    private static let tableBits = 10
    static let tableMask = 1 << tableBits - 1

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
        table = Self.table(counts, symbols)
    }

    private static func table(_ counts: [Int], _ symbols: [UInt16]) -> [UInt16] {
        var table = [UInt16](repeating: 0, count: 1 << tableBits)
        var (code, index) = (0, 0)
        for length in 1...tableBits {
            for _ in 0..<counts[length] {
                let entry = symbols[index] << 4 | UInt16(length)
                for place in stride(from: reversed(code, length), through: tableMask, by: 1 << length) {
                    table[place] = entry
                }
                code += 1
                index += 1
            }
            code <<= 1
        }
        return table
    }

    private static func reversed(_ code: Int, _ length: Int) -> Int {
        (0..<length).reduce(0) { $0 << 1 | code >> $1 & 1 }
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
