import Blobs
import HTTPTypes
import NIOCore
import Store

/// Answers plain reads of what is ready on an event loop, on one connection of HTTP/1.1: past the decoder, and past
/// all that only a request needs which has to wait. The answers are those of `BlobResponseWriter`, and are counted like
/// them; what cannot be answered at once is left alone. Used on its event loop only.
final class ReadyReads {
    /// One response, and what there is to write for it.
    struct Response {
        enum Rest {
            /// There is none, or it stands behind the head already.
            case none
            case bytes(ByteBuffer)
            /// Bytes of the blob's file.
            case file(ByteRange)
        }

        /// Bytes of the request.
        let requestBytes: Int
        let isHead: Bool
        /// The slot that was read; nil for a blob that was read by its address.
        let slot: SlotTarget?
        let blob: CachedBlob
        let status: Int
        let head: ByteBuffer
        let body: Rest
        /// Bytes of the body, wherever they are.
        let bodyBytes: Int64
        let begun: NIODeadline
        /// Whom it counts against.
        var client: ClientAddress?

        var subject: ReadSubject { slot.map { .slot($0.path) } ?? .blob(blob.metadata.address) }
    }

    /// Waits for what does not leave at once.
    let writer: BlobResponseWriter
    private let cache: LoopBlobCache
    private let peer: ClientAddress
    private let limit: Int
    private let takesFiles: Bool

    init(
        _ cache: LoopBlobCache, _ writer: BlobResponseWriter, peer: ClientAddress, limits: ConnectionLimits,
        takesFiles: Bool
    ) {
        self.cache = cache
        self.writer = writer
        self.peer = peer
        limit = limits.headerBytes
        self.takesFiles = takesFiles
    }

    /// The response to the request at the start of `bytes`; nil where it is for others to give.
    func answer(_ bytes: Span<UInt8>) -> Response? {
        guard let request = PlainRead(bytes, limit: limit) else { return nil }
        let now = cache.now
        guard let (slot, blob) = find(request.subject, bytes, now),
            var answer = answer(to: request, slot, blob, now), admit(&answer, request, bytes)
        else { return nil }
        blob.noteRead(at: now)
        cache.path.observer.noteShortcut(slot == nil ? .blob : .slot)
        return answer
    }

    private func find(
        _ subject: PlainRead.Subject, _ bytes: Span<UInt8>, _ now: Timestamp
    ) -> (slot: SlotTarget?, blob: CachedBlob)? {
        switch subject {
        case .blob(let address): cache.blob(address, now: now).map { (nil, $0) }
        case .slot(let target): cache.slot(bytes.extracting(target), now: now).map { ($0.target, $0.blob) }
        }
    }

    /// It has been written, and sent as far as it is from a file.
    func note(_ answer: borrowing Response, at now: NIODeadline) {
        cache.path.observer.note(
            answer.slot == nil ? .blob : .slot, answer.subject, isHead: answer.isHead, status: answer.status,
            sentBytes: answer.bodyBytes, time: now - answer.begun, from: answer.client ?? peer)
    }

    /// All of it has been written, and the `rest` of the file will have left when `sent` is kept.
    func wait(for sent: EventLoopFuture<Void>, _ rest: ByteRange, of answer: Response) {
        var progress = ReadProgress(
            subject: answer.subject, isHead: false, client: answer.client, begun: answer.begun)
        progress.status = answer.status
        progress.sentBytes = answer.bodyBytes - rest.count
        writer.wait(for: sent, rest, of: answer.blob, progress)
    }

    private func answer(
        to request: PlainRead, _ slot: SlotTarget?, _ blob: CachedBlob, _ now: Timestamp
    ) -> Response? {
        let begun = NIODeadline.now()
        let heads = blob.heads(at: now)
        func answer(_ status: Int, _ head: ByteBuffer, _ body: Response.Rest, _ count: Int64) -> Response {
            Response(
                requestBytes: request.byteCount, isHead: request.isHead, slot: slot, blob: blob, status: status,
                head: head, body: body, bodyBytes: count, begun: begun)
        }
        if request.known == blob.metadata.address { return answer(304, heads.notModified, .none, 0) }
        let whole = heads.whole
        if request.isHead {
            let count = whole.readableBytes - (blob.body?.readableBytes ?? 0)
            return whole.getSlice(at: whole.readerIndex, length: count).map { answer(200, $0, .none, 0) }
        }
        if let range = request.range {
            guard let part = ByteRange(range, of: blob.size), let body = body(of: blob, part) else { return nil }
            return answer(206, heads.part(part), body, part.count)
        }
        if blob.body != nil || blob.size == 0 { return answer(200, whole, .none, blob.size) }
        guard let all = ByteRange(offset: 0, count: blob.size, within: blob.size), let body = body(of: blob, all) else {
            return nil
        }
        return answer(200, whole, body, blob.size)
    }

    /// The bytes of `range`, if they can be sent in one piece and at once.
    private func body(of blob: CachedBlob, _ range: ByteRange) -> Response.Rest? {
        if let body = blob.body {
            return body.getSlice(at: body.readerIndex + Int(range.offset), length: Int(range.count)).map { .bytes($0) }
        }
        guard takesFiles, range.count <= PageCacheProbe.partBytes, let content = blob.content,
            blob.ready(range, of: content, for: .ranges, at: .now()) == range, blob.descriptor != nil
        else { return nil }
        return .file(range)
    }

    /// Counts the request against its client, if that is worth anything; false where it is over the rate, or from an edge.
    private func admit(_ answer: inout Response, _ request: PlainRead, _ bytes: Span<UInt8>) -> Bool {
        let gate = cache.path.gate
        guard gate.countsClients else { return true }
        let payer = gate.payer(peer: peer) { request.value(of: $0.canonicalName, in: bytes) }
        guard !payer.isEdge else { return false }
        guard let client = payer.client else { return true }
        if gate.limiter.admit(client) != nil { return false }
        gate.limiter.spend(answer.bodyBytes, by: client)
        answer.client = client
        return true
    }
}

extension ByteRange {
    /// What of a blob of `size` bytes lies within `range`; nil if nothing does.
    fileprivate init?(_ range: ClosedRange<Int64>, of size: Int64) {
        guard range.lowerBound < size else { return nil }
        self.init(
            offset: range.lowerBound, count: min(range.upperBound, size - 1) - range.lowerBound + 1, within: size)
    }
}
