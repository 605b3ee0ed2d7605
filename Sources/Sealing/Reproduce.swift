package import Blobs
package import Files

/// What is known of a blob that shall be sealed again from its plaintext.
package struct SealedOriginal: Sendable {
    package let address: BlobAddress
    /// Bytes of the blob; they tell the padding, whatever the policy was called.
    package let size: Int64
    /// The blob's first 64 bytes.
    package let header: [UInt8]
    /// Bytes of the plaintext.
    package let plaintextSize: Int64

    package init(address: BlobAddress, size: Int64, header: [UInt8], plaintextSize: Int64) {
        self.address = address
        self.size = size
        self.header = header
        self.plaintextSize = plaintextSize
    }
}

/// Checks that `plaintext` is, byte for byte, what was sealed: seals it again and compares the address. Nothing of that
/// is written anywhere, since another plaintext under the same salt would give both away.
///
/// Throws `.notTheOriginal`; `.length`, `.magic` … `.commitment` for a header or key of another blob; and `.file`.
package func checkReproduction(
    of original: SealedOriginal, from plaintext: borrowing OpenFile, key: borrowing MediaKey,
    progress: (Int64) -> Void = { _ in }
) throws(SealingError) {
    try sealAgain(original, from: plaintext, key: key, write: { _, _ in }, progress: progress)
}

/// Seals `plaintext` again into `blob`, which comes out as it was, to the last byte; checked before the first of them is
/// written. After an error `blob` is empty. Throws as `checkReproduction` does.
package func reproduce(
    _ original: SealedOriginal, from plaintext: borrowing OpenFile, key: borrowing MediaKey,
    into blob: borrowing OpenFile, progress: (Int64) -> Void = { _ in }
) throws(SealingError) {
    try checkReproduction(of: original, from: plaintext, key: key)
    do throws(SealingError) {
        try onFile { () throws(FileError) in try blob.truncate(to: 0) }
        try onFile { () throws(FileError) in try blob.write(original.header, at: 0) }
        try sealAgain(
            original, from: plaintext, key: key,
            write: { sealed, range throws(SealingError) in
                try write(sealed, ..<Int(range.count), to: blob, at: range.offset)
            }, progress: progress)
    } catch {
        // The plaintext changed between the two passes.
        _ = try? erase(blob)
        throw error
    }
}

private func sealAgain(
    _ original: SealedOriginal, from plaintext: borrowing OpenFile, key: borrowing MediaKey,
    write: (_ sealed: [UInt8], ByteRange) throws(SealingError) -> Void, progress: (Int64) -> Void
) throws(SealingError) {
    guard let geometry = SealedGeometry(sealedBytes: original.size),
        original.header.count == SealedGeometry.headerBytes
    else { throw .length(original.size) }
    let chunkKey = try ChunkKey.unlocking(original.header, with: key)
    guard try regularSize(of: plaintext) == original.plaintextSize,
        original.plaintextSize <= geometry.largestPlaintextBytes
    else { throw .notTheOriginal(path: plaintext.path) }
    let address = try sealChunks(
        of: plaintext, size: original.plaintextSize, after: try SealedHeader(parsing: original.header),
        geometry: geometry, key: chunkKey, write: write, progress: progress)
    guard address == original.address else { throw .notTheOriginal(path: plaintext.path) }
}

/// Overwrites what was sealed from the wrong plaintext, and cuts it off.
private func erase(_ blob: borrowing OpenFile) throws(FileError) {
    let zeros = [UInt8](repeating: 0, count: 64 * 1024)
    let size = try blob.size()
    for offset in stride(from: 0, to: size, by: zeros.count) { try blob.write(zeros, at: offset) }
    try blob.truncate(to: 0)
}
