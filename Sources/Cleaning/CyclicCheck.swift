import Glibc

/// A cyclic redundancy check of at most 32 bits (Ross Williams, "A Painless Guide to CRC Error Detection Algorithms"): what
/// PNG, Ogg, FLAC and LAME have at the end of their parts. It takes sixteen bytes at a time, of two stretches side by
/// side.
///
/// One that takes the highest bit first is held with its bytes turned around: then both kinds are computed alike.
struct CyclicCheck {
    private let polynomial: CyclicPolynomial
    /// The value; one that takes the highest bit first has its first byte lowest.
    private(set) var state: UInt32

    init(_ polynomial: CyclicPolynomial, from state: UInt32 = 0) {
        self.polynomial = polynomial
        self.state = state
    }

    mutating func add(_ bytes: ArraySlice<UInt8>) {
        // Safe: pointers are used while the arrays are held, and every access is within `count`; tables have 4,096 and
        // 1,024 numbers, and their indices are bytes.
        let state = state
        self.state = unsafe bytes.withUnsafeBytes { bytes in
            unsafe polynomial.table.withUnsafeBufferPointer { table in
                unsafe polynomial.stretch.withUnsafeBufferPointer { stretch in
                    unsafe Self.sum(state, bytes, table, stretch)
                }
            }
        }
    }

    /// The state after `bytes`, without going side by side.
    fileprivate static func sum(_ state: UInt32, zeros count: Int, _ table: [UInt32]) -> UInt32 {
        (0..<count).reduce(state) { state, _ in state >> 8 ^ table[Int(state & 0xFF)] }
    }

    private static func sum(
        _ state: UInt32, _ bytes: UnsafeRawBufferPointer, _ table: UnsafeBufferPointer<UInt32>,
        _ stretch: UnsafeBufferPointer<UInt32>
    ) -> UInt32 {
        let length = CyclicPolynomial.stretchBytes
        var state = state
        var offset = 0
        while bytes.count - offset >= 2 * length {
            var second: UInt32 = 0
            for _ in 0..<length / 16 {
                state = unsafe step(state, bytes, offset, table)
                second = unsafe step(second, bytes, offset + length, table)
                offset += 16
            }
            offset += length
            state =
                unsafe stretch[Int(state & 0xFF)] ^ stretch[256 | Int(state >> 8 & 0xFF)]
                ^ stretch[512 | Int(state >> 16 & 0xFF)] ^ stretch[768 | Int(state >> 24)] ^ second
        }
        while bytes.count - offset >= 16 {
            state = unsafe step(state, bytes, offset, table)
            offset += 16
        }
        while offset < bytes.count {
            state = unsafe state >> 8 ^ table[Int(UInt8(truncatingIfNeeded: state) ^ bytes[offset])]
            offset += 1
        }
        return state
    }

    /// The state after sixteen bytes at `offset`.
    @inline(__always)
    private static func step(
        _ state: UInt32, _ bytes: UnsafeRawBufferPointer, _ offset: Int, _ table: UnsafeBufferPointer<UInt32>
    ) -> UInt32 {
        let low =
            unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) ^ UInt64(state)
        let high = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
        return unsafe eight(low, table, 2048) ^ eight(high, table, 0)
    }

    @inline(__always)
    private static func eight(_ word: UInt64, _ table: UnsafeBufferPointer<UInt32>, _ place: Int) -> UInt32 {
        let first = unsafe table[place + 1792 + Int(word & 0xFF)] ^ table[place + 1536 + Int(word >> 8 & 0xFF)]
        let second = unsafe table[place + 1280 + Int(word >> 16 & 0xFF)] ^ table[place + 1024 + Int(word >> 24 & 0xFF)]
        let third = unsafe table[place + 768 + Int(word >> 32 & 0xFF)] ^ table[place + 512 + Int(word >> 40 & 0xFF)]
        let fourth = unsafe table[place + 256 + Int(word >> 48 & 0xFF)] ^ table[place + Int(word >> 56)]
        return (first ^ second) ^ (third ^ fourth)
    }
}

/// What a check divides by, with its tables.
struct CyclicPolynomial: Sendable {
    /// For each byte, then the same with one to fifteen zero bytes behind it.
    fileprivate let table: [UInt32]
    /// For each byte of a state, the lowest first: what becomes of it over a stretch of zeros.
    fileprivate let stretch: [UInt32]
    fileprivate static let stretchBytes = 1024

    /// PNG, annex D: the lowest bit first.
    static let png = CyclicPolynomial(0xEDB8_8320)
    /// LAME's frame of counts (CRC-16/ARC): the lowest bit first.
    static let lame = CyclicPolynomial(0xA001)
    /// RFC 3533, section 6: the highest bit first.
    static let ogg = CyclicPolynomial(highestFirst: 0x04C1_1DB7)
    /// RFC 9639, section 9.3: 16 bits, the highest first.
    static let flac = CyclicPolynomial(highestFirst: 0x8005 << 16)

    /// The lowest bit stands for the highest power.
    private init(_ polynomial: UInt32) {
        self.init { byte in (0..<8).reduce(byte) { sum, _ in sum >> 1 ^ (sum & 1 == 0 ? 0 : polynomial) } }
    }

    /// The highest of 32 bits stands for the highest power.
    private init(highestFirst polynomial: UInt32) {
        self.init { byte in
            (0..<8).reduce(byte << 24) { sum, _ in sum << 1 ^ (sum >> 31 == 0 ? 0 : polynomial) }.byteSwapped
        }
    }

    private init(_ ofByte: (UInt32) -> UInt32) {
        var table = (0..<256).map(ofByte)
        for index in 256..<4096 {
            let before = table[index - 256]
            table.append(before >> 8 ^ table[Int(before & 0xFF)])
        }
        let ofBits = (0..<32).map { CyclicCheck.sum(1 << $0, zeros: Self.stretchBytes, table) }
        self.table = table
        stretch = (0..<1024).map { index in
            (0..<8).reduce(0) { index >> $1 & 1 == 0 ? $0 : $0 ^ ofBits[index / 256 * 8 + $1] }
        }
    }
}

extension ArraySlice<UInt8> {
    /// Where these two bytes are for the first time.
    func firstPlace(of pair: [UInt8]) -> Index? {
        // Safe: memchr looks at no byte behind `rest`, which lies within the slice, and returns a place in it.
        unsafe withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return nil }
            var offset = 0
            while offset < bytes.count - 1 {
                guard let found = unsafe memchr(base + offset, Int32(pair[0]), bytes.count - 1 - offset) else {
                    return nil
                }
                offset = unsafe UnsafeRawPointer(found) - base + 1
                if unsafe bytes[offset] == pair[1] { return startIndex + offset - 1 }
            }
            return nil
        }
    }
}
