package import Files

/// The bytes of a file, read at any place; small reads near each other cost one system call. Used by one task.
package final class SourceBytes {
    /// How much is read ahead where reads follow each other; elsewhere, a sixteenth of it.
    private let windowBytes: Int

    private let file: OpenFile
    /// Bytes of the file.
    package let count: Int64
    private var window: [UInt8] = []
    /// Where the window lies in the file.
    private var filled: Range<Int64> = 0..<0

    /// Reads `file` by offset: its own position is not used and does not change.
    package init(_ file: borrowing OpenFile, windowBytes: Int = 64 << 10) throws(CleaningError) {
        self.windowBytes = windowBytes
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
        if offset < filled.lowerBound || offset + Int64(count) > filled.upperBound {
            try fill(from: offset, atLeast: count)
        }
        let first = Int(offset - filled.lowerBound)
        return window[first..<first + count]
    }

    private func fill(from offset: Int64, atLeast count: Int) throws(CleaningError) {
        let follows = offset >= filled.lowerBound && offset - filled.upperBound < Int64(windowBytes / 16)
        let wanted = Int(min(Int64(max(count, follows ? windowBytes : windowBytes / 16)), self.count - offset))
        filled = offset..<offset
        if window.count < wanted || window.count > max(wanted, windowBytes) {
            window = [UInt8](repeating: 0, count: wanted)
        }
        do throws(FileError) {
            filled = offset..<offset + Int64(try file.read(wanted, into: &window, at: offset))
        } catch {
            throw .file(error)
        }
        // Where there is less, the file has been cut since.
        guard filled.count >= count else { throw .truncated }
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
