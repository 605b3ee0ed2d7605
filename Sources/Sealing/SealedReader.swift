package import Blobs

/// Opens any part of a sealed blob whose header has been read; the caller supplies the other bytes.
///
/// With the root of its index from the message, every chunk is checked against the index before it is opened, and a
/// range is as good as the whole. Without it, this relies on the tags of the chunks: someone who knows the key and
/// controls the store can forge those.
package struct SealedReader: ~Copyable, Sendable {
    /// The most bytes of an index that are held: those of a file of 34 GB.
    package static let indexLimitBytes: Int64 = 1 << 24
    /// The most bytes of the index that are asked for at a time.
    package static let indexPieceBytes: Int64 = 1 << 20

    /// Bytes of the plaintext, from the message.
    package let plaintextSize: Int64
    private let blob: UnlockedBlob
    /// Nil if the message has no root.
    private let index: SealedIndex?

    package var geometry: SealedGeometry { blob.geometry }

    /// Checks everything that can be checked before the first chunk. `header` is the blob's first 64 bytes or more;
    /// `read` returns exactly the sealed bytes it is asked for, which are those of the index if there is a `root`.
    /// Throws `.length`, `.magic`, `.version`, `.suite`, `.parameters`, `.length` for these flags, `.commitment`,
    /// `.indexTooLong`, `.index`, in this order; what `read` throws; and `.trailer` if the blob cannot contain that much
    /// plaintext.
    package init(
        header: [UInt8], sealedBytes: Int64, plaintextSize: Int64, key: borrowing MediaKey, root: IndexRoot? = nil,
        read: (ByteRange) throws(SealingError) -> [UInt8]
    ) throws(SealingError) {
        let blob = try UnlockedBlob(header: header, sealedBytes: sealedBytes, key: key)
        var index: SealedIndex?
        if let root {
            guard let range = blob.geometry.index else { throw .index }
            guard range.count <= Self.indexLimitBytes else { throw .indexTooLong(range.count) }
            let listed = try Self.readIndex(range, of: sealedBytes, read)
            guard listed.root(under: blob.header) == root else { throw .index }
            index = listed
        }
        guard plaintextSize >= 0, plaintextSize <= blob.geometry.largestPlaintextBytes else { throw .trailer }
        self.plaintextSize = plaintextSize
        self.blob = blob
        self.index = index
    }

    /// A piece at a time, so that memory is taken only for what really comes.
    private static func readIndex(
        _ range: ByteRange, of sealedBytes: Int64, _ read: (ByteRange) throws(SealingError) -> [UInt8]
    ) throws(SealingError) -> SealedIndex {
        var index = SealedIndex()
        var offset = range.offset
        while let piece = ByteRange(
            offset: offset, count: min(indexPieceBytes, range.end - offset), within: sealedBytes)
        {
            let bytes = try read(piece)
            precondition(bytes.count == Int(piece.count), "as many sealed bytes as were asked for")
            index.append(bytes)
            offset = piece.end
        }
        return index
    }

    /// Opens the plaintext bytes of `range`, which is within the plaintext, a few chunks at a time.
    ///
    /// `read` returns exactly the sealed bytes it is asked for; `deliver` takes the plaintext in order. Throws `.leaf` and
    /// `.chunk` before anything of that chunk is delivered, `.trailer` and `.padding` when the last chunk is reached, and what
    /// the closures throw.
    package borrowing func open(
        _ range: ByteRange, read: (ByteRange) throws(SealingError) -> [UInt8],
        deliver: (ArraySlice<UInt8>) throws(SealingError) -> Void
    ) throws(SealingError) {
        precondition(range.end <= plaintextSize, "a range within the plaintext")
        let chunkBytes = Int64(SealedGeometry.chunkBytes)
        let last = range.last / chunkBytes
        var first = range.offset / chunkBytes
        var plain = [UInt8]()
        while first <= last {
            let run = ChunkRun(chunks: first...min(first + ChunkRun.chunksAtOnce - 1, last), of: geometry)
            try open(run, sealed: try read(run.sealed), into: &plain)
            let start = max(range.offset - run.paddedOffset, 0)
            let end = min(range.end - run.paddedOffset, Int64(run.paddedCount))
            try deliver(plain[Int(start)..<Int(end)])
            first = run.chunks.upperBound + 1
        }
    }

    private borrowing func open(_ run: ChunkRun, sealed: [UInt8], into plain: inout [UInt8]) throws(SealingError) {
        precondition(sealed.count == Int(run.sealed.count), "as many sealed bytes as were asked for")
        plain = [UInt8](repeating: 0, count: run.paddedCount)
        try sealed.withBytes { sealed throws(SealingError) in
            try plain.withMutableBytes { plain throws(SealingError) in
                try blob.key.open(sealed, into: &plain, as: run, in: index)
            }
        }
        var trailer = TrailerCheck(geometry: geometry, plaintextSize: plaintextSize)
        plain.withBytes { trailer.take($0, as: run) }
        if run.isLast { try trailer.check() }
    }
}

/// Checks what follows the plaintext in the padded plaintext: `zeros ‖ BE64(n)`.
struct TrailerCheck {
    let geometry: SealedGeometry
    /// The n from the message, possibly an impossible one.
    let plaintextSize: Int64
    private var paddingIsEmpty = true
    private var trailer: UInt64?

    init(geometry: SealedGeometry, plaintextSize: Int64) {
        self.geometry = geometry
        self.plaintextSize = plaintextSize
    }

    /// How many bytes of the run are plaintext, if there are `plaintextSize` in all.
    static func plaintextCount(_ plaintextSize: Int64, in run: ChunkRun, of geometry: SealedGeometry) -> Int {
        let end = min(max(plaintextSize, 0), geometry.largestPlaintextBytes)
        return Int(min(max(end - run.paddedOffset, 0), Int64(run.paddedCount)))
    }

    /// Takes one opened run.
    mutating func take(_ plain: RawSpan, as run: ChunkRun) {
        let trailerStart = run.isLast ? run.paddedCount - SealedGeometry.trailerBytes : run.paddedCount
        let paddingStart = Self.plaintextCount(plaintextSize, in: run, of: geometry)
        if paddingStart < trailerStart, !plain.extracting(paddingStart..<trailerStart).isZero { paddingIsEmpty = false }
        if run.isLast { trailer = UInt64(bigEndianBytes: plain.extracting(trailerStart..<run.paddedCount)) }
    }

    /// Throws `.trailer` or `.padding`, after the last run was taken. The size is compared as 64 unsigned bits.
    func check() throws(SealingError) {
        guard let trailer, trailer <= UInt64(geometry.largestPlaintextBytes),
            let expected = UInt64(exactly: plaintextSize), trailer == expected
        else { throw .trailer }
        guard paddingIsEmpty else { throw .padding }
    }
}
