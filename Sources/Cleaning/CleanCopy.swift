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
    }

    package private(set) var parts = CopyParts()
    /// Bytes of the copy.
    package private(set) var size: Int64 = 0

    package init() {}

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

    /// Appends a part of another copy of the same file.
    package mutating func append(_ part: CopyPart) {
        switch part {
        case .bytes(let bytes): append(bytes)
        case .original(let range): append(original: range)
        case .zeros(let count): append(zeros: count)
        }
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
            case .zeros(let count):
                var left = count
                while left > 0 {
                    let zeros = [UInt8](repeating: 0, count: Int(min(left, Int64(blocks.room))))
                    left -= Int64(try blocks.write(zeros[...], to: output, progress))
                }
            case .original(let range):
                var rest = range
                while !rest.isEmpty {
                    let bytes = try source.bytes(min(rest.count, blocks.room), at: rest.lowerBound)
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

    mutating func finish(_ output: borrowing OpenFile, _ progress: (Int64) -> Void) throws(CleaningError) {
        do throws(FileError) { try output.write(block, at: position) } catch { throw .output(error) }
        position += Int64(block.count)
        block.removeAll(keepingCapacity: true)
        progress(position)
    }
}
