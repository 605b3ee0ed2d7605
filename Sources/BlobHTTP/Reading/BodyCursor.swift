import Blobs
import NIOCore
import Store

/// The position in the body of one response, piece by piece.
struct BodyCursor {
    enum Piece {
        /// Bytes that are not the blob's; consumed by asking for them.
        case bytes(ByteBuffer)
        /// What is left of a range of the blob; consumed by `advance`.
        case range(ByteRange)
    }

    let blob: CachedBlob
    /// Whether there were bytes, and all have been written.
    private(set) var isAtEnd = false
    private var rest: ArraySlice<Piece> { didSet { isAtEnd = rest.isEmpty } }

    init(_ blob: CachedBlob, _ body: ReadDecision.Body) {
        self.blob = blob
        switch body {
        case .none: rest = []
        case .part(let range): rest = [.range(range)]
        case .whole:
            rest = ByteRange(offset: 0, count: blob.size, within: blob.size).map { [.range($0)] } ?? []
        case .multipart(let layout):
            let parts = layout.parts.flatMap { [.bytes(ByteBuffer(string: $0.head)), .range($0.range)] as [Piece] }
            rest = (parts + [.bytes(ByteBuffer(string: layout.tail))])[...]
        }
    }

    /// What comes next; nil at the end.
    mutating func next() -> Piece? {
        guard let piece = rest.first else { return nil }
        if case .bytes = piece { rest.removeFirst() }
        return piece
    }

    /// The next `count` bytes of the range that comes next have been written.
    mutating func advance(_ count: Int64) {
        guard case .range(let range)? = rest.popFirst() else { preconditionFailure("only a range is advanced through") }
        let left = ByteRange(offset: range.offset + count, count: range.count - count, within: blob.size)
        if let left { rest = [.range(left)] + rest }
    }
}
