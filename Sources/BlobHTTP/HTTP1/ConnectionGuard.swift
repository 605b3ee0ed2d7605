import NIOCore

/// The first handler of a connection: it sees the bytes before the decoder does, enforces timeouts, and closes a
/// connection without losing its last response.
///
/// The decoder gets no more than the requests that may be read ahead of their responses. The rest of what has been read
/// waits here, as bytes, and nothing more is read until it is gone.
final class ConnectionGuard: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// Shared with the `MessageGuard` above the decoder, on the same event loop.
    var state: ConnectionState
    /// Called when the request that is being read times out.
    var onFailure: ((ConnectionFailure) -> Void)?
    /// Bytes of memory that requests take which wait above the decoder.
    var backlogBytes = 0
    private let account: OpenConnection
    private var context: ChannelHandlerContext?
    private var timer: (task: Scheduled<Void>, deadline: NIODeadline)?
    /// What waits for the decoder, and whether the client closed its sending side behind it.
    private var held = ByteBuffer()
    private var isInputClosedHeld = false
    private var isDelivering = false
    /// Whether the handlers above are being asked whether there may be more, and whether they have said so.
    private var isAsking = false
    private var isAsked = false
    private var isLingering = false
    private var writtenBytes: Int64 = 0
    private var output: OutputMeter

    init(limits: ConnectionLimits, account: OpenConnection) {
        state = ConnectionState(limits: limits, now: .now())
        output = OutputMeter(account.channel)
        self.account = account
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { arm() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.task.cancel()
        timer = nil
        onFailure = nil
        held = ByteBuffer()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        arm()
        context.fireChannelActive()
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if isDelivering || held.readableBytes > 0 {
            held.writeBuffer(&bytes)
        } else if allowance(of: bytes) == bytes.readableBytes {
            deliver(data, bytes.readableBytes, context)
        } else {
            held = bytes
        }
        if held.readableBytes > 0, !isDelivering { deliverHeld(context) }
    }

    /// How much of `bytes` may go on now.
    private func allowance(of bytes: ByteBuffer) -> Int {
        if state.reading == .over { return bytes.readableBytes }
        return RequestBoundary.prefix(of: bytes, requests: state.requestRoom, bodyBytes: state.bodyRest)
    }

    /// Passes on `data`, a buffer of so many bytes.
    private func deliver(_ data: NIOAny, _ count: Int, _ context: ChannelHandlerContext) {
        switch state.receive(count, now: .now()) {
        case .deliver:
            isDelivering = true
            context.fireChannelRead(data)
            isDelivering = false
        case .discard: break
        case .close:
            held.clear()
            context.close(promise: nil)
        }
    }

    /// Delivers what waits, as far as it may go on now.
    private func deliverHeld(_ context: ChannelHandlerContext) {
        while held.readableBytes > 0 {
            guard let bytes = held.readSlice(length: allowance(of: held)), bytes.readableBytes > 0 else { return }
            deliver(wrapInboundOut(bytes), bytes.readableBytes, context)
        }
        held = ByteBuffer()
        guard isInputClosedHeld else { return }
        isInputClosedHeld = false
        closeInput(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        // The handlers above no longer read.
        if isLingering { context.read() }
        if output.mayWait(after: writtenBytes) || backlogBytes > 0 || held.readableBytes > 0 { count() }
        arm()
    }

    func read(context: ChannelHandlerContext) {
        if held.readableBytes > 0 {
            isAsked = true
            if isDelivering || isAsking { return }
            isAsking = true
            // The handlers above, which may be holding requests again, say whether there may be more.
            repeat {
                isAsked = false
                deliverHeld(context)
                context.fireChannelReadComplete()
                count()
                context.channel.read()
            } while isAsked && held.readableBytes > 0 && state.requestRoom > 0
            isAsking = false
            return
        }
        state.awaitBytes(now: .now())
        context.read()
        if state.reading == .body { arm() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            if held.readableBytes > 0 { isInputClosedHeld = true } else { closeInput(context) }
        case is MemoryNeededEvent: context.closeWithoutWaiting()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func closeInput(_ context: ChannelHandlerContext) {
        state.closeInput()
        if isLingering { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        note(unwrapOutboundIn(data))
        context.write(data, promise: promise)
    }

    /// Closes the connection once everything written has been sent. What still arrives is discarded for a while, since
    /// unread bytes at a close would make the kernel reset the connection, and the client lose the response.
    func linger() {
        guard let context, !isLingering else { return }
        isLingering = true
        held = ByteBuffer()
        if isInputClosedHeld { return context.close(promise: nil) }
        state.linger(now: .now())
        context.close(mode: .output, promise: nil)
        context.read()
        arm()
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is EdgeShownEvent else { return context.triggerUserOutboundEvent(event, promise: promise) }
        releaseShare()
        promise?.succeed()
    }

    /// The other end of the connection.
    var peer: ClientAddress { account.peer }

    /// It is an edge's.
    func releaseShare() { account.releaseShare() }

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
        note(data)
        context.write(wrapOutboundOut(data), promise: promise)
    }

    /// It is about to be written.
    private func note(_ data: IOData) {
        let count = data.readableBytes
        if case .fileRegion = data { output.noteFile(count, after: writtenBytes) }
        writtenBytes += Int64(count)
    }

    func flush() { context?.flush() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        context.fireChannelWritabilityChanged()
        count()
    }

    // MARK: Memory and time

    /// Charges the connection for what waits on it.
    private func count() {
        output.look(after: writtenBytes)
        let heldBytes = held.readableBytes > 0 ? held.storageCapacity : 0
        account.hold(heldBytes + backlogBytes + output.waitingMemory)
    }

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
        count()
        let expiry = state.expire(
            now: .now(), sentBytes: output.sentBytes(of: writtenBytes), waitingBytes: output.waitingBytes)
        switch expiry {
        case .none: break
        case .close: context.close(promise: nil)
        case .fail(let failure): onFailure?(failure)
        }
        arm()
    }
}
