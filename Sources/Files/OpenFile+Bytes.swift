import CLinux
import Glibc

/// Reading and writing.
extension OpenFile {
    /// Reads from the current position until `buffer` is full or the file ends; returns the number of bytes.
    package borrowing func read(into buffer: inout MutableRawSpan) throws(FileError) -> Int {
        var filled = 0
        while filled < buffer.byteCount {
            var rest = buffer._mutatingExtracting(filled...)
            let count = try readSome(into: &rest)
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Reads what one call returns, at least one byte unless the file has ended: for pipes and terminals.
    package borrowing func readSome(into buffer: inout MutableRawSpan) throws(FileError) -> Int {
        let descriptor = self.descriptor
        // Safe: the call writes at most `count` bytes into a buffer that this call holds exclusively.
        return try unsafe transferring("read", path, &buffer) { start, count in
            unsafe Glibc.read(descriptor, start, count)
        }
    }

    /// Reads at `offset` until `buffer` is full or the file ends; returns the number of bytes.
    package borrowing func read(into buffer: inout MutableRawSpan, at offset: Int64) throws(FileError) -> Int {
        let descriptor = self.descriptor
        var filled = 0
        while filled < buffer.byteCount {
            var rest = buffer._mutatingExtracting(filled...)
            let position = off_t(offset) + off_t(filled)
            // Safe: as above.
            let count = try unsafe transferring("pread", path, &rest) { start, count in
                unsafe pread(descriptor, start, count, position)
            }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Reads at `offset` what is in the page cache (`preadv2` with RWF_NOWAIT); returns the number of bytes: less than
    /// `buffer` holds if the disk would have to be read, the file ends, or the file system cannot tell.
    package borrowing func readResident(into buffer: inout MutableRawSpan, at offset: Int64) -> Int {
        let descriptor = self.descriptor
        // Safe: the call writes at most `count` bytes into a buffer that this call holds exclusively.
        return unsafe buffer.withUnsafeMutableBytes { bytes in
            var filled = 0
            while filled < bytes.count {
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[filled...])
                let count = unsafe clinux_read_resident(
                    descriptor, rest.baseAddress, UInt(rest.count), Int(offset) + filled)
                if count == 0 || count < 0 && errno != EINTR { break }
                filled += max(count, 0)
            }
            return filled
        }
    }

    /// Writes all of `bytes` at the current position.
    package borrowing func write(_ bytes: RawSpan) throws(FileError) {
        let descriptor = self.descriptor
        // Safe: the call reads at most `count` bytes of a span that outlives it.
        try unsafe writing("write", path, bytes) { start, count, _ in unsafe Glibc.write(descriptor, start, count) }
    }

    /// Writes all of `bytes` at `offset`.
    package borrowing func write(_ bytes: RawSpan, at offset: Int64) throws(FileError) {
        let descriptor = self.descriptor
        // Safe: as above.
        try unsafe writing("pwrite", path, bytes) { start, count, done in
            unsafe pwrite(descriptor, start, count, off_t(offset) + off_t(done))
        }
    }
}

/// The same for arrays of bytes, so that callers need no spans.
extension OpenFile {
    /// Writes all of `bytes` at the current position.
    package borrowing func write(_ bytes: [UInt8]) throws(FileError) {
        // Safe: every bit pattern is a byte, here and below.
        try unsafe write(bytes.span.bytes)
    }

    /// Writes all of `bytes` at `offset`.
    package borrowing func write(_ bytes: [UInt8], at offset: Int64) throws(FileError) {
        try unsafe write(bytes.span.bytes, at: offset)
    }

    /// Reads from the current position until `buffer` is full or the file ends; returns the number of bytes.
    package borrowing func read(into buffer: inout [UInt8]) throws(FileError) -> Int {
        var span = buffer.mutableSpan
        var bytes = unsafe span.mutableBytes
        return try read(into: &bytes)
    }

    /// Reads at `offset` until `buffer` is full or the file ends; returns the number of bytes.
    package borrowing func read(into buffer: inout [UInt8], at offset: Int64) throws(FileError) -> Int {
        var span = buffer.mutableSpan
        var bytes = unsafe span.mutableBytes
        return try read(into: &bytes, at: offset)
    }

    /// Reads `count` bytes at `offset` into the start of `buffer`, which has room for them; returns how many there were.
    package borrowing func read(_ count: Int, into buffer: inout [UInt8], at offset: Int64) throws(FileError) -> Int {
        precondition(count >= 0 && count <= buffer.count, "what is read has room")
        var span = buffer.mutableSpan
        var bytes = unsafe span.mutableBytes
        var start = bytes._mutatingExtracting(..<count)
        return try read(into: &start, at: offset)
    }
}

/// Dates.
extension OpenFile {
    /// Sets when the file was modified, in seconds since 1970.
    package borrowing func setModified(_ seconds: Int64) throws(FileError) {
        let descriptor = self.descriptor
        var times = (timespec(), timespec())
        times.0.tv_sec = Int(seconds)
        times.1.tv_sec = Int(seconds)
        _ = try retrying("futimens", path) {
            // Safe: the call reads two times, which lie one behind the other in a tuple.
            unsafe withUnsafeBytes(of: &times) { bytes in
                unsafe futimens(descriptor, bytes.bindMemory(to: timespec.self).baseAddress)
            }
        }
    }
}

/// Writing back ahead of the sync that makes bytes durable, so that little is left for it.
extension OpenFile {
    /// Starts writing `count` bytes from `offset` to disk, without waiting. This makes nothing durable.
    package borrowing func startWriteBack(from offset: Int64, count: Int64) throws(FileError) {
        try writeBack(from: offset, count: count, flags: 2)  // SYNC_FILE_RANGE_WRITE
    }

    /// Waits until `count` bytes from `offset` are written. This makes nothing durable, but an error is final.
    package borrowing func finishWriteBack(from offset: Int64, count: Int64) throws(FileError) {
        // SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER
        try writeBack(from: offset, count: count, flags: 1 | 2 | 4)
    }

    private borrowing func writeBack(from offset: Int64, count: Int64, flags: UInt32) throws(FileError) {
        let descriptor = self.descriptor
        _ = try retrying("sync_file_range", path) { sync_file_range(descriptor, Int(offset), Int(count), flags) }
    }
}

// MARK: System calls

@unsafe private func transferring(
    _ operation: String, _ path: String, _ buffer: inout MutableRawSpan,
    _ call: (UnsafeMutableRawPointer?, Int) -> Int
) throws(FileError) -> Int {
    while true {
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe call(bytes.baseAddress, bytes.count)
        }
        if count >= 0 { return count }
        if errno != EINTR { throw FileError(operation: operation, path: path, code: errno) }
    }
}

@unsafe private func writing(
    _ operation: String, _ path: String, _ bytes: RawSpan, _ call: (UnsafeRawPointer?, Int, Int) -> Int
) throws(FileError) {
    var done = 0
    while done < bytes.byteCount {
        let rest = bytes.extracting(done...)
        let count = unsafe rest.withUnsafeBytes { buffer in unsafe call(buffer.baseAddress, buffer.count, done) }
        if count > 0 {
            done += count
        } else if count == 0 || errno != EINTR {
            throw FileError(operation: operation, path: path, code: count == 0 ? EIO : errno)
        }
    }
}
