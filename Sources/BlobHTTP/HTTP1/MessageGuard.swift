import Blobs
import HTTPTypes
import NIOCore
import NIOHTTP1
import Store

/// The handler above the decoder: it checks each request's framing, keeps requests and responses in step, and decides
/// when a connection ends. Reads of blobs are answered right here, and small uploads beside them; all other requests go on
/// to the router, whose part of the pipeline is added when a connection first needs it.
///
/// One request is answered at a time. Those that were sent ahead wait in `backlog`, no more than
/// `ConnectionState.requestsAhead`, and while any does nothing more is read from the socket.
final class MessageGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// What waits for its turn.
    private enum Item {
        case read(ReadRequest)
        case part(HTTPServerRequestPart)
        /// A request of which no head could be read.
        case unreadable(ConnectionFailure)
        /// The body that is being read breaks off.
        case failure(ConnectionFailure)
        case inputClosed

        /// About how much memory it takes while it waits.
        var bytes: Int {
            switch self {
            case .read: 1 << 10
            case .part(.head(let head)):
                head.headers.reduce(1 << 10) { $0 + $1.name.utf8.count + $1.value.utf8.count + 64 }
            case .part(.body(let bytes)): bytes.readableBytes
            case .part(.end), .unreadable, .failure, .inputClosed: 64
            }
        }
    }

    private let connection: ConnectionGuard
    /// Nil where nothing but the router answers.
    private let blobs: BlobResponseWriter?
    /// Nil where the router answers every upload.
    private let uploads: UploadTurn?
    private let refusals: UnreadableRequests
    private let router: LazyRouterPipeline
    /// Room for one: few clients pipeline, and every connection has one of these.
    private var backlog = CircularBuffer<Item>(initialCapacity: 1)
    /// A read whose end has not come yet.
    private var pending: ReadRequest?
    /// What comes is the body of a read, which is refused.
    private var isDiscardingBody = false
    /// The router, or `uploads`, has a request that it has not answered to the end.
    private var isRouting = false
    private var isReadHeld = false
    private var isProceeding = false

    init(
        _ connection: ConnectionGuard, blobs: BlobResponseWriter?, uploads: UploadTurn? = nil,
        refusals: UnreadableRequests, router: LazyRouterPipeline
    ) {
        self.connection = connection
        self.blobs = blobs
        self.uploads = uploads
        self.refusals = refusals
        self.router = router
    }

    func handlerAdded(context: ChannelHandlerContext) {
        connection.onFailure = { [weak self] failure in self?.fail(failure, context: context) }
        blobs?.onEnd = { [weak self] in self?.goOn(context: context) }
        uploads?.onEnd = { [weak self] in
            self?.isRouting = false
            self?.goOn(context: context)
        }
    }

    /// A response that took its time has ended.
    private func goOn(context: ChannelHandlerContext) {
        proceed(context: context)
        connection.flush()
        connection.arm()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        blobs?.abandon()
        uploads?.abandon()
        backlog.removeAll()
        connection.backlogBytes = 0
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard connection.state.reading != .over else { return }
        switch unwrapInboundIn(data) {
        case .head(let head): begin(head, context: context)
        case .body(let bytes):
            connection.state.receiveBody(bytes.readableBytes)
            if !isDiscardingBody { take(.part(.body(bytes)), context: context) }
        case .end(let trailers):
            connection.state.endRequest(now: .now())
            if let request = pending {
                pending = nil
                take(.read(request), context: context)
            } else if isDiscardingBody {
                isDiscardingBody = false
            } else {
                take(.part(.end(trailers)), context: context)
            }
        }
    }

    private func begin(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
        let framing = RequestFraming(head)
        if let fault = framing.fault {
            fail(.malformed(fault), context: context)
            return
        }
        connection.state.beginRequest(
            keepsAlive: framing.keepsAlive, isHTTP10: head.version == .http1_0,
            expectsContinue: framing.expectsContinue, bodyBytes: framing.bodyBytes, now: .now())
        guard let blobs, var request = framing.readRequest, blobs.serves(request.subject) else {
            take(.part(.head(head)), context: context)
            return
        }
        let payer = blobs.payer(peer: connection.peer) { name in
            let values = head.headers[name.canonicalName]
            return values.isEmpty ? nil : values.joined(separator: ",")
        }
        request.client = payer.client
        if payer.isEdge { connection.releaseShare() }
        if request.fault == .body {
            // Refused before its body has come.
            isDiscardingBody = true
            take(.read(request), context: context)
        } else {
            pending = request
        }
    }

    private func take(_ item: Item, context: ChannelHandlerContext) {
        // Nearly always a request finds the connection free.
        if case .read(let request) = item, backlog.isEmpty, !isProceeding, isFree {
            blobs?.answer(request)
            return
        }
        backlog.append(item)
        connection.backlogBytes += item.bytes
        proceed(context: context)
    }

    /// Whether another request may have its turn.
    private var isFree: Bool { isWriterIdle && !isRouting && connection.isWritable }

    private var isWriterIdle: Bool { blobs?.isIdle ?? true }

    /// Whether `item`, which is the first, can have its turn.
    private func mayProceed(_ item: Item) -> Bool {
        switch item {
        case .read, .part(.head), .unreadable: isFree
        case .part(.body), .part(.end), .failure: true
        // The router would close what an upload is about to be answered on.
        case .inputClosed: isWriterIdle && uploads?.isBusy != true
        }
    }

    /// Handles everything in the backlog that can be handled now.
    private func proceed(context: ChannelHandlerContext) {
        if isProceeding { return }
        isProceeding = true
        defer { isProceeding = false }
        repeat {
            while let item = backlog.first {
                guard mayProceed(item) else { return }
                backlog.removeFirst()
                connection.backlogBytes -= item.bytes
                handle(item, context: context)
            }
            guard isReadHeld else { return }
            isReadHeld = false
            // It may bring at once what has been held back.
            context.read()
        } while !backlog.isEmpty
    }

    private func handle(_ item: Item, context: ChannelHandlerContext) {
        switch item {
        case .read(let request): blobs?.answer(request)
        case .part(let part):
            if case .head = part { isRouting = true }
            if uploads?.take(part) != true { route(part, context: context) }
        case .unreadable(let failure): refusals.refuse(failure)
        case .failure(let failure): if uploads?.fail(failure) != true { context.fireErrorCaught(failure) }
        case .inputClosed: endInput(context: context)
        }
    }

    private func route(_ part: HTTPServerRequestPart, context: ChannelHandlerContext) {
        do { try router.join(context, behind: self) } catch {
            context.fireErrorCaught(error)
            return
        }
        context.fireChannelRead(wrapInboundOut(part))
        // Out of the backlog, it may not be inside a read of the socket.
        if case .end = part { context.fireChannelReadComplete() }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        connection.flush()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            blobs?.proceed()
            proceed(context: context)
            connection.flush()
        }
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        if backlog.isEmpty { return context.read() }
        isReadHeld = true
        connection.state.holdReading()
    }

    func channelInactive(context: ChannelHandlerContext) {
        blobs?.abandon()
        uploads?.abandon()
        context.fireChannelInactive()
    }

    // MARK: Failures

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let parserError = error as? HTTPParserError {
            fail(ConnectionFailure(parserError), context: context)
        } else if router.hasJoined {
            context.fireErrorCaught(error)
        } else {
            connection.close()
        }
    }

    private func fail(_ failure: ConnectionFailure, context: ChannelHandlerContext) {
        if pending != nil {
            // The end of a read without a body does not parse: there is nobody to respond to.
            connection.close()
            return
        }
        switch connection.state.fail() {
        case .ignore: break
        case .raise: if !isDiscardingBody { take(.failure(failure), context: context) }
        case .refuse: take(.unreadable(failure), context: context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // What it holds, it goes on with in a moment.
        let isEmpty = connection.held.readableBytes == 0
        if event is ChannelShouldQuiesceEvent, connection.state.quiesce(), isEmpty, !connection.closesWhenSent() {
            connection.close()
        }
        if event is RoomNeededEvent, connection.state.makesRoom(since: .now() - RoomNeededEvent.leastIdle), isEmpty,
            !connection.closesWhenSent()
        {
            context.closeWithoutWaiting()
        }
        if case ChannelEvent.inputClosed = event {
            take(.inputClosed, context: context)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    private func endInput(context: ChannelHandlerContext) {
        if connection.state.isAnswerDue {
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        } else {
            connection.closeWhenSent(lingering: false)
        }
    }

    // MARK: Answers of the router

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let interim = event as? InterimResponse else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        guard interim.status == .continue ? connection.state.awaitsContinue : connection.state.takesInterimAnswer else {
            promise?.succeed()
            return
        }
        let status = HTTPResponseStatus(statusCode: interim.status.code, reasonPhrase: interim.status.reasonPhrase)
        var head = HTTPResponseHead(version: .http1_1, status: status)
        for field in interim.fields { head.headers.add(name: field.name.rawName, value: field.value) }
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: promise)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            let asksToClose = head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
            switch connection.state.beginAnswer(asksToClose: asksToClose, now: .now()) {
            case .none:
                promise?.fail(ChannelError.ioOnClosedChannel)
                return
            case .close: head.headers.replaceOrAdd(name: "Connection", value: "close")
            case .keepAlive(isHTTP10: true): head.headers.replaceOrAdd(name: "Connection", value: "keep-alive")
            case .keepAlive: break
            }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body where connection.state.isAnswering: context.write(data, promise: promise)
        case .end where connection.state.isAnswering: end(context: context, data: data, promise: promise)
        case .body, .end: promise?.fail(ChannelError.ioOnClosedChannel)
        }
    }

    private func end(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let after = connection.state.endAnswer(now: .now())
        isRouting = false
        if after == .keepOpen {
            context.write(data, promise: promise)
            proceed(context: context)
            connection.arm()
            return
        }
        context.writeAndFlush(data, promise: promise)
        connection.closeWhenSent(lingering: after == .linger)
    }
}
