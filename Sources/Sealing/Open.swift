package import Blobs
package import Files

/// Opens the whole of `blob` into `plaintext`, which is overwritten and cut to the plaintext's size.
///
/// Until this returns, nothing in `plaintext` may be shown to anyone; after an error it is empty. `plaintextSize` comes
/// from the message. Uses two threads as `seal` does; `progress` takes the number of plaintext bytes done, on the
/// caller's thread. Throws, in this order of checks, `.length`, `.magic`, `.version`, `.suite`, `.parameters`,
/// `.commitment`, `.chunk`, `.trailer`, `.padding`, `.digest`; and `.file`.
package func open(
    _ blob: borrowing OpenFile, address: BlobAddress, plaintextSize: Int64, key: borrowing MediaKey,
    into plaintext: borrowing OpenFile, progress: (Int64) -> Void = { _ in }
) throws(SealingError) {
    do throws(SealingError) {
        try onFile { () throws(FileError) in try plaintext.truncate(to: 0) }
        let geometry = try geometry(of: blob)
        let header = try readHeader(of: blob)
        let chunkKey = try ChunkKey.unlocking(header, with: key)
        var trailer = TrailerCheck(geometry: geometry, plaintextSize: plaintextSize)
        let actual = try openChunks(
            of: blob, after: header, key: chunkKey, into: plaintext, trailer: &trailer, progress: progress)
        try trailer.check()
        guard actual == address else { throw .digest(expected: address, actual: actual) }
    } catch {
        _ = try? plaintext.truncate(to: 0)
        throw error
    }
}

/// Opens everything and returns the blob's address, which is still to be compared.
private func openChunks(
    of blob: borrowing OpenFile, after header: [UInt8], key: borrowing ChunkKey,
    into plaintext: borrowing OpenFile, trailer: inout TrailerCheck, progress: (Int64) -> Void
) throws(SealingError) -> BlobAddress {
    let geometry = trailer.geometry
    let size = max(trailer.plaintextSize, 0)
    var hasher = BlobHasher()
    header.withBytes { hasher.update($0) }
    try workOnTwoThreads(
        runs: ChunkRun.count(in: geometry),
        prepare: { index, buffers throws(SealingError) in
            let run = ChunkRun(index, of: geometry)
            try readSealed(run, of: blob, into: &buffers.sealed)
            try openBuffers(&buffers, as: run, key: key)
        },
        digest: { index, buffers in
            let run = ChunkRun(index, of: geometry)
            buffers.sealed.withBytes { hasher.update($0.extracting(..<Int(run.sealed.count))) }
            buffers.plain.withBytes { trailer.take($0.extracting(..<run.paddedCount), as: run) }
        },
        write: { index, buffers throws(SealingError) in
            let run = ChunkRun(index, of: geometry)
            try write(
                buffers.plain, ..<TrailerCheck.plaintextCount(size, in: run, of: geometry), to: plaintext,
                at: run.paddedOffset)
        },
        progress: { progress(min($0 * Int64(ChunkRun.longestPaddedBytes), size)) })
    return hasher.address()
}

private func openBuffers(
    _ buffers: inout RunBuffers, as run: ChunkRun, key: borrowing ChunkKey
) throws(SealingError) {
    let sealed = buffers.sealed
    try sealed.withBytes { sealed throws(SealingError) in
        try buffers.plain.withMutableBytes { plain throws(SealingError) in
            var part = plain._mutatingExtracting(..<run.paddedCount)
            try key.open(sealed.extracting(..<Int(run.sealed.count)), into: &part, as: run)
        }
    }
}

/// Opens the plaintext bytes of `range`, which is within the plaintext, from a complete blob.
/// Relies on the tags of the chunks, not on the digest. Throws as `SealedReader` does.
package func openRange(
    _ range: ByteRange, of blob: borrowing OpenFile, plaintextSize: Int64, key: borrowing MediaKey,
    deliver: (ArraySlice<UInt8>) throws(SealingError) -> Void
) throws(SealingError) {
    let reader = try SealedReader(
        header: try readHeader(of: blob), sealedBytes: try regularSize(of: blob), plaintextSize: plaintextSize,
        key: key)
    try reader.open(
        range,
        read: { range throws(SealingError) in
            var sealed = [UInt8](repeating: 0, count: Int(range.count))
            try readSealed(range, of: blob, into: &sealed)
            return sealed
        }, deliver: deliver)
}

/// How many bytes from the start of a partial download can be kept: the header and the complete, authentic chunks after
/// it. 0 if even the header does not belong to this key.
///
/// `sealedSize` is the size of the complete blob. Throws `.length` if no blob has that size, and `.file`.
package func verifiedPrefix(
    of partial: borrowing OpenFile, sealedSize: Int64, key: borrowing MediaKey
) throws(SealingError) -> Int64 {
    guard let geometry = SealedGeometry(sealedBytes: sealedSize) else { throw .length(sealedSize) }
    let size = min(try regularSize(of: partial), sealedSize)
    guard let chunkKey = try unlock(partial, with: key) else { return 0 }
    var verified = Int64(SealedGeometry.headerBytes)
    var buffers = RunBuffers()
    for index in 0..<geometry.chunkCount {
        let run = ChunkRun(chunks: index...index, of: geometry)
        guard run.sealed.end <= size, try isAuthentic(run, of: partial, &buffers, chunkKey) else { break }
        verified = run.sealed.end
    }
    return verified
}

/// The bytes of a complete blob that are not authentic: from the first to the last chunk with a wrong tag, or the header
/// if it does not belong to this key, which leaves open what is wrong behind it. Nil if everything verifies.
///
/// Throws `.length` if no blob has the file's size, and `.file`.
package func unverifiedRange(
    of blob: borrowing OpenFile, key: borrowing MediaKey
) throws(SealingError) -> ByteRange? {
    let geometry = try geometry(of: blob)
    guard let chunkKey = try unlock(blob, with: key) else {
        return ByteRange(offset: 0, count: Int64(SealedGeometry.headerBytes), within: geometry.sealedBytes)
    }
    var wrong: ClosedRange<Int64>?
    var buffers = RunBuffers()
    for index in 0..<geometry.chunkCount {
        let run = ChunkRun(chunks: index...index, of: geometry)
        if try isAuthentic(run, of: blob, &buffers, chunkKey) { continue }
        wrong = (wrong?.lowerBound ?? index)...index
    }
    return wrong.flatMap { geometry.sealedRange(ofChunks: $0) }
}

/// The key of the chunks, by the file's header; nil if it has none that belongs to `key`.
private func unlock(_ blob: borrowing OpenFile, with key: borrowing MediaKey) throws(SealingError) -> ChunkKey? {
    guard try regularSize(of: blob) >= Int64(SealedGeometry.headerBytes) else { return nil }
    let bytes = try readHeader(of: blob)
    guard let header = try? SealedHeader(parsing: bytes) else { return nil }
    let chunkKey = ChunkKey(key, headerPrefix: header.prefix)
    guard chunkKey.isCommitted(in: header) else { return nil }
    return chunkKey
}

private func isAuthentic(
    _ run: ChunkRun, of blob: borrowing OpenFile, _ buffers: inout RunBuffers, _ key: borrowing ChunkKey
) throws(SealingError) -> Bool {
    try readSealed(run, of: blob, into: &buffers.sealed)
    do { try openBuffers(&buffers, as: run, key: key) } catch { return false }
    return true
}

// MARK: Reading

private func geometry(of blob: borrowing OpenFile) throws(SealingError) -> SealedGeometry {
    let size = try regularSize(of: blob)
    guard let geometry = SealedGeometry(sealedBytes: size) else { throw .length(size) }
    return geometry
}

/// The first 64 bytes of a file that has at least that many.
private func readHeader(of blob: borrowing OpenFile) throws(SealingError) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: SealedGeometry.headerBytes)
    let count = try read(header.count, from: blob, at: 0, into: &header)
    guard count == header.count else { throw .length(Int64(count)) }
    return header
}

private func readSealed(_ run: ChunkRun, of blob: borrowing OpenFile, into buffer: inout [UInt8]) throws(SealingError) {
    try readSealed(run.sealed, of: blob, into: &buffer)
}

private func readSealed(_ range: ByteRange, of blob: borrowing OpenFile, into buffer: inout [UInt8])
    throws(SealingError)
{
    let count = try read(Int(range.count), from: blob, at: range.offset, into: &buffer)
    guard count == Int(range.count) else { throw .length(range.offset + Int64(count)) }
}
