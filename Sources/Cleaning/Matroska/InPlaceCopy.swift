/// A copy in which everything stays where it was: some ranges are replaced, in the order in which they come.
struct InPlaceCopy {
    private(set) var copy = CleanCopy()
    /// Up to here the copy is written.
    private var end: Int64 = 0

    /// Puts `bytes` in the place of as many.
    mutating func replace(at offset: Int64, with bytes: [UInt8]) {
        copy.append(original: end..<offset)
        copy.append(bytes)
        end = offset + Int64(bytes.count)
    }

    mutating func blank(_ range: Range<Int64>) {
        copy.append(original: end..<range.lowerBound)
        copy.append(zeros: Int64(range.count))
        end = range.upperBound
    }

    /// Makes the element at `range` a Void element of zeros.
    mutating func void(_ range: Range<Int64>) {
        let header = Ebml.voidHeader(Int64(range.count))
        replace(at: range.lowerBound, with: header)
        blank(range.lowerBound + Int64(header.count)..<range.upperBound)
    }

    /// Keeps the rest up to `offset`, and nothing behind it.
    mutating func finish(at offset: Int64) {
        copy.append(original: end..<offset)
        end = offset
    }
}
