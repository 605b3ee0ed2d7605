import NIOCore

/// The first handler of a connection: it sees the bytes before the decoder does, enforces timeouts, and closes a
/// connection without losing its last response.
final class ConnectionGuard: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// Shared with the `MessageGuard` above the decoder, on the same event loop.
    var state: ConnectionState
    /// Called when the request that is being read times out.
    var onFailure: ((ConnectionFailure) -> Void)?
    private var context: ChannelHandlerContext?
    private var timer: (task: Scheduled<Void>, deadline: NIODeadline)?
    private var writtenBytes: Int64 = 0
    private var isLingering = false

    init(limits: ConnectionLimits) {
        state = ConnectionState(limits: limits, now: .now())
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { arm() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.task.cancel()
        timer = nil
        onFailure = nil
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        arm()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state.receive(unwrapInboundIn(data).readableBytes, now: .now()) {
        case .deliver: context.fireChannelRead(data)
        case .discard: break
        case .close: context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        // The handlers above no longer read.
        if isLingering { context.read() }
        arm()
    }

    func read(context: ChannelHandlerContext) {
        state.awaitBytes(now: .now())
        context.read()
        if state.reading == .body { arm() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            state.closeInput()
            if isLingering { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        writtenBytes += Int64(unwrapOutboundIn(data).readableBytes)
        context.write(data, promise: promise)
    }

    /// Closes the connection once everything written has been sent. What still arrives is discarded for a while, since
    /// unread bytes at a close would make the kernel reset the connection, and the client lose the response.
    func linger() {
        guard let context, !isLingering else { return }
        isLingering = true
        state.linger(now: .now())
        context.close(mode: .output, promise: nil)
        context.read()
        arm()
    }

    /// The other end of the connection.
    var remoteAddress: SocketAddress? { context?.channel.remoteAddress }

    func close() { context?.close(promise: nil) }

    /// Closes the connection when everything written has been sent.
    func closeWhenSent(lingering: Bool) {
        guard let context else { return }
        let sent = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: sent)
        sent.futureResult.assumeIsolated().whenComplete { [weak self] _ in
            if lingering { self?.linger() } else { self?.close() }
        }
    }

    // MARK: Past the codec

    /// Whether more can be written without piling up in memory.
    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Writes a response that is encoded already.
    func send(_ data: IOData, promise: EventLoopPromise<Void>? = nil) {
        guard let context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        writtenBytes += Int64(data.readableBytes)
        context.write(wrapOutboundOut(data), promise: promise)
    }

    func flush() { context?.flush() }

    // MARK: Time

    /// Makes sure that the timer fires no later than the state needs.
    func arm() {
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
        let buffered = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        switch state.expire(now: .now(), sentBytes: writtenBytes - Int64(buffered), bufferedBytes: buffered) {
        case .none: break
        case .close: context.close(promise: nil)
        case .fail(let failure): onFailure?(failure)
        }
        arm()
    }
}
