package import Blobs
package import Files

/// The result of sealing a plaintext.
package struct SealedBlob: Hashable, Sendable {
    /// SHA-256 of the whole blob.
    package let address: BlobAddress
    /// Bytes of the blob.
    package let size: Int64
    /// The blob's first 64 bytes.
    package let header: [UInt8]
    /// Bytes of the plaintext.
    package let plaintextSize: Int64
    /// For the message; nil for a blob without an index.
    package let root: IndexRoot?
}

/// Seals the whole of a regular file, at the size it has now, into `blob`, which is overwritten and cut to the blob's
/// size. The key is for this one sealing. A blob whose padded plaintext has 1 MiB or more gets an index.
///
/// Uses two threads, 1.5 MiB of buffers, and 32 bytes for each chunk of an indexed blob. `progress` takes the number of
/// plaintext bytes done, on the caller's thread, and all of them at the end. After an error `blob` is empty.
/// Throws `.notAFile`, `.tooLarge`, `.plaintextChanged`, `.file`.
package func seal(
    _ plaintext: borrowing OpenFile, into blob: borrowing OpenFile, key: borrowing MediaKey,
    padding: Padding = .eighths, progress: (Int64) -> Void = { _ in }
) throws(SealingError) -> SealedBlob {
    try seal(
        plaintext, into: blob, key: key, salt: SealedHeader.freshSalt(), padding: padding, progress: progress)
}

/// As above with a given salt, with which this key must never have sealed another plaintext. `isIndexed` says whether
/// there is an index, whatever the size.
func seal(
    _ plaintext: borrowing OpenFile, into blob: borrowing OpenFile, key: borrowing MediaKey, salt: [UInt8],
    padding: Padding, isIndexed: Bool? = nil, progress: (Int64) -> Void
) throws(SealingError) -> SealedBlob {
    let plaintextSize = try regularSize(of: plaintext)
    guard let padded = padding.paddedBytes(for: plaintextSize),
        let geometry = SealedGeometry(paddedBytes: padded, isIndexed: isIndexed)
    else {
        throw .tooLarge(limitBytes: SealedGeometry.paddedLimitBytes - Int64(SealedGeometry.trailerBytes))
    }
    let prefix = SealedHeader.prefix(salt: salt, isIndexed: geometry.isIndexed)
    let chunkKey = ChunkKey(key, headerPrefix: prefix, for: ChunkCipher(for: geometry))
    let header = SealedHeader(prefix: prefix, commitment: chunkKey.commitment)
    do throws(SealingError) {
        try onFile { () throws(FileError) in try blob.truncate(to: 0) }
        try onFile { () throws(FileError) in try blob.write(header.bytes, at: 0) }
        let (address, root) = try sealChunks(
            of: plaintext, size: plaintextSize, after: header, geometry: geometry, key: chunkKey,
            write: { sealed, range throws(SealingError) in
                try write(sealed, ..<Int(range.count), to: blob, at: range.offset)
            }, progress: progress)
        guard try regularSize(of: plaintext) == plaintextSize else { throw .plaintextChanged(path: plaintext.path) }
        return SealedBlob(
            address: address, size: geometry.sealedBytes, header: header.bytes, plaintextSize: plaintextSize,
            root: root)
    } catch {
        _ = try? blob.truncate(to: 0)
        throw error
    }
}

/// Seals every chunk, passes it to `write` with its range in the blob, and the index after them; returns the address of
/// all, and the root of the index.
func sealChunks(
    of plaintext: borrowing OpenFile, size: Int64, after header: SealedHeader, geometry: SealedGeometry,
    key: borrowing ChunkKey, write: (_ sealed: [UInt8], ByteRange) throws(SealingError) -> Void,
    progress: (Int64) -> Void
) throws(SealingError) -> (BlobAddress, IndexRoot?) {
    var hasher = BlobHasher()
    hasher.update(header.bytes)
    var index = SealedIndex()
    try workOnTwoThreads(
        runs: ChunkRun.count(in: geometry),
        prepare: { number, buffers throws(SealingError) in
            let run = ChunkRun(number, of: geometry)
            try fill(&buffers.plain, from: plaintext, size: size, as: run)
            sealBuffers(&buffers, as: run, key: key)
            if geometry.isIndexed { buffers.leaves = run.leaves(of: buffers.sealed) }
        },
        digest: { number, buffers in
            hasher.update(buffers.sealed, first: Int(ChunkRun(number, of: geometry).sealed.count))
            index.append(buffers.leaves)
        },
        write: { number, buffers throws(SealingError) in
            try write(buffers.sealed, ChunkRun(number, of: geometry).sealed)
        },
        progress: { progress(min($0 * Int64(ChunkRun.longestPaddedBytes), size)) })
    guard let range = geometry.index else { return (hasher.address(), nil) }
    hasher.update(index.bytes)
    try write(index.bytes, range)
    return (hasher.address(), index.root(under: header))
}

private func sealBuffers(_ buffers: inout RunBuffers, as run: ChunkRun, key: borrowing ChunkKey) {
    let plain = buffers.plain
    plain.withBytes { plain in
        buffers.sealed.withMutableBytes { sealed in
            var part = sealed._mutatingExtracting(..<Int(run.sealed.count))
            key.seal(plain.extracting(..<run.paddedCount), into: &part, as: run)
        }
    }
}

/// The run's part of `plaintext ‖ zeros ‖ BE64(size)`.
private func fill(
    _ buffer: inout [UInt8], from plaintext: borrowing OpenFile, size: Int64, as run: ChunkRun
) throws(SealingError) {
    let readCount = Int(min(max(size - run.paddedOffset, 0), Int64(run.paddedCount)))
    if readCount > 0 {
        let count = try read(readCount, from: plaintext, at: run.paddedOffset, into: &buffer)
        guard count == readCount else { throw .plaintextChanged(path: plaintext.path) }
    }
    for index in readCount..<run.paddedCount { buffer[index] = 0 }
    if run.isLast {
        let trailer = UInt64(size).bigEndianBytes
        buffer.replaceSubrange(run.paddedCount - trailer.count..<run.paddedCount, with: trailer)
    }
}

// MARK: Sealing again

/// What is known about a blob that is to be sealed again from its plaintext.
package struct SealedOriginal: Sendable {
    package let address: BlobAddress
    /// Bytes of the blob, which with the header's flags determine the padding.
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

/// Checks that `plaintext` is, byte for byte, what was sealed: seals it again and compares the address. Nothing is
/// written anywhere, since another plaintext under the same key and salt would reveal both.
///
/// Throws `.notTheOriginal`; `.length`, `.magic` … `.commitment` for a header or key of another blob; and `.file`.
package func checkReproduction(
    of original: SealedOriginal, from plaintext: borrowing OpenFile, key: borrowing MediaKey,
    progress: (Int64) -> Void = { _ in }
) throws(SealingError) {
    try sealAgain(original, from: plaintext, key: key, write: { _, _ in }, progress: progress)
}

/// Seals `plaintext` again into `blob`, to exactly the same bytes; checked before the first of them is written. After
/// an error `blob` is empty. Throws as `checkReproduction` does.
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
        // The plaintext was changed between the two passes.
        _ = try? erase(blob)
        throw error
    }
}

private func sealAgain(
    _ original: SealedOriginal, from plaintext: borrowing OpenFile, key: borrowing MediaKey,
    write: (_ sealed: [UInt8], ByteRange) throws(SealingError) -> Void, progress: (Int64) -> Void
) throws(SealingError) {
    guard original.header.count == SealedGeometry.headerBytes else { throw .length(original.size) }
    let unlocked = try UnlockedBlob(header: original.header, sealedBytes: original.size, key: key)
    guard try regularSize(of: plaintext) == original.plaintextSize,
        original.plaintextSize <= unlocked.geometry.largestPlaintextBytes
    else { throw .notTheOriginal(path: plaintext.path) }
    let (address, _) = try sealChunks(
        of: plaintext, size: original.plaintextSize, after: unlocked.header, geometry: unlocked.geometry,
        key: unlocked.key, write: write, progress: progress)
    guard address == original.address else { throw .notTheOriginal(path: plaintext.path) }
}

/// Overwrites and truncates what was sealed from the wrong plaintext.
private func erase(_ blob: borrowing OpenFile) throws(FileError) {
    let zeros = [UInt8](repeating: 0, count: 64 * 1024)
    let size = try blob.size()
    for offset in stride(from: 0, to: size, by: zeros.count) { try blob.write(zeros, at: offset) }
    try blob.truncate(to: 0)
}
