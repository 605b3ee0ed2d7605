import Blobs
import SharedCatalog
import StoreRules

/// Where the bytes of a blob are: its objects, one behind the other.
struct BlobLayout: Hashable, Sendable {
    /// What the blob's row names.
    let object: BlobObject
    /// In the order of the blob; none for one without a byte.
    let pieces: [BlobPiece]

    /// Bytes of the blob.
    var size: Int64 { pieces.last?.end ?? 0 }

    /// The objects of a blob that is held; nil where the rows name none, or do not fit each other.
    init?(_ found: FoundBlob) {
        guard let object = found.object, found.row.size >= 0 else { return nil }
        self.object = object
        if found.row.size == 0 {
            pieces = []
        } else if object.isList {
            guard let pieces = Self.pieces(found.parts, size: found.row.size) else { return nil }
            self.pieces = pieces
        } else {
            guard found.row.size <= ObjectRow.limitBytes else { return nil }
            pieces = [BlobPiece(id: object.id, offset: 0, size: found.row.size, digest: found.row.address)]
        }
    }

    private static func pieces(_ parts: [ObjectRow], size: Int64) -> [BlobPiece]? {
        var pieces: [BlobPiece] = []
        var offset: Int64 = 0
        for part in parts {
            guard part.size > 0, part.size <= ObjectRow.limitBytes, part.size <= size - offset else { return nil }
            pieces.append(BlobPiece(id: part.id, offset: offset, size: part.size, digest: part.digest))
            offset += part.size
        }
        return offset == size ? pieces : nil
    }

    /// The number of the piece that has the byte at `offset`, which is one of the blob's.
    func index(at offset: Int64) -> Int {
        var (low, high) = (0, pieces.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if pieces[middle].offset <= offset { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// The pieces that have bytes of `range`.
    func pieces(of range: ByteRange) -> ArraySlice<BlobPiece> {
        pieces[index(at: range.offset)...index(at: range.last)]
    }
}

/// One object of a blob, and which bytes of the blob it has.
struct BlobPiece: Hashable, Sendable {
    let id: ObjectID
    /// Where in the blob its first byte is.
    let offset: Int64
    /// Bytes of the object, at least 1.
    let size: Int64
    /// SHA-256 of its bytes.
    let digest: BlobAddress

    var end: Int64 { offset + size }
}
