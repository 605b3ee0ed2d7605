/// The layout of a sealed blob, computed from its length alone (`docs/sealed-blob.md`, "Geometry").
///
///     blob  = header(64) ‖ chunk[0] ‖ … ‖ chunk[N-1]        chunk = at most 65536 bytes of plaintext ‖ tag(16)
///     C = L - 64   N = ceil(C / 65552)   last = C - (N-1) × 65552, which must be 24…65552   P = C - 16 N
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
    /// Bytes of the size that ends the padded plaintext.
    package static let trailerBytes = 8
    /// The greatest number of chunks.
    package static let chunkLimit: Int64 = 1 << 32
    /// The greatest size of a padded plaintext.
    package static let paddedLimitBytes = chunkLimit * Int64(chunkBytes)

    /// Bytes of the whole blob.
    package let sealedBytes: Int64
    /// How many chunks; at least 1.
    package let chunkCount: Int64
    /// Bytes of plaintext, padding and trailer together; at least 8.
    package let paddedBytes: Int64

    /// The geometry of a blob of `sealedBytes`; nil if no blob has that length.
    package init?(sealedBytes: Int64) {
        guard sealedBytes >= SealedShape.smallestBytes else { return nil }
        let chunkLength = Int64(Self.sealedChunkBytes)
        let content = sealedBytes - Int64(Self.headerBytes)
        let count = (content - 1) / chunkLength + 1
        let last = content - (count - 1) * chunkLength
        guard count <= Self.chunkLimit, last >= Int64(Self.trailerBytes + Self.tagBytes) else { return nil }
        self.sealedBytes = sealedBytes
        chunkCount = count
        paddedBytes = content - count * Int64(Self.tagBytes)
    }

    /// The geometry that holds a padded plaintext of `paddedBytes`; nil where the format has none.
    package init?(paddedBytes: Int64) {
        guard paddedBytes >= Int64(Self.trailerBytes), paddedBytes <= Self.paddedLimitBytes else { return nil }
        let count = (paddedBytes - 1) / Int64(Self.chunkBytes) + 1
        self.init(sealedBytes: Int64(Self.headerBytes) + paddedBytes + count * Int64(Self.tagBytes))
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
        return ByteRange(offset: start, count: min(end, sealedBytes) - start, within: sealedBytes)
    }
}

/// What anybody can see of a sealed blob without a key: how it begins and how long it must be.
package enum SealedShape {
    /// The first four bytes, `SBLB`.
    package static let magic: [UInt8] = [0x53, 0x42, 0x4c, 0x42]
    /// Header, and a first chunk of an empty padded plaintext: 64 + 8 + 16.
    package static let smallestBytes: Int64 = 88
}
