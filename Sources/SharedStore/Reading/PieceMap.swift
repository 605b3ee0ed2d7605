import Blobs

/// Which pieces of a blob are here: a byte of the blob is where its piece is.
struct PieceMap: Sendable {
    /// Where each piece begins, and behind the last one where the blob ends.
    private let bounds: [Int64]
    private var present: [Bool]
    /// How many of them are here, and the bytes that these have.
    private(set) var presentCount = 0
    private(set) var presentBytes: Int64 = 0

    /// Without any piece, for a blob of at least one byte.
    init(_ layout: BlobLayout) {
        precondition(!layout.pieces.isEmpty, "a map is of a blob that has bytes")
        bounds = layout.pieces.map(\.offset) + [layout.size]
        present = Array(repeating: false, count: layout.pieces.count)
    }

    var count: Int { present.count }

    var isFull: Bool { presentCount == count }

    func contains(_ piece: Int) -> Bool { present[piece] }

    mutating func insert(_ piece: Int) {
        if present[piece] { return }
        present[piece] = true
        presentCount += 1
        presentBytes += bounds[piece + 1] - bounds[piece]
    }

    /// The bytes of a piece.
    func range(of piece: Int) -> ByteRange {
        let (start, end) = (bounds[piece], bounds[piece + 1])
        guard let range = ByteRange(offset: start, count: end - start, within: end) else {
            preconditionFailure("a piece has at least one byte")
        }
        return range
    }

    /// The piece that has the byte at `offset`, which is one of the blob's.
    func piece(at offset: Int64) -> Int {
        var (low, high) = (0, count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if bounds[middle] <= offset { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// Up to where bytes are here without a gap from `offset` on, at most up to `limit`.
    func available(from offset: Int64, limit: Int64) -> Int64 {
        guard offset < limit, offset < bounds[count] else { return offset }
        var piece = piece(at: offset)
        var position = offset
        while piece < count, position < limit, present[piece] {
            piece += 1
            position = bounds[piece]
        }
        return min(position, limit)
    }
}
