import NIOCore
import NIOHPACK
import NIOHTTP2

/// The second handler of a stream: it enforces timeouts for one request and its response by the same rules as on a
/// connection of HTTP/1.1, until the stream is closed, and ends a stream whose request is not read to its end.
final class StreamGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// About the memory of a stream, besides its request's fields and what waits.
    private static let ownBytes = 4 << 10

    /// Whoever counts this stream.
    var connection: HTTP2ConnectionGuard?
    /// Whether its request has been counted against the rate of its client.
    var isCounted = false
    private var state: ConnectionState
    private var context: ChannelHandlerContext?
    private var timer: (task: Scheduled<Void>, deadline: NIODeadline)?
    private var writtenBytes: Int64 = 0
    /// Of those, bytes that the client's windows have let through.
    private var leftBytes: Int64 = 0
    private var requestBytes = StreamGuard.ownBytes
    private var hasRequestEnded = false
    /// The response is complete, and the client has yet to hear that the rest of its request is not wanted.
    private var isResetDue = false

    init(limits: ConnectionLimits) {
        state = ConnectionState(limits: limits, now: .now())
    }

    /// Whether the client is waiting for `100 Continue`.
    var awaitsContinue: Bool { state.awaitsContinue }

    /// Whether nothing happens on this stream unless the client does something.
    func awaitsClient(now: NIODeadline) -> Bool { state.awaitsClient(waitingBytes: waitingBytes, now: now) }

    private var waitingBytes: Int { Int(writtenBytes - leftBytes) }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connection?.hold(requestBytes)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.task.cancel()
        timer = nil
        self.context = nil
        connection?.hold(-requestBytes - waitingBytes)
        connection = nil
    }

    // MARK: The request

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let payload = unwrapInboundIn(data)
        switch payload {
        case .headers(let headers): begin(headers)
        case .data(let data):
            _ = state.receive(data.readableBytes, now: .now())
            connection?.deliver(data.readableBytes)
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
        let bytes = headers.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 64 }
        requestBytes += bytes
        connection?.hold(bytes)
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
                arm()
            }
            isLast = headers.endStream
        case .data(let data):
            writtenBytes += Int64(data.readableBytes)
            connection?.hold(data.readableBytes)
            isLast = data.endStream
        default: break
        }
        context.write(data, promise: promise)
        guard isLast else { return }
        _ = state.endAnswer(now: .now())
        isResetDue = !hasRequestEnded
        resetIfDue()
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is EdgeShownEvent else { return context.triggerUserOutboundEvent(event, promise: promise) }
        connection?.releaseShare()
        promise?.succeed()
    }

    /// Bytes of the response have left.
    func left(_ bytes: Int) {
        leftBytes += Int64(bytes)
        connection?.hold(-bytes)
        // Not within the write of a frame that comes before it.
        if isResetDue { context?.eventLoop.assumeIsolated().execute { self.resetIfDue() } }
    }

    /// Tells a client whose request has not ended by then that the rest is not wanted (RFC 9113 §8.1), once it has the
    /// response.
    private func resetIfDue() {
        guard isResetDue, waitingBytes == 0, let context else { return }
        isResetDue = false
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
        let expiry = state.expire(now: .now(), sentBytes: leftBytes, waitingBytes: waitingBytes)
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
