import Blobs
import Files

/// A sealed blob of which everything has been checked that can be checked before its first chunk.
struct UnlockedBlob: ~Copyable, Sendable {
    let header: SealedHeader
    let geometry: SealedGeometry
    let key: ChunkKey

    /// A blob of `sealedBytes` that begins with `header`, of which there are at least 64 bytes.
    /// Throws `.length`, `.magic`, `.version`, `.suite`, `.parameters`, `.length`, `.commitment`, in this order.
    init(header bytes: [UInt8], sealedBytes: Int64, key: borrowing MediaKey) throws(SealingError) {
        try Self.requirePossible(sealedBytes)
        let header = try SealedHeader(parsing: bytes)
        guard let geometry = SealedGeometry(sealedBytes: sealedBytes, isIndexed: header.isIndexed) else {
            throw .length(sealedBytes)
        }
        let chunkKey = ChunkKey(key, headerPrefix: header.prefix, for: ChunkCipher(for: geometry))
        guard chunkKey.isCommitted(in: header) else { throw .commitment }
        self.header = header
        self.geometry = geometry
        self.key = chunkKey
    }

    /// The complete blob in a file. Throws as above, and `.file`.
    init(_ blob: borrowing OpenFile, key: borrowing MediaKey) throws(SealingError) {
        let size = try regularSize(of: blob)
        try Self.requirePossible(size)
        try self.init(header: try readHeader(of: blob), sealedBytes: size, key: key)
    }

    /// Throws `.length` if no blob of any kind has this length.
    static func requirePossible(_ sealedBytes: Int64) throws(SealingError) {
        guard !SealedGeometry.all(sealedBytes: sealedBytes).isEmpty else { throw .length(sealedBytes) }
    }
}

/// The first 64 bytes of a file that has at least that many.
func readHeader(of blob: borrowing OpenFile) throws(SealingError) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: SealedGeometry.headerBytes)
    let count = try read(header.count, from: blob, at: 0, into: &header)
    guard count == header.count else { throw .length(Int64(count)) }
    return header
}

/// Reads exactly `range` into the start of `buffer`.
func readSealed(
    _ range: ByteRange, of blob: borrowing OpenFile, into buffer: inout [UInt8]
) throws(SealingError) {
    let count = try read(Int(range.count), from: blob, at: range.offset, into: &buffer)
    guard count == Int(range.count) else { throw .length(range.offset + Int64(count)) }
}

/// Reads exactly `range`.
func readSealed(_ range: ByteRange, of blob: borrowing OpenFile) throws(SealingError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Int(range.count))
    try readSealed(range, of: blob, into: &bytes)
    return bytes
}
