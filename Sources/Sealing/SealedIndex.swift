import Blobs

/// The hashes of an indexed blob's chunks, in their order, as they follow the chunks: 32 bytes for 64 KiB.
///
///     leaf[i] = SHA-256(chunk[i])                                                ciphertext ‖ tag
///     index   = leaf[0] ‖ … ‖ leaf[N-1]
///     root    = SHA-256("sealed-blob/v1 index" ‖ 00 ‖ header[0 ..< 64] ‖ index)
struct SealedIndex: Sendable {
    private static let label = Array("sealed-blob/v1 index".utf8) + [0]

    private(set) var bytes: [UInt8] = []

    /// Takes the next leaves, or a part of the index that was read.
    mutating func append(_ leaves: [UInt8]) { bytes += leaves }

    /// The root of a blob that begins with `header`.
    func root(under header: SealedHeader) -> IndexRoot {
        var hasher = BlobHasher()
        hasher.update(Self.label)
        hasher.update(header.bytes)
        hasher.update(bytes)
        guard let root = IndexRoot(bytes: hasher.address().bytes) else {
            preconditionFailure("SHA-256 has 32 bytes")
        }
        return root
    }

    /// Whether the sealed chunk `number` is the one that is listed.
    func lists(_ chunk: RawSpan, at number: Int64) -> Bool {
        let start = Int(number) * SealedGeometry.leafBytes
        return bytes[start..<start + SealedGeometry.leafBytes].elementsEqual(leaf(of: chunk))
    }

    /// The first chunk of which `other`, an index as long, lists another hash; nil if there is none.
    func firstDifference(from other: SealedIndex) -> Int64? {
        guard bytes != other.bytes else { return nil }
        return zip(bytes, other.bytes).enumerated().first { $0.element.0 != $0.element.1 }
            .map { Int64($0.offset / SealedGeometry.leafBytes) }
    }
}

private func leaf(of chunk: RawSpan) -> [UInt8] {
    var hasher = BlobHasher()
    hasher.update(chunk)
    return hasher.address().bytes
}

extension ChunkRun {
    /// The leaves of the run's chunks, of which `sealed` begins with the bytes.
    func leaves(of sealed: [UInt8]) -> [UInt8] {
        sealed.withBytes { sealed in
            (0..<chunks.count).flatMap { leaf(of: sealed.extracting(chunk($0).sealed)) }
        }
    }
}
