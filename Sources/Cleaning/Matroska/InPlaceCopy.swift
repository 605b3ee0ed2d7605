/// A copy in which everything stays where it was: some ranges are replaced, in the order in which they come.
struct InPlaceCopy {
    /// Replacements: together 50 MiB of memory.
    private static let limit = 1 << 18

    private(set) var copy = CleanCopy()
    private var count = 0
    /// Up to here the copy is written.
    private var end: Int64 = 0

    /// Puts `bytes` in the place of as many.
    mutating func replace(at offset: Int64, with bytes: [UInt8]) throws(CleaningError) {
        copy.append(original: end..<offset)
        copy.append(bytes)
        end = offset + Int64(bytes.count)
        count += 1
        if count > Self.limit { throw .excessive("more than \(Self.limit) parts that have to go") }
    }

    /// Puts a copy of as many bytes in the place of a range.
    mutating func replace(_ range: Range<Int64>, with part: CleanCopy) throws(CleaningError) {
        try replace(at: range.lowerBound, with: [])
        copy.append(partsOf: part)
        end = range.upperBound
    }

    mutating func blank(_ range: Range<Int64>) throws(CleaningError) {
        if range.count <= 256 {
            try replace(at: range.lowerBound, with: [UInt8](repeating: 0, count: range.count))
        } else {
            try replace(at: range.lowerBound, with: [])
            copy.append(zeros: Int64(range.count))
            end = range.upperBound
        }
    }

    /// Makes the element at `range` a Void element of zeros.
    mutating func void(_ range: Range<Int64>) throws(CleaningError) {
        let header = Ebml.voidHeader(Int64(range.count))
        try replace(at: range.lowerBound, with: header)
        try blank(range.lowerBound + Int64(header.count)..<range.upperBound)
    }

    /// Keeps the rest up to `offset`, and nothing behind it.
    mutating func finish(at offset: Int64) {
        copy.append(original: end..<offset)
        end = offset
    }
}
