/// The check of PNG's chunks (PNG, annex D; ISO 3309), eight bytes at a time.
struct CRC32 {
    private var state: UInt32 = ~0

    /// For each byte, then the same with one to seven zero bytes behind it.
    private static let table: [UInt32] = {
        var table = [UInt32](repeating: 0, count: 2048)
        for byte in 0..<256 {
            table[byte] = (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
        for index in 256..<2048 {
            let before = table[index - 256]
            table[index] = before >> 8 ^ table[Int(before & 0xFF)]
        }
        return table
    }()

    mutating func add(_ bytes: ArraySlice<UInt8>) {
        let table = Self.table.span
        let bytes = bytes.span
        var state = state
        var index = 0
        while index + 8 <= bytes.count {
            let first = table[1792 | Int(UInt8(truncatingIfNeeded: state) ^ bytes[index])]
            let second = table[1536 | Int(UInt8(truncatingIfNeeded: state >> 8) ^ bytes[index + 1])]
            let third = table[1280 | Int(UInt8(truncatingIfNeeded: state >> 16) ^ bytes[index + 2])]
            let fourth = table[1024 | Int(UInt8(truncatingIfNeeded: state >> 24) ^ bytes[index + 3])]
            let fifth = table[768 | Int(bytes[index + 4])]
            let sixth = table[512 | Int(bytes[index + 5])]
            let seventh = table[256 | Int(bytes[index + 6])]
            state = (first ^ second) ^ (third ^ fourth) ^ (fifth ^ sixth) ^ (seventh ^ table[Int(bytes[index + 7])])
            index += 8
        }
        while index < bytes.count {
            state = state >> 8 ^ table[Int((state ^ UInt32(bytes[index])) & 0xFF)]
            index += 1
        }
        self.state = state
    }

    var value: UInt32 { ~state }
}
