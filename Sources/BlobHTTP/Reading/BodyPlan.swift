import Blobs
import NIOCore
import Store

/// The body of one answer about a blob, piece by piece, and how much of it has been written.
struct BodyPlan {
    enum Piece {
        /// Bytes that are not the blob's; taken by asking for them.
        case bytes(ByteBuffer)
        /// What is left of a range of the blob; passed over as it is written.
        case range(ByteRange)
    }

    let blob: ReadyBlob
    /// Whether there were bytes, and all have been written.
    private(set) var isWritten = false
    private var rest: ArraySlice<Piece> { didSet { isWritten = rest.isEmpty } }

    init(_ blob: ReadyBlob, _ body: BlobVerdict.Body) {
        self.blob = blob
        switch body {
        case .none: rest = []
        case .part(let range): rest = [.range(range)]
        case .whole:
            rest = ByteRange(offset: 0, count: blob.facts.size, within: blob.facts.size).map { [.range($0)] } ?? []
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
    mutating func pass(_ count: Int64) {
        guard case .range(let range)? = rest.popFirst() else { preconditionFailure("only a range is passed over") }
        let left = ByteRange(offset: range.offset + count, count: range.count - count, within: blob.facts.size)
        if let left { rest = [.range(left)] + rest }
    }
}
