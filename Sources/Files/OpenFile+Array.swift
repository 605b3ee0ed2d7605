/// The same reads and writes for arrays of bytes, so that callers spell no span.
extension OpenFile {
    /// Writes all of `bytes` at the current position.
    package borrowing func write(_ bytes: [UInt8]) throws(FileError) {
        // Safe: every pattern of bits is a byte, here and below.
        try unsafe write(bytes.span.bytes)
    }

    /// Writes all of `bytes` at `offset`.
    package borrowing func write(_ bytes: [UInt8], at offset: Int64) throws(FileError) {
        try unsafe write(bytes.span.bytes, at: offset)
    }

    /// Reads from the current position until `buffer` is full or the file ends; tells how many bytes came.
    package borrowing func read(into buffer: inout [UInt8]) throws(FileError) -> Int {
        var span = buffer.mutableSpan
        var bytes = unsafe span.mutableBytes
        return try read(into: &bytes)
    }

    /// Reads at `offset` until `buffer` is full or the file ends; tells how many bytes came.
    package borrowing func read(into buffer: inout [UInt8], at offset: Int64) throws(FileError) -> Int {
        var span = buffer.mutableSpan
        var bytes = unsafe span.mutableBytes
        return try read(into: &bytes, at: offset)
    }
}
