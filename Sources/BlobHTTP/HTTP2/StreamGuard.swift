import NIOCore
import NIOHPACK
import NIOHTTP2

/// The second handler of a stream: it enforces timeouts for one request and its response by the same rules as on a
/// connection of HTTP/1.1, and ends a stream whose request is not read to its end.
final class StreamGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private var state: ConnectionState
    private var context: ChannelHandlerContext?
    private var timer: (task: Scheduled<Void>, deadline: NIODeadline)?
    private var writtenBytes: Int64 = 0
    private var hasRequestEnded = false

    init(limits: ConnectionLimits) {
        state = ConnectionState(limits: limits, now: .now())
    }

    /// Whether the client is waiting for `100 Continue`.
    var awaitsContinue: Bool { state.awaitsContinue }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.task.cancel()
        timer = nil
        self.context = nil
    }

    // MARK: The request

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let payload = unwrapInboundIn(data)
        switch payload {
        case .headers(let headers): begin(headers)
        case .data(let data):
            _ = state.receive(data.readableBytes, now: .now())
            if data.endStream { endRequest() }
        default: break
        }
        context.fireChannelRead(data)
        arm()
    }

    private func begin(_ headers: HTTP2Frame.FramePayload.Headers) {
        if state.reading == .idle {
            let expects = headers.headers["expect"].contains { $0.lowercased() == "100-continue" }
            state.beginRequest(keepsAlive: false, isHTTP10: false, expectsContinue: expects, now: .now())
        }
        if headers.endStream { endRequest() }
    }

    private func endRequest() {
        hasRequestEnded = true
        state.endRequest(now: .now())
    }

    func read(context: ChannelHandlerContext) {
        state.awaitBytes(now: .now())
        context.read()
        arm()
    }

    // MARK: The response

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var isLast = false
        switch unwrapOutboundIn(data) {
        case .headers(let headers):
            if headers.headers.first(name: ":status")?.first != "1" {
                _ = state.beginAnswer(asksToClose: false, now: .now())
            }
            isLast = headers.endStream
        case .data(let data):
            writtenBytes += Int64(data.readableBytes)
            isLast = data.endStream
        default: break
        }
        context.write(data, promise: promise)
        if isLast { endAnswer(context) }
    }

    /// Tells a client whose request has not ended by then that the rest is not wanted (RFC 9113 §8.1).
    private func endAnswer(_ context: ChannelHandlerContext) {
        _ = state.endAnswer(now: .now())
        guard !hasRequestEnded else { return }
        context.writeAndFlush(wrapOutboundOut(.rstStream(.noError)), promise: nil)
    }

    // MARK: Time

    private func arm() {
        guard let context, context.channel.isActive else { return }
        let deadline = state.deadline(now: .now())
        if let timer, timer.deadline <= deadline { return }
        timer?.task.cancel()
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.timeIsUp() }
        timer = (task, deadline)
    }

    private func timeIsUp() {
        timer = nil
        guard let context, context.channel.isActive else { return }
        // Writers write only while there is room, so everything before the last piece has been taken.
        let expiry = state.expire(
            now: .now(), sentBytes: writtenBytes, bufferedBytes: context.channel.isWritable ? 0 : 1)
        switch expiry {
        case .none: break
        case .close: context.close(promise: nil)
        case .fail(let failure):
            _ = state.fail()
            context.fireErrorCaught(failure)
        }
        arm()
    }
}

extension HTTP2Frame.FramePayload.Data {
    fileprivate var readableBytes: Int { data.readableBytes }
}
