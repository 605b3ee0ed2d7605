import Blobs
import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Store

/// The handler of a stream's one request: a read of a blob is answered right here, every other goes on to the router.
final class StreamRequests: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let stream: StreamGuard
    private let budget: HTTP2WriteBudget
    /// The other end of the connection.
    private let peer: ClientAddress
    /// Nil where nothing but the router answers.
    private let cache: LoopBlobCache?
    private let serve: @Sendable (RoutedChannel) -> Void
    /// A read whose end has not come yet.
    private var pending: ReadRequest?
    /// Writes the response to a read.
    private var blobs: BlobResponseWriter?
    /// The request has been handed on.
    private var isRouted = false

    init(
        _ stream: StreamGuard, _ budget: HTTP2WriteBudget, of peer: ClientAddress, cache: LoopBlobCache?,
        serve: @escaping @Sendable (RoutedChannel) -> Void
    ) {
        self.stream = stream
        self.budget = budget
        self.peer = peer
        self.cache = cache
        self.serve = serve
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        budget.leave(self)
        blobs?.abandon()
        // It knows this handler's context, which knows this handler: nobody else breaks the cycle.
        blobs = nil
    }

    /// There is room again on the connection.
    func proceed() { blobs?.proceed() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): begin(head, data, context: context)
        case .body(let bytes):
            if pending != nil, bytes.readableBytes > 0 {
                pending?.fault = .body
                answerPending(context: context)
            } else if isRouted {
                context.fireChannelRead(data)
            }
        case .end:
            if pending != nil {
                answerPending(context: context)
            } else if isRouted {
                context.fireChannelRead(data)
            }
        }
    }

    private func begin(_ head: HTTPRequest, _ data: NIOAny, context: ChannelHandlerContext) {
        guard let cache, var request = ReadRequest(head), cache.path.serves(request.subject) else {
            return route(data, context: context)
        }
        let payer = cache.path.gate.payer(peer: peer) { head.headerFields[$0] }
        request.client = payer.client
        if payer.isEdge { stream.connection?.releaseShare() }
        blobs = BlobResponseWriter(cache: cache, sink: HTTP2ResponseSink(context, budget, peer))
        pending = request
        // Refused before its body has come.
        if request.fault == .body { answerPending(context: context) }
    }

    private func answerPending(context: ChannelHandlerContext) {
        guard let request = pending else { return }
        pending = nil
        stream.isCounted = true
        budget.join(self)
        blobs?.answer(request)
        context.flush()
    }

    private func route(_ data: NIOAny, context: ChannelHandlerContext) {
        do {
            serve(RoutedChannel(parts: try .init(wrappingChannelSynchronously: context.channel), peer: peer))
            isRouted = true
            context.fireChannelRead(data)
        } catch {
            context.close(promise: nil)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data) else {
            context.write(data, promise: promise)
            return
        }
        // Whoever answers it has counted it.
        stream.isCounted = true
        // A field of connections that HTTP/1.1 has and HTTP/2 forbids (RFC 9113 §8.2.2).
        head.headerFields[.connection] = nil
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { blobs?.proceed() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        blobs?.abandon()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Nobody else hears of an error before there is a request, or where it is answered here.
        if isRouted { context.fireErrorCaught(error) } else { context.close(promise: nil) }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let interim = event as? InterimResponse else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        guard interim.status != .continue || stream.awaitsContinue else {
            promise?.succeed()
            return
        }
        let head = HTTPResponse(status: interim.status, headerFields: interim.fields)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: promise)
    }
}
