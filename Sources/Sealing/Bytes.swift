/// Ways between arrays and spans of bytes. A byte is a byte: what is marked unsafe for types in general is safe here.
extension Array<UInt8> {
    /// A copy of the bytes of a span.
    init(_ span: RawSpan) {
        // Safe: copied before the span goes.
        self = unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// Lends the bytes.
    func withBytes<Result, Failure: Error>(_ body: (RawSpan) throws(Failure) -> Result) throws(Failure) -> Result {
        // Safe: bytes have no padding that could be seen uninitialised.
        try body(unsafe span.bytes)
    }

    /// Lends the bytes for writing.
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
    /// The byte at `offset`, which lies inside the span.
    func byte(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount, "an offset inside the span")
        // Safe: checked just now, and any byte is a UInt8.
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }
}

extension RawSpan {
    /// Whether there is nothing but zeros in it.
    var isZero: Bool {
        let wordBytes = UInt64.bitWidth / 8
        let wholeWords = byteCount / wordBytes * wordBytes
        var seen: UInt64 = 0
        for offset in stride(from: 0, to: wholeWords, by: wordBytes) {
            // Safe: a whole word lies behind the offset, and any eight bytes are a UInt64.
            seen |= unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
        }
        for offset in wholeWords..<byteCount { seen |= UInt64(byte(at: offset)) }
        return seen == 0
    }
}
