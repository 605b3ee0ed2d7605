import Blobs
import HTTPTypes
import NIOCore
import NIOHTTP1
import Store

/// The handler above the decoder: it judges each request's framing, keeps requests and answers in step, and decides
/// when a connection ends. Requests for blobs it has answered right here; all others go on to the router, whose part of
/// the pipeline is added when a connection first needs it.
///
/// One request is answered at a time. Those sent ahead wait in `backlog`, and while any does nothing more is read, so
/// they are no more than one reading of the socket.
final class MessageGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// What waits for its turn.
    private enum Item {
        case read(BlobAddress, BlobQuestion)
        case part(HTTPServerRequestPart)
        case failure(ConnectionFailure)
        case inputClosed
    }

    private let connection: ConnectionGuard
    /// Nil where nothing but the router answers.
    private let reading: BlobAnswer?
    private let router: RouterPart
    /// Room for one: few clients send ahead, and every connection has one of these.
    private var backlog = CircularBuffer<Item>(initialCapacity: 1)
    /// A request for a blob whose end has not been read.
    private var pending: (address: BlobAddress, question: BlobQuestion)?
    /// The router has a request that it has not answered to the end.
    private var isRouting = false
    private var isReadHeld = false
    private var isProceeding = false

    init(_ connection: ConnectionGuard, reading: BlobAnswer?, router: RouterPart) {
        self.connection = connection
        self.reading = reading
        self.router = router
    }

    func handlerAdded(context: ChannelHandlerContext) {
        connection.onFailure = { [weak self] failure in self?.fail(failure, context: context) }
        reading?.onEnd = { [weak self] in
            self?.proceed(context: context)
            self?.connection.flush()
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        reading?.abandon()
        backlog.removeAll()
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard connection.state.reading != .over else { return }
        switch unwrapInboundIn(data) {
        case .head(let head): begin(head, context: context)
        case .body(let bytes): take(.part(.body(bytes)), context: context)
        case .end(let trailers):
            connection.state.endRequest(now: .now())
            if let (address, question) = pending {
                pending = nil
                take(.read(address, question), context: context)
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
            expectsContinue: framing.expectsContinue, now: .now())
        pending = reading == nil ? nil : framing.blobRequest
        pending?.question.asker = reading?.asker(peer: ClientAddress(context.channel.remoteAddress)) { name in
            let values = head.headers[name.canonicalName]
            return values.isEmpty ? nil : values.joined(separator: ",")
        }
        if pending == nil { take(.part(.head(head)), context: context) }
    }

    private func take(_ item: Item, context: ChannelHandlerContext) {
        // Nearly always a request finds the connection free.
        if case .read(let address, let question) = item, backlog.isEmpty, !isProceeding, isFree {
            reading?.answer(question, for: address)
            return
        }
        backlog.append(item)
        proceed(context: context)
    }

    /// Whether a further request may have its turn.
    private var isFree: Bool { isReadingIdle && !isRouting && connection.isWritable }

    private var isReadingIdle: Bool { reading?.isIdle ?? true }

    /// Gives everything its turn that can have it.
    private func proceed(context: ChannelHandlerContext) {
        if isProceeding { return }
        isProceeding = true
        defer { isProceeding = false }
        while let item = backlog.first {
            switch item {
            case .read(let address, let question):
                guard isFree else { return }
                backlog.removeFirst()
                reading?.answer(question, for: address)
            case .part(let part):
                if case .head = part {
                    guard isFree else { return }
                    isRouting = true
                }
                backlog.removeFirst()
                route(part, context: context)
            case .failure(let failure):
                backlog.removeFirst()
                context.fireErrorCaught(failure)
            case .inputClosed:
                guard isReadingIdle else { return }
                backlog.removeFirst()
                endInput(context: context)
            }
        }
        if isReadHeld {
            isReadHeld = false
            context.read()
        }
    }

    private func route(_ part: HTTPServerRequestPart, context: ChannelHandlerContext) {
        do { try router.join(context, behind: self) } catch {
            context.fireErrorCaught(error)
            return
        }
        context.fireChannelRead(wrapInboundOut(part))
        // Taken out of the backlog, it may not be inside a reading of the socket.
        if case .end = part { context.fireChannelReadComplete() }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        connection.flush()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            reading?.proceed()
            proceed(context: context)
            connection.flush()
        }
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        if backlog.isEmpty { context.read() } else { isReadHeld = true }
    }

    func channelInactive(context: ChannelHandlerContext) {
        reading?.abandon()
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
            // A head without a body and without an end: nobody could be answered.
            connection.close()
            return
        }
        switch connection.state.fail() {
        case .ignore: break
        case .raise: take(.failure(failure), context: context)
        case .standIn:
            take(.part(.head(StandInRequest.head(for: failure))), context: context)
            take(.part(.end(nil)), context: context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, connection.state.quiesce() { connection.close() }
        if event is RoomNeededEvent, connection.state.isIdle(since: .now() - RoomNeededEvent.leastIdle) {
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

    // MARK: The router's answers

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
            return
        }
        context.writeAndFlush(data, promise: promise)
        connection.closeWhenSent(lingering: after == .linger)
    }
}
