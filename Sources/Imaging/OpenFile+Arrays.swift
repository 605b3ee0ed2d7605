import Files

extension OpenFile {
    /// Reads at `offset` until `count` bytes of `buffer`, which has as many, are filled or the file ends; tells how
    /// many bytes came.
    borrowing func read(
        _ count: Int, into buffer: inout [UInt8], at offset: Int64
    ) throws(ImagingError) -> Int {
        var span = buffer.mutableSpan
        // Safe: every byte pattern is a byte, here and below.
        var bytes = unsafe span.mutableBytes
        var part = bytes._mutatingExtracting(first: count)
        do { return try read(into: &part, at: offset) } catch { throw .file(error) }
    }

    /// Writes the first `count` bytes of `buffer` at `offset`.
    borrowing func write(_ count: Int, of buffer: [UInt8], at offset: Int64) throws(ImagingError) {
        do {
            try unsafe write(buffer.span.bytes.extracting(first: count), at: offset)
        } catch {
            throw .file(error)
        }
    }
}
