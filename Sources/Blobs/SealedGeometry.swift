/// The layout of a sealed blob, computed from its length and its flags (`docs/sealed-blob.md`, "Chunks" and "Index").
///
///     plain    = header(64) ‖ chunk[0] ‖ … ‖ chunk[N-1]
///     indexed  = header(64) ‖ chunk[0] ‖ … ‖ chunk[N-1] ‖ leaf[0] ‖ … ‖ leaf[N-1]
///     chunk    = at most 65536 bytes of padded plaintext ‖ tag(16)        leaf = 32 bytes
///     N = ceil((L - 64) / 65552), indexed ceil((L - 64) / 65584)          C = L - 64, indexed L - 64 - 32 N
///     last = C - (N-1) × 65552, which must be 24…65552                    P = C - 16 N
///
/// The padded plaintext of P bytes ends with the plaintext's size in 8 bytes, which never straddle two chunks.
package struct SealedGeometry: Hashable, Sendable {
    /// Bytes before the first chunk.
    package static let headerBytes = 64
    /// Plaintext bytes in every chunk but the last.
    package static let chunkBytes = 65_536
    /// Bytes that sealing adds to a chunk.
    package static let tagBytes = 16
    /// Bytes of a sealed chunk, but the last.
    package static let sealedChunkBytes = chunkBytes + tagBytes
    /// Bytes of a chunk's hash in the index.
    package static let leafBytes = 32
    /// Bytes of the size that ends the padded plaintext.
    package static let trailerBytes = 8
    /// The greatest number of chunks.
    package static let chunkLimit: Int64 = 1 << 32
    /// The greatest size of a padded plaintext.
    package static let paddedLimitBytes = chunkLimit * Int64(chunkBytes)
    /// A writer gives an index to every padded plaintext of at least this size, and to no other.
    package static let indexedFromBytes: Int64 = 1 << 20

    /// Bytes of the whole blob.
    package let sealedBytes: Int64
    /// How many chunks; at least 1.
    package let chunkCount: Int64
    /// Bytes of plaintext, padding and trailer together; at least 8.
    package let paddedBytes: Int64
    /// Whether an index follows the chunks.
    package let isIndexed: Bool

    /// The geometry of a blob of `sealedBytes`; nil if no blob with or without an index has that length.
    package init?(sealedBytes: Int64, isIndexed: Bool) {
        guard sealedBytes >= SealedShape.smallestBytes else { return nil }
        let leafBytes = isIndexed ? Int64(Self.leafBytes) : 0
        let content = sealedBytes - Int64(Self.headerBytes)
        let count = (content - 1) / (Int64(Self.sealedChunkBytes) + leafBytes) + 1
        let chunks = content - count * leafBytes
        let last = chunks - (count - 1) * Int64(Self.sealedChunkBytes)
        guard count <= Self.chunkLimit, last >= Int64(Self.trailerBytes + Self.tagBytes) else { return nil }
        self.sealedBytes = sealedBytes
        self.isIndexed = isIndexed
        chunkCount = count
        paddedBytes = chunks - count * Int64(Self.tagBytes)
    }

    /// The geometry that holds a padded plaintext of `paddedBytes`, with an index where a writer gives it one unless
    /// `isIndexed` says otherwise; nil where the format has none.
    package init?(paddedBytes: Int64, isIndexed: Bool? = nil) {
        guard paddedBytes >= Int64(Self.trailerBytes), paddedBytes <= Self.paddedLimitBytes else { return nil }
        let isIndexed = isIndexed ?? (paddedBytes >= Self.indexedFromBytes)
        let count = (paddedBytes - 1) / Int64(Self.chunkBytes) + 1
        let addedBytes = Int64(Self.tagBytes) + (isIndexed ? Int64(Self.leafBytes) : 0)
        self.init(sealedBytes: Int64(Self.headerBytes) + paddedBytes + count * addedBytes, isIndexed: isIndexed)
    }

    /// The geometries that a blob of this length may have, if its flags are not known.
    package static func all(sealedBytes: Int64) -> [SealedGeometry] {
        [false, true].compactMap { SealedGeometry(sealedBytes: sealedBytes, isIndexed: $0) }
    }

    /// Where the index is; nil for a blob without one.
    package var index: ByteRange? {
        let count = chunkCount * Int64(Self.leafBytes)
        return isIndexed ? ByteRange(offset: sealedBytes - count, count: count, within: sealedBytes) : nil
    }

    /// The largest plaintext that fits.
    package var largestPlaintextBytes: Int64 { paddedBytes - Int64(Self.trailerBytes) }

    /// The bytes of the sealed chunks that hold these plaintext bytes: what to ask a store for.
    /// Nil if the range passes what the blob can hold.
    package func sealedRange(forPlaintext range: ByteRange) -> ByteRange? {
        guard range.end <= largestPlaintextBytes else { return nil }
        let first = range.offset / Int64(Self.chunkBytes)
        let last = range.last / Int64(Self.chunkBytes)
        return sealedRange(ofChunks: first...last)
    }

    /// The bytes of these sealed chunks; nil if the blob has not all of them.
    package func sealedRange(ofChunks chunks: ClosedRange<Int64>) -> ByteRange? {
        guard chunks.lowerBound >= 0, chunks.upperBound < chunkCount else { return nil }
        let start = Int64(Self.headerBytes) + chunks.lowerBound * Int64(Self.sealedChunkBytes)
        let end = Int64(Self.headerBytes) + (chunks.upperBound + 1) * Int64(Self.sealedChunkBytes)
        let chunksEnd = index?.offset ?? sealedBytes
        return ByteRange(offset: start, count: min(end, chunksEnd) - start, within: sealedBytes)
    }
}

/// What anybody can see of a sealed blob without a key: how it begins and how long it must be.
package enum SealedShape {
    /// The first four bytes, `SBLB`.
    package static let magic: [UInt8] = [0x53, 0x42, 0x4c, 0x42]
    /// Header, and a first chunk of an empty padded plaintext: 64 + 8 + 16.
    package static let smallestBytes: Int64 = 88
}
