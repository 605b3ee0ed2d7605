import Files

/// The size of a regular file; throws `.notAFile` for anything else.
func regularSize(of file: borrowing OpenFile) throws(SealingError) -> Int64 {
    let status = try onFile { () throws(FileError) in try file.status() }
    guard status.kind == .regular else { throw .notAFile(path: file.path) }
    return status.size
}

/// Runs `body` and translates its error.
func onFile<Result>(_ body: () throws(FileError) -> Result) throws(SealingError) -> Result {
    do throws(FileError) { return try body() } catch { throw .file(error) }
}

/// Reads at `offset` until `count` bytes have come or the file ends; `buffer` has room for them. Tells how many came.
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
