package import Blobs
package import Files

/// Opens the whole of `blob` into `plaintext`, which is overwritten and cut to the plaintext's size.
///
/// Until this returns, nothing in `plaintext` may be shown to anyone; after an error it is empty. `plaintextSize` and
/// `root` come from the message. Uses two threads as `seal` does, and 32 bytes of memory for each chunk of an indexed
/// blob; `progress` takes the number of plaintext bytes done, on the caller's thread, and all of them once they are
/// written, before the checks of the whole. Throws, in this order of checks,
/// `.length`, `.magic`, `.version`, `.suite`, `.parameters`, `.length` for these flags, `.commitment`, `.chunk`, `.leaf`,
/// `.trailer`, `.padding`, `.index`, `.digest`; and `.file`.
package func open(
    _ blob: borrowing OpenFile, address: BlobAddress, plaintextSize: Int64, root: IndexRoot? = nil,
    key: borrowing MediaKey, into plaintext: borrowing OpenFile, progress: (Int64) -> Void = { _ in }
) throws(SealingError) {
    do throws(SealingError) {
        try onFile { () throws(FileError) in try plaintext.truncate(to: 0) }
        let unlocked = try UnlockedBlob(blob, key: key)
        var hasher = BlobHasher()
        hasher.update(unlocked.header.bytes)
        var trailer = TrailerCheck(geometry: unlocked.geometry, plaintextSize: plaintextSize)
        let index = try openChunks(
            of: blob, unlocked, into: plaintext, hasher: &hasher, trailer: &trailer, progress: progress)
        if let range = unlocked.geometry.index {
            var listed = SealedIndex()
            listed.append(try readSealed(range, of: blob))
            hasher.update(listed.bytes)
            if let number = index.firstDifference(from: listed) { throw .leaf(number) }
        }
        try trailer.check()
        if let root, !unlocked.geometry.isIndexed || index.root(under: unlocked.header) != root { throw .index }
        let actual = hasher.address()
        guard actual == address else { throw .digest(expected: address, actual: actual) }
    } catch {
        _ = try? plaintext.truncate(to: 0)
        throw error
    }
}

/// Opens every chunk; returns the index that an indexed blob with these chunks has.
private func openChunks(
    of blob: borrowing OpenFile, _ unlocked: borrowing UnlockedBlob, into plaintext: borrowing OpenFile,
    hasher: inout BlobHasher, trailer: inout TrailerCheck, progress: (Int64) -> Void
) throws(SealingError) -> SealedIndex {
    let geometry = unlocked.geometry
    let size = max(trailer.plaintextSize, 0)
    var index = SealedIndex()
    try workOnTwoThreads(
        runs: ChunkRun.count(in: geometry),
        prepare: { number, buffers throws(SealingError) in
            let run = ChunkRun(number, of: geometry)
            try readSealed(run.sealed, of: blob, into: &buffers.sealed)
            try openBuffers(&buffers, as: run, key: unlocked.key)
            if geometry.isIndexed { buffers.leaves = run.leaves(of: buffers.sealed) }
        },
        digest: { number, buffers in
            let run = ChunkRun(number, of: geometry)
            hasher.update(buffers.sealed, first: Int(run.sealed.count))
            buffers.plain.withBytes { trailer.take($0.extracting(..<run.paddedCount), as: run) }
            index.append(buffers.leaves)
        },
        write: { number, buffers throws(SealingError) in
            let run = ChunkRun(number, of: geometry)
            try write(
                buffers.plain, ..<TrailerCheck.plaintextCount(size, in: run, of: geometry), to: plaintext,
                at: run.paddedOffset)
        },
        progress: { progress(min($0 * Int64(ChunkRun.longestPaddedBytes), size)) })
    return index
}

/// Opens the sealed bytes of a run in its buffers.
func openBuffers(
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
/// Relies on the index if the message has its `root`, otherwise on the tags of the chunks; never on the digest. Throws as
/// `SealedReader` does.
package func openRange(
    _ range: ByteRange, of blob: borrowing OpenFile, plaintextSize: Int64, root: IndexRoot? = nil,
    key: borrowing MediaKey, deliver: (ArraySlice<UInt8>) throws(SealingError) -> Void
) throws(SealingError) {
    let size = try regularSize(of: blob)
    try UnlockedBlob.requirePossible(size)
    let reader = try SealedReader(
        header: try readHeader(of: blob), sealedBytes: size, plaintextSize: plaintextSize, key: key, root: root,
        read: { range throws(SealingError) in try readSealed(range, of: blob) })
    try reader.open(
        range, read: { range throws(SealingError) in try readSealed(range, of: blob) }, deliver: deliver)
}
