package import Files

/// A copy of a file without what it tells beside its picture, film or sound: parts of the original and new bytes, in the
/// order in which they are written. Memory grows with the number of parts, a few bytes each, not with their size.
package struct CleanCopy: Sendable {
    /// One part of the copy.
    package enum CopyPart: Hashable, Sendable {
        case bytes([UInt8])
        /// Bytes of the original, unchanged.
        case original(Range<Int64>)
        /// Zeros, where something stays in its place because others point behind it.
        case zeros(Int64)
        /// Bytes 0xFF, where zeros would mean something.
        case filler(Int64)
        /// Of the original, the first `kept` bytes of every `period`, and zeros in the place of the others.
        case columns(Range<Int64>, period: Int, kept: Int)
    }

    package private(set) var parts = CopyParts()
    /// Bytes of the copy.
    package private(set) var size: Int64 = 0

    package init() {}

    /// A part of the original alone.
    init(original range: Range<Int64>) { append(original: range) }

    package mutating func append(_ bytes: [UInt8]) {
        if bytes.isEmpty { return }
        size += Int64(bytes.count)
        parts.append(bytes)
    }

    /// Appends bytes of the original, which lie within it.
    package mutating func append(original range: Range<Int64>) {
        if range.isEmpty { return }
        size += Int64(range.count)
        parts.append(original: range)
    }

    package mutating func append(zeros count: Int64) {
        if count == 0 { return }
        size += count
        parts.append(zeros: count)
    }

    package mutating func append(filler count: Int64) {
        if count == 0 { return }
        size += count
        parts.append(filler: count)
    }

    /// Appends bytes of the original, of which only the first `kept` of every `period` stay.
    package mutating func append(columns range: Range<Int64>, period: Int, kept: Int) {
        if range.isEmpty { return }
        size += Int64(range.count)
        parts.append(columns: range, period: period, kept: kept)
    }

    /// Appends a part of another copy of the same file.
    package mutating func append(_ part: CopyPart) {
        switch part {
        case .bytes(let bytes): append(bytes)
        case .original(let range): append(original: range)
        case .zeros(let count): append(zeros: count)
        case .filler(let count): append(filler: count)
        case .columns(let range, let period, let kept): append(columns: range, period: period, kept: kept)
        }
    }

    /// Appends the parts of another copy of the same file.
    mutating func append(partsOf other: CleanCopy) {
        for part in other.parts { append(part) }
    }

    /// The same with as many other bytes in the place of ranges of the original, which come in the file's order, apart
    /// from each other. One that is copied in part is an error.
    func replacing(
        _ ranges: [Range<Int64>], by replacement: (Range<Int64>) throws(CleaningError) -> CleanCopy
    ) throws(CleaningError) -> CleanCopy {
        if ranges.isEmpty { return self }
        var copy = CleanCopy()
        for part in parts {
            guard case .original(let whole) = part else {
                copy.append(part)
                continue
            }
            var position = whole.lowerBound
            var index = ranges.firstIndex(behind: position)
            while index < ranges.count, ranges[index].lowerBound < whole.upperBound {
                let range = ranges[index]
                guard position <= range.lowerBound, range.upperBound <= whole.upperBound else {
                    throw .unsupported("samples that lie within each other")
                }
                copy.append(original: position..<range.lowerBound)
                copy.append(partsOf: try replacement(range))
                position = range.upperBound
                index += 1
            }
            copy.append(original: position..<whole.upperBound)
        }
        return copy
    }

    /// Writes the copy of `input` from the first byte of `output` on; the positions of both do not change. `progress` is
    /// told the bytes written so far, after each block.
    package func write(
        from input: borrowing OpenFile, to output: borrowing OpenFile, progress: (Int64) -> Void = { _ in }
    ) throws(CleaningError) {
        var blocks = BlockWriter()
        let source = try SourceBytes(input, windowBytes: BlockWriter.blockBytes)
        for part in parts {
            switch part {
            case .bytes(let bytes):
                var rest = bytes[...]
                while !rest.isEmpty { rest = rest.dropFirst(try blocks.write(rest, to: output, progress)) }
            case .zeros(let count): try blocks.write(0, count, to: output, progress)
            case .filler(let count): try blocks.write(0xFF, count, to: output, progress)
            case .original(let range):
                var rest = range
                while !rest.isEmpty {
                    let bytes = try source.bytes(min(rest.count, blocks.room), at: rest.lowerBound)
                    rest = rest.lowerBound + Int64(try blocks.write(bytes, to: output, progress))..<rest.upperBound
                }
            case .columns(let range, let period, let kept):
                var rest = range
                while !rest.isEmpty {
                    var bytes = try source.bytes(min(rest.count, blocks.room), at: rest.lowerBound)
                    bytes.clear(from: Int(rest.lowerBound - range.lowerBound), period: period, kept: kept)
                    rest = rest.lowerBound + Int64(try blocks.write(bytes, to: output, progress))..<rest.upperBound
                }
            }
        }
        try blocks.finish(output, progress)
    }
}

/// Gathers what is written, large or small, to blocks of half a mebibyte. All begin at a multiple of their size, since
/// writes that share a page with another cost a third more.
private struct BlockWriter {
    static let blockBytes = 512 << 10

    private var block: [UInt8] = []
    private var position: Int64 = 0

    init() { block.reserveCapacity(Self.blockBytes) }

    /// How much the block still takes; at least one byte.
    var room: Int { Self.blockBytes - block.count }

    /// Takes as many bytes as there is room for, and returns their number.
    mutating func write(
        _ bytes: ArraySlice<UInt8>, to output: borrowing OpenFile, _ progress: (Int64) -> Void
    ) throws(CleaningError) -> Int {
        let taken = bytes.prefix(room)
        block += taken
        if room == 0 { try finish(output, progress) }
        return taken.count
    }

    /// Writes one byte `count` times.
    mutating func write(
        _ byte: UInt8, _ count: Int64, to output: borrowing OpenFile, _ progress: (Int64) -> Void
    ) throws(CleaningError) {
        var left = count
        while left > 0 {
            let same = [UInt8](repeating: byte, count: Int(min(left, Int64(room))))
            left -= Int64(try write(same[...], to: output, progress))
        }
    }

    mutating func finish(_ output: borrowing OpenFile, _ progress: (Int64) -> Void) throws(CleaningError) {
        do throws(FileError) { try output.write(block, at: position) } catch { throw .output(error) }
        position += Int64(block.count)
        block.removeAll(keepingCapacity: true)
        progress(position)
    }
}

extension ArraySlice<UInt8> {
    /// Zeros what lies behind the first `kept` bytes of every `period`; the slice begins `offset` bytes behind the start of
    /// a period.
    fileprivate mutating func clear(from offset: Int, period: Int, kept: Int) {
        var column = offset % period
        for index in indices {
            if column >= kept { self[index] = 0 }
            column = column + 1 == period ? 0 : column + 1
        }
    }
}

extension [Range<Int64>] {
    /// The first of these ranges, which are in order, that ends behind `offset`.
    fileprivate func firstIndex(behind offset: Int64) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].upperBound <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
