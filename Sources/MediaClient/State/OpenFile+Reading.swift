import Blobs
package import Files
import Glibc

extension OpenFile {
    /// Everything from the current position to the end, or until `isWhole` is true of it; nil if that is more than
    /// `limitBytes`. Works on pipes.
    package borrowing func contents(
        limitBytes: Int64, until isWhole: ([UInt8]) -> Bool = { _ in false }
    ) throws(FileError) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = try readSome(into: &buffer)
            if count == 0 { return bytes }
            guard Int64(bytes.count) + Int64(count) <= limitBytes else { return nil }
            bytes += buffer[..<count]
            if isWhole(bytes) { return bytes }
        }
    }

    /// The same as text; nil also if it is not UTF-8.
    package borrowing func text(limitBytes: Int64) throws(FileError) -> String? {
        try contents(limitBytes: limitBytes).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Copies everything from the current position of this file or pipe to the current position of `other`. False, and
    /// no more than `limitBytes` copied, if there is more than that.
    @discardableResult
    package borrowing func copy(to other: borrowing OpenFile, limitBytes: Int64 = .max) throws(FileError) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 256 * 1024)
        var left = limitBytes
        while true {
            let count = try readSome(into: &buffer)
            if count == 0 { return true }
            guard Int64(count) <= left else { return false }
            try other.write(buffer[..<count])
            left -= Int64(count)
        }
    }

    /// Whether reading gives exactly the bytes of a regular file of the size that `fstat` names. That is not so for
    /// files of proc(5) and sysfs(5), nor where something has been read before.
    borrowing func isRegularAsItSays() throws(FileError) -> Bool {
        let status = try status()
        guard status.kind == .regular, status.size > 0, try position() == 0 else { return false }
        return try bytes(2, at: status.size - 1).count == 1
    }

    /// Up to `count` bytes at `offset`, from a file that can seek.
    borrowing func bytes(_ count: Int, at offset: Int64) throws(FileError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        // Safe: the span is used only inside this call, which holds the array exclusively.
        var elements = buffer.mutableSpan
        var span = unsafe elements.mutableBytes
        let filled = try read(into: &span, at: offset)
        return Array(buffer[..<filled])
    }

    /// A descriptor of its own for a stream that somebody else owns.
    package static func duplicating(_ descriptor: Int32) throws(FileError) -> OpenFile {
        let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard own >= 0 else { throw FileError(operation: "dup", path: "descriptor \(descriptor)", code: errno) }
        return OpenFile(owning: own, path: "descriptor \(descriptor)")
    }

    /// SHA-256 of the whole file.
    borrowing func address() throws(FileError) -> BlobAddress {
        var hasher = BlobHasher()
        var offset: Int64 = 0
        while true {
            let part = try bytes(256 * 1024, at: offset)
            if part.isEmpty { return hasher.address() }
            // Safe: the span is used only inside this call, while the array is alive.
            unsafe hasher.update(part.span.bytes)
            offset += Int64(part.count)
        }
    }

    /// Writes all of `bytes` at `offset`.
    borrowing func write(_ bytes: ArraySlice<UInt8>, at offset: Int64) throws(FileError) {
        // Safe: the span is used only inside this call, while the slice is alive.
        try unsafe write(bytes.span.bytes, at: offset)
    }

    /// Writes all of `bytes` at the current position.
    package borrowing func write(_ bytes: ArraySlice<UInt8>) throws(FileError) {
        // Safe: the span is used only inside this call, while the slice is alive.
        try unsafe write(bytes.span.bytes)
    }

    /// Waits for the file's lock, and holds it for as long as the file is open.
    borrowing func waitForLock() throws(FileError) {
        while flock(descriptor, LOCK_EX) != 0 {
            if errno != EINTR { throw FileError(operation: "flock", path: path, code: errno) }
        }
    }

    private borrowing func readSome(into buffer: inout [UInt8]) throws(FileError) -> Int {
        // Safe: as above.
        var elements = buffer.mutableSpan
        var span = unsafe elements.mutableBytes
        return try readSome(into: &span)
    }
}

extension OpenFile {
    /// One line from a terminal, without its end; at most 256 bytes.
    package borrowing func line() throws(FileError) -> String {
        var line: [UInt8] = []
        while line.count < 256 {
            var next: [UInt8] = [0]
            guard try readSome(into: &next) == 1, next != [0x0a] else { break }
            line += next
        }
        return String(decoding: line, as: UTF8.self)
    }
}
extension OpenFile {
    /// Passes on every line of the file, without its end; those longer than `limitBytes` are skipped.
    borrowing func forEachLine(
        limitBytes: Int, _ body: ([UInt8]) throws(FileError) -> Void
    ) throws(FileError) {
        var line: [UInt8] = []
        var isTooLong = false
        var offset: Int64 = 0
        while true {
            let piece = try bytes(64 * 1024, at: offset)
            if piece.isEmpty { break }
            offset += Int64(piece.count)
            var rest = piece[...]
            while let end = rest.firstIndex(of: 0x0a) {
                if !isTooLong, line.count + rest[..<end].count <= limitBytes { try body(line + rest[..<end]) }
                line = []
                isTooLong = false
                rest = rest[(end + 1)...]
            }
            isTooLong = isTooLong || line.count + rest.count > limitBytes
            if isTooLong { line = [] } else { line += rest }
        }
        if !line.isEmpty { try body(line) }
    }
}
