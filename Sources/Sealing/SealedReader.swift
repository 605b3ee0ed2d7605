package import Blobs

/// Opens any part of a sealed blob whose header has been read; the caller supplies the other bytes.
///
/// It relies on the tags of the chunks. Someone who knows the key and controls the store can forge those; only the digest
/// of the whole blob cannot be forged.
package struct SealedReader: ~Copyable, Sendable {
    package let geometry: SealedGeometry
    /// Bytes of the plaintext, from the message.
    package let plaintextSize: Int64
    let key: ChunkKey

    /// Checks everything that can be checked before the first chunk. `header` is the blob's first 64 bytes or more.
    /// Throws `.length`, `.magic`, `.version`, `.suite`, `.parameters`, `.commitment`, in this order, and `.trailer`
    /// if the blob cannot contain that much plaintext.
    package init(
        header: [UInt8], sealedBytes: Int64, plaintextSize: Int64, key: borrowing MediaKey
    ) throws(SealingError) {
        guard let geometry = SealedGeometry(sealedBytes: sealedBytes) else { throw .length(sealedBytes) }
        let chunkKey = try ChunkKey.unlocking(header, with: key)
        guard plaintextSize >= 0, plaintextSize <= geometry.largestPlaintextBytes else { throw .trailer }
        self.geometry = geometry
        self.plaintextSize = plaintextSize
        self.key = chunkKey
    }

    /// Opens the plaintext bytes of `range`, which is within the plaintext, a few chunks at a time.
    ///
    /// `read` returns exactly the sealed bytes it is asked for; `deliver` takes the plaintext in order. Throws `.chunk`
    /// before anything of that chunk is delivered, `.trailer` and `.padding` when the last chunk is reached, and what
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
            try plain.withMutableBytes { plain throws(SealingError) in try key.open(sealed, into: &plain, as: run) }
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
