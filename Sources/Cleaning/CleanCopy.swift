package import Files

/// A copy of a file without what it tells beside its picture, film or sound: parts of the original and new bytes, in the
/// order in which they are written. Memory grows with the number of parts, not with their size.
package struct CleanCopy: Sendable {
    /// One part of the copy.
    package enum CopyPart: Hashable, Sendable {
        case bytes([UInt8])
        /// Bytes of the original, unchanged.
        case original(Range<Int64>)
        /// Zeros, where something stays in its place because others point behind it.
        case zeros(Int64)
    }

    package private(set) var parts: [CopyPart] = []
    /// Bytes of the copy.
    package private(set) var size: Int64 = 0

    package init() {}

    package mutating func append(_ bytes: [UInt8]) {
        if bytes.isEmpty { return }
        size += Int64(bytes.count)
        if case .bytes(let before)? = parts.last {
            parts[parts.count - 1] = .bytes(before + bytes)
        } else {
            parts.append(.bytes(bytes))
        }
    }

    /// Appends bytes of the original, which lie within it.
    package mutating func append(original range: Range<Int64>) {
        if range.isEmpty { return }
        size += Int64(range.count)
        if case .original(let before)? = parts.last, before.upperBound == range.lowerBound {
            parts[parts.count - 1] = .original(before.lowerBound..<range.upperBound)
        } else {
            parts.append(.original(range))
        }
    }

    package mutating func append(zeros count: Int64) {
        if count == 0 { return }
        size += count
        if case .zeros(let before)? = parts.last {
            parts[parts.count - 1] = .zeros(before + count)
        } else {
            parts.append(.zeros(count))
        }
    }

    /// Writes the copy of `input` from the first byte of `output` on; the positions of both do not change.
    package func write(from input: borrowing OpenFile, to output: borrowing OpenFile) throws(CleaningError) {
        var position: Int64 = 0
        var buffer: [UInt8] = []
        do throws(FileError) {
            for part in parts {
                switch part {
                case .bytes(let bytes):
                    try output.write(bytes, at: position)
                    position += Int64(bytes.count)
                case .zeros(let count):
                    for piece in Self.pieces(of: 0..<count) {
                        try output.write([UInt8](repeating: 0, count: piece.count), at: position)
                        position += Int64(piece.count)
                    }
                case .original(let range):
                    for piece in Self.pieces(of: range) {
                        if buffer.count != piece.count { buffer = [UInt8](repeating: 0, count: piece.count) }
                        guard try input.read(into: &buffer, at: piece.lowerBound) == piece.count else {
                            throw FileError(operation: "pread", path: input.path, code: 5)  // EIO: it was cut short
                        }
                        try output.write(buffer, at: position)
                        position += Int64(piece.count)
                    }
                }
            }
        } catch {
            throw .file(error)
        }
    }

    private static func pieces(of range: Range<Int64>) -> some Sequence<Range<Int64>> {
        stride(from: range.lowerBound, to: range.upperBound, by: 256 << 10).lazy.map {
            $0..<min(range.upperBound, $0 + 256 << 10)
        }
    }
}
