import Files

/// Conversions between arrays and spans of bytes. Any bit pattern is a byte, so what is unsafe for types in general is safe
/// here.
extension Array<UInt8> {
    /// A copy of the bytes of a span.
    init(_ span: RawSpan) {
        // Safe: copied before the span ends.
        self = unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// Passes the bytes to `body`.
    func withBytes<Result, Failure: Error>(_ body: (RawSpan) throws(Failure) -> Result) throws(Failure) -> Result {
        // Safe: bytes have no uninitialised padding.
        try body(unsafe span.bytes)
    }

    /// Passes the bytes to `body` for writing.
    mutating func withMutableBytes<Result, Failure: Error>(
        _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var elements = mutableSpan
        // Safe: every byte is a UInt8.
        var bytes = unsafe elements.mutableBytes
        return try body(&bytes)
    }
}

extension RawSpan {
    /// The byte at `offset`, which is inside the span.
    func byte(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount, "an offset inside the span")
        // Safe: checked above, and any byte is a UInt8.
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }
}

extension RawSpan {
    /// Whether all bytes are zero.
    var isZero: Bool {
        let wordBytes = UInt64.bitWidth / 8
        let wholeWords = byteCount / wordBytes * wordBytes
        var seen: UInt64 = 0
        for offset in stride(from: 0, to: wholeWords, by: wordBytes) {
            // Safe: a whole word starts at the offset, and any eight bytes are a UInt64.
            seen |= unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
        }
        for offset in wholeWords..<byteCount { seen |= UInt64(byte(at: offset)) }
        return seen == 0
    }
}

// MARK: Files

/// The size of a regular file; throws `.notAFile` for anything else.
func regularSize(of file: borrowing OpenFile) throws(SealingError) -> Int64 {
    let status = try onFile { () throws(FileError) in try file.status() }
    guard status.kind == .regular else { throw .notAFile(path: file.path) }
    return status.size
}

/// Runs file operations and translates their error.
func onFile<Result>(_ body: () throws(FileError) -> Result) throws(SealingError) -> Result {
    do throws(FileError) { return try body() } catch { throw .file(error) }
}

/// Reads up to `count` bytes at `offset` into the start of `buffer`; returns how many.
func read(
    _ count: Int, from file: borrowing OpenFile, at offset: Int64, into buffer: inout [UInt8]
) throws(SealingError) -> Int {
    try buffer.withMutableBytes { bytes throws(SealingError) in
        var part = bytes._mutatingExtracting(..<count)
        return try onFile { () throws(FileError) in try file.read(into: &part, at: offset) }
    }
}

/// Writes the first bytes of `buffer` at `offset`.
func write(
    _ buffer: [UInt8], _ part: PartialRangeUpTo<Int>, to file: borrowing OpenFile, at offset: Int64
) throws(SealingError) {
    try buffer.withBytes { bytes throws(SealingError) in
        let bytes = bytes.extracting(part)
        try onFile { () throws(FileError) in try file.write(bytes, at: offset) }
    }
}
