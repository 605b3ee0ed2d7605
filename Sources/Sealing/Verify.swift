package import Blobs
package import Files

/// How many bytes from the start of a partial download can be kept: the header and the complete, authentic chunks after
/// it. 0 if even the header does not belong to this key.
///
/// `sealedSize` is the size of the complete blob. Throws `.length` if no blob has that size, and `.file`.
package func verifiedPrefix(
    of partial: borrowing OpenFile, sealedSize: Int64, key: borrowing MediaKey
) throws(SealingError) -> Int64 {
    try UnlockedBlob.requirePossible(sealedSize)
    let size = min(try regularSize(of: partial), sealedSize)
    guard let unlocked = try unlock(partial, sealedSize: sealedSize, with: key) else { return 0 }
    var verified = Int64(SealedGeometry.headerBytes)
    var buffers = RunBuffers()
    for number in 0..<unlocked.geometry.chunkCount {
        let run = ChunkRun(chunks: number...number, of: unlocked.geometry)
        guard run.sealed.end <= size else { break }
        try readSealed(run.sealed, of: partial, into: &buffers.sealed)
        guard isAuthentic(run, &buffers, unlocked.key) else { break }
        verified = run.sealed.end
    }
    return verified
}

/// The bytes of a complete blob that have to be fetched again; nil if everything verifies.
///
/// If the message has the `root` of the index, a chunk is judged by its hash there, which nobody can forge; all of the
/// blob is wrong if header and index do not have that root. Otherwise a chunk is judged by its tag, and the index by the
/// chunks. What is wrong reaches from the first wrong chunk to the last, or to the end if the index is; it is the header
/// alone if that does not belong to this key, which leaves open what is wrong behind it.
///
/// Throws `.length` if no blob has the file's size, and `.file`.
package func unverifiedRange(
    of blob: borrowing OpenFile, key: borrowing MediaKey, root: IndexRoot? = nil
) throws(SealingError) -> ByteRange? {
    let size = try regularSize(of: blob)
    try UnlockedBlob.requirePossible(size)
    guard let unlocked = try unlock(blob, sealedSize: size, with: key), root == nil || unlocked.geometry.isIndexed
    else {
        return ByteRange(offset: 0, count: Int64(SealedGeometry.headerBytes), within: size)
    }
    let geometry = unlocked.geometry
    var index: SealedIndex?
    if let range = geometry.index {
        var listed = SealedIndex()
        listed.append(try readSealed(range, of: blob))
        if let root, listed.root(under: unlocked.header) != root {
            return ByteRange(offset: 0, count: size, within: size)
        }
        index = listed
    }
    var wrong: ClosedRange<Int64>?
    var isIndexWrong = false
    var buffers = RunBuffers()
    for number in 0..<geometry.chunkCount {
        let run = ChunkRun(chunks: number...number, of: geometry)
        try readSealed(run.sealed, of: blob, into: &buffers.sealed)
        let isInIndex = index.map { isListed(run, buffers, in: $0) } ?? true
        let isRight = root == nil ? isAuthentic(run, &buffers, unlocked.key) : isInIndex
        if !isRight { wrong = (wrong?.lowerBound ?? number)...number }
        if isRight, !isInIndex { isIndexWrong = true }
    }
    let chunks = wrong.flatMap { geometry.sealedRange(ofChunks: $0) }
    guard isIndexWrong, let range = geometry.index else { return chunks }
    let start = chunks?.offset ?? range.offset
    return ByteRange(offset: start, count: size - start, within: size)
}

/// The blob of `sealedSize` bytes, by the file's header; nil if it has none that belongs to `key` and this size.
private func unlock(
    _ blob: borrowing OpenFile, sealedSize: Int64, with key: borrowing MediaKey
) throws(SealingError) -> UnlockedBlob? {
    guard try regularSize(of: blob) >= Int64(SealedGeometry.headerBytes) else { return nil }
    let header = try readHeader(of: blob)
    return try? UnlockedBlob(header: header, sealedBytes: sealedSize, key: key)
}

private func isAuthentic(_ run: ChunkRun, _ buffers: inout RunBuffers, _ key: borrowing ChunkKey) -> Bool {
    do { try openBuffers(&buffers, as: run, key: key) } catch { return false }
    return true
}

/// Whether the one chunk of a run is the one that is listed.
private func isListed(_ run: ChunkRun, _ buffers: RunBuffers, in index: SealedIndex) -> Bool {
    buffers.sealed.withBytes { index.lists($0.extracting(..<Int(run.sealed.count)), at: run.chunks.lowerBound) }
}
