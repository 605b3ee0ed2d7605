/// A table of numbers of equal width in a file, read in pieces: a table of any length takes 32 KiB.
package struct NumberTable {
    private static let pieceEntries = 4096

    private let source: SourceBytes
    private let start: Int64
    private let width: Int
    package let count: Int64
    private var piece: [UInt64] = []
    private var pieceStart: Int64 = 0

    /// The table of `count` numbers of `width` bytes each, 1 to 8, at `start`; the caller has checked that it is there.
    package init(_ source: SourceBytes, at start: Int64, width: Int, count: Int64) {
        self.source = source
        self.start = start
        self.width = width
        self.count = count
    }

    /// The number at `index`, which is less than `count`.
    package mutating func number(at index: Int64) throws(CleaningError) -> UInt64 {
        if index < pieceStart || index >= pieceStart + Int64(piece.count) { try load(index) }
        return piece[Int(index - pieceStart)]
    }

    private mutating func load(_ index: Int64) throws(CleaningError) {
        guard index >= 0, index < count else { throw .corrupt("a table is shorter than it should be") }
        let entries = Int(min(Int64(Self.pieceEntries), count - index))
        let bytes = try source.bytes(entries * width, at: start + index * Int64(width))
        piece.removeAll(keepingCapacity: true)
        piece.reserveCapacity(entries)
        var value: UInt64 = 0
        var left = width
        for byte in bytes {
            value = value << 8 | UInt64(byte)
            left -= 1
            if left == 0 {
                piece.append(value)
                value = 0
                left = width
            }
        }
        pieceStart = index
    }
}
