import Blobs
import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Store

/// Writes the response about a blob on one stream of HTTP/2. Used on its event loop only.
final class HTTP2ResponseSink: ResponseSink {
    private let context: ChannelHandlerContext
    private let budget: HTTP2WriteBudget
    let peer: ClientAddress

    init(_ context: ChannelHandlerContext, _ budget: HTTP2WriteBudget, _ peer: ClientAddress) {
        self.context = context
        self.budget = budget
        self.peer = peer
    }

    var eventLoop: any EventLoop { context.eventLoop }
    var isWritable: Bool { context.channel.isWritable && budget.isOpen }
    var takesFiles: Bool { false }
    var version: AnsweredRequest.Version { .http2 }

    func begin(_ blob: CachedBlob, _ decision: ReadDecision, now: Timestamp) {
        let heads = blob.heads(at: now)
        let response = ReadResponse(decision, shared: heads.fields.shared(by: decision.status), blob.metadata)
        var fields = response.fields
        if let age = heads.age { fields[.age] = age }
        write(response.status, fields, now)
    }

    func writeWhole(_ blob: CachedBlob, now: Timestamp) -> Bool { false }

    func refuse(_ problem: Problem, isHead: Bool, now: Timestamp) -> Int {
        let body = problem.body
        var fields = problem.answerFields
        fields.append(contentsOf: CrossOrigin.readFields)
        fields[.contentLength] = String(body.count)
        write(problem.status, fields, now)
        if !isHead { write(ByteBuffer(bytes: body)) }
        end()
        return isHead ? 0 : body.count
    }

    private func write(_ status: HTTPResponse.Status, _ fields: HTTPFields, _ now: Timestamp) {
        var fields = fields
        fields[.date] = HTTPDate.format(now)
        send(.head(HTTPResponse(status: status, headerFields: fields)))
    }

    func write(_ bytes: ByteBuffer) {
        context.write(NIOAny(HTTPResponsePart.body(bytes)), promise: budget.count(bytes.readableBytes))
    }

    func write(_ region: FileRegion, promise: EventLoopPromise<Void>) {
        preconditionFailure("HTTP/2 frames bytes that were read")
    }

    func end() { send(.end(nil)) }

    func abort() { context.close(promise: nil) }

    func flush() { context.flush() }

    private func send(_ part: HTTPResponsePart) { context.write(NIOAny(part), promise: nil) }
}

/// The memory that all responses on one connection of HTTP/2 share: bytes that were written and have not left.
///
/// A client may ask for a hundred blobs and open no window for any of them. Each stream buffers a piece or two all the
/// same, and together that would be megabytes for one client. Used on one event loop only.
final class HTTP2WriteBudget {
    /// The most bytes that wait for one client: enough for eight streams that stall, and all others beside them.
    private static let limitBytes = 1 << 20

    private let eventLoop: any EventLoop
    private var waitingBytes = 0
    private var streams: [ObjectIdentifier: StreamRequests] = [:]

    init(on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Whether a response may write on.
    var isOpen: Bool { waitingBytes < Self.limitBytes }

    /// Tells `stream` when there is room again, until it leaves.
    func join(_ stream: StreamRequests) { streams[ObjectIdentifier(stream)] = stream }

    func leave(_ stream: StreamRequests) { streams[ObjectIdentifier(stream)] = nil }

    /// Counts these bytes until the promise is kept or broken.
    func count(_ bytes: Int) -> EventLoopPromise<Void> {
        waitingBytes += bytes
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [self] _ in giveBack(bytes) }
        return promise
    }

    private func giveBack(_ bytes: Int) {
        let wasOpen = isOpen
        waitingBytes -= bytes
        guard isOpen, !wasOpen else { return }
        // Not inside the write that this may be part of.
        eventLoop.assumeIsolated().execute { [self] in
            for stream in Array(streams.values) where isOpen { stream.proceed() }
        }
    }
}
