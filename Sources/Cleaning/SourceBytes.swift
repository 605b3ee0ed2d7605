package import Files

/// The bytes of a file, read at any place; small reads near each other cost one system call. Used by one task.
package final class SourceBytes {
    /// How much is read ahead.
    private static let windowBytes = 64 << 10

    private let file: OpenFile
    /// Bytes of the file.
    package let count: Int64
    private var window: [UInt8] = []
    private var windowStart: Int64 = 0

    /// Reads `file` by offset: its own position is not used and does not change.
    package init(_ file: borrowing OpenFile) throws(CleaningError) {
        do throws(FileError) {
            self.file = try file.duplicate()
            count = try file.size()
        } catch {
            throw .file(error)
        }
    }

    /// The `count` bytes at `offset`; throws `.truncated` where there are fewer. For small things: what is large is
    /// copied by `CleanCopy`, never held.
    package func bytes(_ count: Int, at offset: Int64) throws(CleaningError) -> ArraySlice<UInt8> {
        guard offset >= 0, count >= 0, offset <= self.count, Int64(count) <= self.count - offset else {
            throw .truncated
        }
        if offset < windowStart || offset + Int64(count) > windowStart + Int64(window.count) {
            try fill(from: offset, atLeast: count)
        }
        let first = Int(offset - windowStart)
        return window[first..<first + count]
    }

    private func fill(from offset: Int64, atLeast count: Int) throws(CleaningError) {
        let wanted = Int(min(Int64(max(count, Self.windowBytes)), self.count - offset))
        window = [UInt8](repeating: 0, count: wanted)
        windowStart = offset
        // Where it gives less, the file has been cut since.
        do throws(FileError) { window.removeLast(wanted - (try file.read(into: &window, at: offset))) } catch {
            throw .file(error)
        }
        guard window.count >= count else { throw .truncated }
    }
}

extension SourceBytes {
    package func byte(at offset: Int64) throws(CleaningError) -> UInt8 {
        let bytes = try bytes(1, at: offset)
        return bytes[bytes.startIndex]
    }

    /// A number of `count` bytes, at most 8, the highest first.
    package func bigEndian(_ count: Int, at offset: Int64) throws(CleaningError) -> UInt64 {
        try bytes(count, at: offset).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// A number of `count` bytes, at most 8, the lowest first.
    package func littleEndian(_ count: Int, at offset: Int64) throws(CleaningError) -> UInt64 {
        try bytes(count, at: offset).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
