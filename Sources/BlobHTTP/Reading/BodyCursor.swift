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
    /// Where this response reads what is not in memory.
    let content: (any BlobContent)?
    /// `.whole` for a response with every byte of the blob, from the first to the last.
    let intent: ReadIntent
    /// Whether there were bytes, and all have been written.
    private(set) var isAtEnd = false
    private var rest: ArraySlice<Piece> { didSet { isAtEnd = rest.isEmpty } }

    init(_ blob: CachedBlob, _ body: ReadDecision.Body) {
        self.blob = blob
        switch body {
        case .whole: intent = .whole
        case .part(let range): intent = range.count == blob.size ? .whole : .ranges
        // However many bytes they have together.
        case .none, .multipart: intent = .ranges
        }
        content = intent == .whole ? blob.content?.forOneReader() : blob.content
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

/// Which parts of a file were found in the kernel's page cache, and when. Asking costs a system call for every 64 KiB,
/// so an answer is believed for a while; one that has become wrong delays an event loop by one read of the disk.
struct PageCacheProbe {
    /// A file is probed in parts of this size, aligned to it, and sent in pieces that are no larger.
    static let partBytes: Int64 = 1 << 20
    /// One byte is probed in each run of this length: the kernel reads ahead no less.
    private static let strideBytes: Int64.Stride = 64 << 10
    /// How long an answer is believed.
    private static let trust = TimeAmount.seconds(10)
    /// Parts of one file that are remembered at most.
    private static let partLimit = 256

    private var seen: [Int64: NIODeadline] = [:]
    /// The part that was asked about last, and up to when that answer is believed.
    private var latest: (part: Int64, end: NIODeadline) = (-1, .uptimeNanoseconds(0))

    /// Whether `range` can be sent without waiting; `hasByte` probes one offset.
    mutating func isResident(
        _ range: ByteRange, of size: Int64, now: NIODeadline, hasByte: (Int64) -> Bool
    ) -> Bool {
        for part in range.offset / Self.partBytes...(range.end - 1) / Self.partBytes {
            if latest.part == part, now < latest.end { continue }
            if let time = seen[part], now < time + Self.trust {
                latest = (part, time + Self.trust)
                continue
            }
            // The whole part is probed at once, so that the next ranges in it cost nothing.
            let (start, end) = (part * Self.partBytes, min((part + 1) * Self.partBytes, size))
            if Self.isResident(start, end, hasByte) {
                if seen.count >= Self.partLimit { seen.removeAll() }
                seen[part] = now
            } else if !Self.isResident(max(start, range.offset), min(end, range.end), hasByte) {
                return false
            }
        }
        return true
    }

    /// Whether all of `range` is there now.
    static func isResident(_ range: ByteRange, hasByte: (Int64) -> Bool) -> Bool {
        isResident(range.offset, range.end, hasByte)
    }

    private static func isResident(_ start: Int64, _ end: Int64, _ hasByte: (Int64) -> Bool) -> Bool {
        stride(from: start, to: end, by: strideBytes).allSatisfy(hasByte) && hasByte(end - 1)
    }

    /// The first piece of `range`: all of it where it is no larger than a part, else what lies within its first part.
    static func firstPiece(of range: ByteRange, size: Int64) -> ByteRange {
        if range.count <= partBytes { return range }
        let end = (range.offset / partBytes + 1) * partBytes
        guard let piece = ByteRange(offset: range.offset, count: end - range.offset, within: size) else {
            preconditionFailure("a piece of a range lies within the blob")
        }
        return piece
    }
}
