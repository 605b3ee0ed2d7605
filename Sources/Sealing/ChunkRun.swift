import Blobs

/// Adjacent chunks of one blob that are read, processed and written together.
struct ChunkRun: Hashable, Sendable {
    /// Chunks in a run: 128 KiB, for few system calls and little memory.
    static let chunksAtOnce: Int64 = 2
    /// Bytes of padded plaintext in the longest run.
    static let longestPaddedBytes = Int(chunksAtOnce) * SealedGeometry.chunkBytes
    /// Sealed bytes of the longest run.
    static let longestSealedBytes = Int(chunksAtOnce) * SealedGeometry.sealedChunkBytes

    /// The chunks, counted from 0.
    let chunks: ClosedRange<Int64>
    /// Where the run starts in the padded plaintext.
    let paddedOffset: Int64
    /// Bytes of padded plaintext in the run.
    let paddedCount: Int
    /// Where the sealed chunks are in the blob.
    let sealed: ByteRange
    /// Whether it ends the blob.
    let isLast: Bool

    /// The number of runs in a blob.
    static func count(in geometry: SealedGeometry) -> Int64 {
        (geometry.chunkCount - 1) / chunksAtOnce + 1
    }

    /// The run `index` of a blob, counted from 0.
    init(_ index: Int64, of geometry: SealedGeometry) {
        let first = index * Self.chunksAtOnce
        self.init(chunks: first...min(first + Self.chunksAtOnce, geometry.chunkCount) - 1, of: geometry)
    }

    /// The run of these chunks, which the blob must have.
    init(chunks: ClosedRange<Int64>, of geometry: SealedGeometry) {
        guard let sealed = geometry.sealedRange(ofChunks: chunks) else {
            preconditionFailure("chunks \(chunks) of a blob that has \(geometry.chunkCount)")
        }
        self.chunks = chunks
        self.sealed = sealed
        isLast = chunks.upperBound == geometry.chunkCount - 1
        paddedOffset = chunks.lowerBound * Int64(SealedGeometry.chunkBytes)
        paddedCount = Int(sealed.count) - chunks.count * SealedGeometry.tagBytes
    }

    /// One chunk of the run: where it is in the run's plaintext and in its sealed bytes.
    struct Chunk {
        let index: Int64
        let plain: Range<Int>
        let sealed: Range<Int>
        let isLast: Bool
    }

    /// The chunk `number` of the run, counted from 0.
    func chunk(_ number: Int) -> Chunk {
        let plainStart = number * SealedGeometry.chunkBytes
        let plainEnd = min(plainStart + SealedGeometry.chunkBytes, paddedCount)
        let sealedStart = number * SealedGeometry.sealedChunkBytes
        return Chunk(
            index: chunks.lowerBound + Int64(number), plain: plainStart..<plainEnd,
            sealed: sealedStart..<sealedStart + (plainEnd - plainStart) + SealedGeometry.tagBytes,
            isLast: isLast && number == chunks.count - 1)
    }
}

extension ChunkKey {
    /// Seals the padded plaintext of the run; both spans have exactly the run's lengths.
    borrowing func seal(_ plain: RawSpan, into sealed: inout MutableRawSpan, as run: ChunkRun) {
        for number in 0..<run.chunks.count {
            let chunk = run.chunk(number)
            var part = sealed._mutatingExtracting(chunk.sealed)
            seal(plain.extracting(chunk.plain), into: &part, at: chunk.index, isLast: chunk.isLast)
        }
    }

    /// Opens the sealed bytes of the run; both spans have exactly the run's lengths.
    /// Throws, for the first chunk that is not the right one, `.leaf` if `index` lists another, then `.chunk` if it is not
    /// authentic; those before it have been opened.
    borrowing func open(
        _ sealed: RawSpan, into plain: inout MutableRawSpan, as run: ChunkRun, in index: SealedIndex? = nil
    ) throws(SealingError) {
        for number in 0..<run.chunks.count {
            let chunk = run.chunk(number)
            let bytes = sealed.extracting(chunk.sealed)
            if let index, !index.lists(bytes, at: chunk.index) { throw .leaf(chunk.index) }
            var part = plain._mutatingExtracting(chunk.plain)
            guard open(bytes, into: &part, at: chunk.index, isLast: chunk.isLast) else { throw .chunk(chunk.index) }
        }
    }
}
