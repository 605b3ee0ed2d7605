import NIOCore
import NIOHTTP1

/// Asks the connection for `100 Continue`: an outbound event, sent by a handler that is about to read a body.
struct ProceedEvent: Sendable {}

/// The handler above the decoder: it judges each request's framing, keeps requests and answers in step, and decides
/// when a connection ends.
final class MessageGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let connection: ConnectionGuard

    init(_ connection: ConnectionGuard) {
        self.connection = connection
    }

    func handlerAdded(context: ChannelHandlerContext) {
        connection.onFailure = { [weak self] failure in self?.fail(failure, context: context) }
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard connection.state.reading != .over else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            if let fault = RequestFraming.fault(in: head) {
                fail(.malformed(fault), context: context)
                return
            }
            connection.state.beginRequest(
                keepsAlive: RequestFraming.keepsAlive(head), isHTTP10: head.version == .http1_0,
                expectsContinue: head.headers["expect"].contains { $0.lowercased() == "100-continue" }, now: .now())
        case .body: break
        case .end: connection.state.endRequest(now: .now())
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let parserError = error as? HTTPParserError else {
            context.fireErrorCaught(error)
            return
        }
        fail(ConnectionFailure(parserError), context: context)
    }

    private func fail(_ failure: ConnectionFailure, context: ChannelHandlerContext) {
        switch connection.state.fail() {
        case .ignore: break
        case .raise: context.fireErrorCaught(failure)
        case .standIn:
            context.fireChannelRead(wrapInboundOut(.head(StandInRequest.head(for: failure))))
            context.fireChannelRead(wrapInboundOut(.end(nil)))
            context.fireChannelReadComplete()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, connection.state.quiesce() { connection.close() }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: Answers

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is ProceedEvent else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        if connection.state.awaitsContinue {
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: promise)
        } else {
            promise?.succeed()
        }
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
        if after == .keepOpen {
            context.write(data, promise: promise)
            return
        }
        let sent = promise ?? context.eventLoop.makePromise()
        context.writeAndFlush(data, promise: sent)
        sent.futureResult.assumeIsolated().whenComplete { [connection] _ in
            if after == .close { connection.close() } else { connection.linger() }
        }
    }
}
