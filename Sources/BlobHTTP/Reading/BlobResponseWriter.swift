import Blobs
import HTTPTypes
import NIOCore
import Store

/// Answers requests for blobs on one connection or stream, one after another, on its event loop: at once where the blob
/// is cached there, else as soon as the store, the disk or the client allows. Used on that loop only.
final class BlobResponseWriter {
    /// Bytes read and written at a time where a file cannot be sent as such.
    private static let copyBytes = 64 << 10

    private enum State {
        case idle
        case lookingUp
        case sending(BodyCursor)
        /// Until bytes have come from a disk, or have left.
        case waiting(BodyCursor)
        case over
    }

    private let cache: LoopBlobCache
    let sink: any ResponseSink
    private var state = State.idle
    /// Of the response in progress.
    private var progress: ReadProgress?
    /// Called when a response that took its time has ended.
    var onEnd: (() -> Void)?

    init(cache: LoopBlobCache, sink: any ResponseSink) {
        self.cache = cache
        self.sink = sink
    }

    /// Whether the next request can be answered.
    var isIdle: Bool { if case .idle = state { true } else { false } }

    /// Whom a request counts against, as `Gate.payer` says.
    func payer(peer: @autoclosure () -> ClientAddress, field: (HTTPField.Name) -> String?) -> Gate.Payer {
        cache.path.gate.payer(peer: peer(), field: field)
    }

    /// Whether this is read here, and not answered by the router.
    func serves(_ subject: ReadSubject) -> Bool { cache.path.serves(subject) }

    /// Answers a request; afterwards either `isIdle` again, or `onEnd` will be called.
    func answer(_ request: ReadRequest) {
        let now = cache.now
        progress = ReadProgress(subject: request.subject, isHead: request.isHead, client: request.client)
        if let client = request.client, let seconds = cache.path.gate.limiter.admit(client) {
            refuse(.rate("of this address", seconds), request, now: now)
            return
        }
        if let fault = request.fault {
            refuse(fault.problem, request, now: now)
            return
        }
        if let blob = cache.blob(request.subject, now: now), !(request.rereads && blob.isFromCache) {
            blob.noteRead(at: now)
            answer(request, with: blob, now: now)
            return
        }
        state = .lookingUp
        cache.find(request.subject, for: request.intent, client: request.client) { [weak self] result in
            self?.lookedUp(result, request)
        }
    }

    /// A response has been written past this writer, and the last `piece` of it has not left yet: it is waited for here.
    func wait(for sent: EventLoopFuture<Void>, _ piece: ByteRange, of blob: CachedBlob, _ progress: ReadProgress) {
        self.progress = progress
        var cursor = BodyCursor(blob, .part(piece))
        cursor.advance(piece.count)
        wait(for: sent, piece, cursor)
    }

    /// The client has made room for more.
    func proceed() {
        guard case .sending(let cursor) = state else { return }
        send(cursor)
        finishTurn()
    }

    /// The connection is gone; nothing is answered any more.
    func abandon() {
        state = .over
        onEnd = nil
        finishCounting()
    }

    private func refuse(_ problem: Problem, _ request: ReadRequest, now: Timestamp) {
        progress?.status = problem.status.code
        progress?.refusal = problem.code
        let bytes = sink.refuse(problem, isHead: request.isHead, now: now)
        progress?.sentBytes += Int64(bytes)
        finishCounting()
    }

    /// Counts the response that has ended; one that had not begun when the client left is none.
    private func finishCounting() {
        guard let progress else { return }
        self.progress = nil
        if progress.status != 0 { cache.path.observer.note(progress, on: sink) }
    }

    private func lookedUp(_ result: Result<CachedBlob, Problem>, _ request: ReadRequest) {
        guard case .lookingUp = state else { return }
        state = .idle
        switch result {
        case .success(let blob): answer(request, with: blob, now: cache.now)
        case .failure(let problem): refuse(problem, request, now: cache.now)
        }
        finishTurn()
    }

    private func answer(_ request: ReadRequest, with blob: CachedBlob, now: Timestamp) {
        let decision: ReadDecision
        do { decision = try ReadDecision.decide(request, blob.metadata) } catch {
            refuse(error, request, now: now)
            return
        }
        progress?.status = decision.status.code
        if let client = request.client {
            cache.path.gate.limiter.spend(decision.body.byteCount(of: blob.size), by: client)
        }
        if decision.body == .whole, blob.body != nil, sink.writeWhole(blob, now: now) {
            progress?.sentBytes += blob.size
            finishCounting()
            return
        }
        sink.begin(blob, decision, now: now)
        send(BodyCursor(blob, decision.body))
    }

    private func finishTurn() {
        sink.flush()
        if isIdle { onEnd?() }
    }

    // MARK: Body

    /// Writes as much as the sink takes and memory holds. The end takes no room, so it does not wait for any.
    private func send(_ cursor: BodyCursor) {
        var cursor = cursor
        while sink.isWritable || cursor.isAtEnd {
            switch cursor.next() {
            case nil:
                state = .idle
                sink.end()
                finishCounting()
                return
            case .bytes(let bytes): write(bytes)
            case .range(let range):
                if let body = cursor.blob.body {
                    write(Self.slice(body, range))
                    cursor.advance(range.count)
                    continue
                }
                guard let content = cursor.content else {
                    preconditionFailure("a cached blob has its bytes or knows where they are")
                }
                let piece = PageCacheProbe.firstPiece(of: range, size: cursor.blob.size)
                if sink.takesFiles, cursor.blob.region(piece) != nil {
                    return sendFile(piece, of: range, content, cursor)
                }
                if !copyResident(content, &cursor, range) { return }
            }
        }
        state = .sending(cursor)
    }

    private func write(_ bytes: ByteBuffer) {
        sink.write(bytes)
        progress?.sentBytes += Int64(bytes.readableBytes)
    }

    private static func slice(_ body: ByteBuffer, _ range: ByteRange) -> ByteBuffer {
        guard let slice = body.getSlice(at: body.readerIndex + Int(range.offset), length: Int(range.count)) else {
            preconditionFailure("a range lies within its blob")
        }
        return slice
    }

    /// Sends a piece of the file, once it is in the page cache; of a blob that is on its way, as much as has come.
    private func sendFile(_ piece: ByteRange, of range: ByteRange, _ content: any BlobContent, _ cursor: BodyCursor) {
        if let ready = cursor.blob.ready(piece, of: content, for: cursor.intent, at: .now()) {
            return writeFile(ready, cursor)
        }
        wait(cursor) { [intent = cursor.intent] () async -> Result<Int, StoreError> in
            do throws(StoreError) {
                return .success(try await content.fetch(range, atMost: Int(piece.count), for: intent))
            } catch { return .failure(error) }
        } then: { writer, cursor, result in
            switch result {
            case .success(0): writer.copy(content, cursor, range)
            case .success(let count):
                guard let part = ByteRange(offset: piece.offset, count: Int64(count), within: piece.end) else {
                    return writer.abort(cursor, .io("the file gives other bytes than were waited for"))
                }
                writer.writeFile(part, cursor)
                writer.sink.flush()
            case .failure(let error): writer.abort(cursor, error)
            }
        }
    }

    /// A piece counts as sent when it has left the process: a client that takes it slowly is not idle.
    private func writeFile(_ piece: ByteRange, _ cursor: BodyCursor) {
        guard let region = cursor.blob.region(piece) else { return abort(cursor, .io("its file cannot be opened")) }
        var cursor = cursor
        cursor.advance(piece.count)
        let sent = sink.eventLoop.makePromise(of: Void.self)
        sink.write(region, promise: sent)
        wait(for: sent.futureResult, piece, cursor)
    }

    /// Goes on at `cursor` when `piece`, which is in front of it, has left.
    private func wait(for sent: EventLoopFuture<Void>, _ piece: ByteRange, _ cursor: BodyCursor) {
        state = .waiting(cursor)
        sent.assumeIsolated().whenComplete { [weak self, blob = cursor.blob] result in
            // The descriptor stays open until nobody sends from it.
            withExtendedLifetime(blob) {}
            guard let self, case .waiting(let cursor) = state else { return }
            guard case .success = result else { return abandon() }
            progress?.sentBytes += piece.count
            send(cursor)
            finishTurn()
        }
    }

    /// Copies a piece of `range` if it is in memory; else it is read on another thread first. False if that is waited
    /// for.
    private func copyResident(_ content: any BlobContent, _ cursor: inout BodyCursor, _ range: ByteRange) -> Bool {
        let count = min(range.count, Int64(Self.copyBytes))
        guard let piece = ByteRange(offset: range.offset, count: count, within: cursor.blob.size) else {
            preconditionFailure("a piece of a range lies within the blob")
        }
        if let bytes = Self.resident(piece, of: content) {
            write(bytes)
            cursor.advance(count)
            return true
        }
        copy(content, cursor, range)
        return false
    }

    /// Copies a piece of `range` once it has been read on another thread.
    private func copy(_ content: any BlobContent, _ cursor: BodyCursor, _ range: ByteRange) {
        wait(cursor) { [intent = cursor.intent] () async -> Result<ByteBuffer, StoreError> in
            do throws(StoreError) {
                return .success(
                    ByteBuffer(bytes: try await content.read(range, atMost: Self.copyBytes, for: intent)))
            } catch { return .failure(error) }
        } then: { writer, cursor, result in
            var cursor = cursor
            switch result {
            case .success(let bytes):
                writer.write(bytes)
                cursor.advance(Int64(bytes.readableBytes))
                writer.send(cursor)
                writer.finishTurn()
            case .failure(let error): writer.abort(cursor, error)
            }
        }
    }

    /// Ends a response whose bytes cannot be read: the client sees that some are missing.
    private func abort(_ cursor: BodyCursor, _ error: StoreError) {
        cache.path.noteAborted(cursor.blob.metadata.address, error)
        abandon()
        sink.abort()
    }

    private static func resident(_ piece: ByteRange, of content: any BlobContent) -> ByteBuffer? {
        var buffer = ByteBufferAllocator().buffer(capacity: Int(piece.count))
        // Safe: the span is used within the call and covers what the buffer has room for.
        let filled = unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Int(piece.count)) { room in
            let exact = unsafe UnsafeMutableRawBufferPointer(rebasing: room.prefix(Int(piece.count)))
            var span = unsafe MutableRawSpan(_unsafeBytes: exact)
            return content.readResident(at: piece.offset, into: &span)
        }
        return filled == Int(piece.count) ? buffer : nil
    }

    /// Does `work` off the event loop and continues with its result, unless the connection is gone by then.
    private func wait<Value: Sendable>(
        _ cursor: BodyCursor, for work: @escaping @Sendable () async -> Value,
        then proceed: @escaping (BlobResponseWriter, BodyCursor, Value) -> Void
    ) {
        state = .waiting(cursor)
        let bound = NIOLoopBound((writer: self, proceed: proceed), eventLoop: sink.eventLoop)
        Task { [loop = sink.eventLoop] in
            let value = await work()
            loop.execute {
                let (writer, proceed) = bound.value
                guard case .waiting(let cursor) = writer.state else { return }
                proceed(writer, cursor, value)
            }
        }
    }
}
