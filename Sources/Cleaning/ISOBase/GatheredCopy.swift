/// Writes a copy of many small pieces: new bytes are gathered before they become one part.
struct GatheredCopy {
    private var copy: CleanCopy
    private var pending: [UInt8] = []

    init(_ copy: CleanCopy = CleanCopy()) { self.copy = copy }

    /// Bytes of the copy so far.
    var size: Int64 { copy.size + Int64(pending.count) }

    /// The copy with everything that was appended.
    consuming func finished() -> CleanCopy {
        copy.append(pending)
        return copy
    }

    mutating func append(_ byte: UInt8) { pending.append(byte) }

    mutating func append(_ bytes: [UInt8]) { pending += bytes }

    mutating func append(original range: Range<Int64>) {
        if range.isEmpty { return }
        flush()
        copy.append(original: range)
    }

    mutating func append(zeros count: Int64) {
        if count == 0 { return }
        flush()
        copy.append(zeros: count)
    }

    mutating func append(_ other: CleanCopy) {
        for part in other.parts { append(part) }
    }

    mutating func append(_ part: CleanCopy.CopyPart) {
        switch part {
        case .bytes(let bytes): append(bytes)
        case .original(let range): append(original: range)
        case .zeros(let count): append(zeros: count)
        }
    }

    /// Appends a range of the original; what none of the sorted ranges `kept` has becomes zeros.
    mutating func append(_ range: Range<Int64>, keeping kept: [Range<Int64>]) {
        var position = range.lowerBound
        var index = kept.indexOfRange(at: position) ?? 0
        while position < range.upperBound, index < kept.count, kept[index].lowerBound < range.upperBound {
            let piece = kept[index].clamped(to: position..<range.upperBound)
            index += 1
            if piece.isEmpty { continue }
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

    private mutating func flush() {
        copy.append(pending)
        pending.removeAll(keepingCapacity: true)
    }
}
