/// Text inputs are lines, so that seeds can be read and a dictionary of words helps.
struct Lines {
    private var rest: ArraySlice<String>

    init(_ bytes: [UInt8]) {
        rest =
            bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }[...]
    }

    /// The next line; nil when there is none, or it is empty.
    mutating func next() -> String? {
        guard let line = rest.popFirst(), !line.isEmpty else { return nil }
        return line
    }

    /// All that are left.
    mutating func remaining() -> [String] {
        defer { rest = [] }
        return Array(rest)
    }
}

/// Inputs that steer what is done to bytes are numbers, from the front.
struct Numbers {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isEmpty: Bool { rest.isEmpty }

    /// The next byte; 0 when there is none.
    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    /// A number below `limit`, which is 1 or more, from three bytes.
    mutating func number(below limit: Int) -> Int {
        (Int(byte()) << 16 | Int(byte()) << 8 | Int(byte())) % limit
    }
}
