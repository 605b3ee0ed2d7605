/// Reads fields one after the other from bytes in memory; each length is checked against what is left.
package struct FieldReader {
    private var left: ArraySlice<UInt8>
    private let name: String

    /// Reads `bytes`; errors call them the box `name`.
    package init(_ bytes: [UInt8], of name: String) {
        left = bytes[...]
        self.name = name
    }

    package var count: Int { left.count }
    package var rest: [UInt8] { Array(left) }

    package mutating func bytes(_ count: Int) throws(CleaningError) -> [UInt8] {
        guard count >= 0, count <= left.count else { throw .corrupt("the box “\(name)” is too short") }
        defer { left = left.dropFirst(count) }
        return Array(left.prefix(count))
    }

    /// A number of `count` bytes, at most 8.
    package mutating func number(_ count: Int) throws(CleaningError) -> UInt64 {
        try bytes(count).reduce(0) { $0 << 8 | UInt64($1) }
    }

    package mutating func skip(_ count: Int) throws(CleaningError) { _ = try bytes(count) }

    /// The bytes that were read since `earlier`, a copy of this reader.
    package func taken(since earlier: FieldReader) -> [UInt8] { Array(earlier.left.prefix(earlier.count - count)) }

    /// The bytes before the next zero, which is read too; all bytes where there is none.
    package mutating func text() -> [UInt8] {
        let text = left.prefix { $0 != 0 }
        left = left.dropFirst(text.count + 1)
        return Array(text)
    }
}
