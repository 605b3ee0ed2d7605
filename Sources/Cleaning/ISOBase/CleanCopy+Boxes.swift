/// Boxes, and parts that stay in their place.
extension CleanCopy {
    /// Appends a range of the original; what none of the ranges `kept` has becomes zeros.
    mutating func append(_ range: Range<Int64>, keeping kept: SortedRanges) {
        var position = range.lowerBound
        for piece in kept.overlapping(range) {
            append(zeros: piece.lowerBound - position)
            append(original: piece)
            position = piece.upperBound
        }
        append(zeros: range.upperBound - position)
    }

    /// Appends a `free` box of this size, at least 8 bytes, that holds zeros.
    mutating func append(free size: Int64) {
        let isLarge = size > Int64(UInt32.max)
        append(BigEndian.bytes(isLarge ? 1 : UInt32(size)) + BoxType("free").bytes)
        if isLarge { append(BigEndian.bytes(UInt64(size))) }
        append(zeros: size - (isLarge ? 16 : 8))
    }
}
