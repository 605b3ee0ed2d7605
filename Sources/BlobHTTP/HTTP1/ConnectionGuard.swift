import Blobs
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
    /// Answers what is ready before the decoder sees it; nil where nothing but the router answers.
    var ready: ReadyReads?
    private let account: OpenConnection
    private let turns: LoopTurns
    private(set) var context: ChannelHandlerContext?
    private var timer: (task: Scheduled<Void>, deadline: NIODeadline)?
    /// What waits for the decoder, and whether the client closed its sending side behind it.
    var held = ByteBuffer()
    private(set) var isInputClosedHeld = false
    private var isDelivering = false
    /// The decoder has been given requests to their ends, and nothing behind them.
    private var isDecoderEmpty = true
    /// What waits does so for the next turn of the event loop.
    private var isPausing = false
    private var isUnsentLimited = false
    /// In this turn, responses have been sent past it, or something has been given to it.
    private var hasAnswered = false
    private var hasDelivered = false
    /// What `send` is given is on its way out.
    private var isSending = false
    /// Something was written to the channel, and may be waiting there.
    private var mayBeQueued = false
    /// Where responses are sent past the channel; nil where bytes have to be encrypted first.
    private var socket: ConnectionSocket?
    var isLingering = false
    private var writtenBytes: Int64 = 0
    private var output: OutputMeter
    /// Nil where somebody below takes the turn.
    let ending: ConnectionEnding?

    init(
        limits: ConnectionLimits, account: OpenConnection, _ turns: LoopTurns, isSecure: Bool = false,
        endings: LoopEndings? = nil
    ) {
        ending = endings.map { ConnectionEnding($0) }
        socket = isSecure ? nil : account.descriptor.map { ConnectionSocket(descriptor: $0) }
        state = ConnectionState(limits: limits, now: .now())
        output = OutputMeter(account.channel)
        self.account = account
        self.turns = turns
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { arm() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.task.cancel()
        timer = nil
        onFailure = nil
        // It knows this handler: nobody else breaks the cycle.
        ready = nil
        held = ByteBuffer()
        socket = nil
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        arm()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        socket = nil
        context.fireChannelInactive()
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if let ready, isDecoderEmpty, held.readableBytes == 0, !isDelivering {
            answer(&bytes, ready, context)
            if bytes.readableBytes == 0 { return }
        }
        hasDelivered = true
        if isDelivering || held.readableBytes > 0 {
            held.writeBuffer(&bytes)
        } else if !isPausing, allowance(of: bytes) == bytes.readableBytes {
            deliver(bytes, context)
        } else {
            held = bytes
        }
        if held.readableBytes > 0, !isDelivering, !isPausing { deliverHeld(context) }
    }

    /// Answers the reads at the start of `bytes` that are ready, as many as one turn of the event loop allows.
    private func answer(_ bytes: inout ByteBuffer, _ ready: ReadyReads, _ context: ChannelHandlerContext) {
        var room = LoopTurns.share
        while state.isFree, !mayBeQueued || context.channel.isWritable && context.channel.isActive,
            let answer = ready.answer(bytes.readableBytesUInt8Span)
        {
            bytes.moveReaderIndex(forwardBy: answer.requestBytes)
            hasAnswered = true
            guard send(answer, ready, context) else { return }
            let now = NIODeadline.now()
            ready.note(answer, at: now)
            let deadline = state.exchange(now: now)
            if timer.map({ $0.deadline > deadline }) ?? true { arm() }
            if bytes.readableBytes == 0 { return }
            room -= 1
            if room == 0 { return pause() }
        }
    }

    /// Goes on with what is held in the next turn, when others have had theirs.
    private func pause() {
        if isPausing { return }
        isPausing = true
        if !isUnsentLimited { account.limitUnsent() }
        isUnsentLimited = true
        turns.next { [self] in
            isPausing = false
            guard let context, held.readableBytes > 0 else { return }
            let bytes = held
            held = ByteBuffer()
            channelRead(context: context, data: NIOAny(bytes))
            if held.readableBytes == 0 { deliverHeld(context) }
            channelReadComplete(context: context)
            if held.readableBytes == 0 { count() }
            context.channel.read()
        }
    }

    /// Sends a response: past the channel as far as that is possible, the rest through it. False where a part of a file is
    /// left, which `ready` waits for.
    private func send(_ answer: ReadyReads.Response, _ ready: ReadyReads, _ context: ChannelHandlerContext) -> Bool {
        let (head, body) = sendPast(answer.head, answer.body, of: answer.blob)
        if head == nil, case .none = body { return true }
        // Above, nobody is told that there is no room, if there is again right away.
        isSending = true
        defer {
            isSending = false
            if !context.channel.isWritable { channelWritabilityChanged(context: context) }
        }
        if let head { write(head, context) }
        switch body {
        case .none: break
        case .bytes(let bytes): write(bytes, context)
        case .file(let range): return sendFile(range, of: answer, ready, context)
        }
        context.flush()
        return true
    }

    /// Sends what the kernel takes of a response, and returns what is left of it.
    private func sendPast(
        _ head: ByteBuffer, _ body: ReadyReads.Response.Rest, of blob: CachedBlob
    ) -> (head: ByteBuffer?, body: ReadyReads.Response.Rest) {
        guard let socket, !mayWait else { return (head, body) }
        let taken = socket.send(head)
        pass(taken)
        guard taken == head.readableBytes else { return (head.dropping(taken), body) }
        switch body {
        case .none: return (nil, .none)
        case .bytes(let bytes):
            let taken = socket.send(bytes)
            pass(taken)
            return (nil, bytes.dropping(taken).map { .bytes($0) } ?? .none)
        case .file(let range):
            guard let file = blob.descriptor else { return (nil, body) }
            let taken = socket.send(file, range)
            pass(taken)
            let rest = ByteRange(
                offset: range.offset + Int64(taken), count: range.count - Int64(taken), within: range.end)
            return (nil, rest.map { .file($0) } ?? .none)
        }
    }

    /// Whether something of earlier responses waits in the channel.
    var mayWait: Bool {
        if mayBeQueued { mayBeQueued = output.isWaiting }
        return mayBeQueued
    }

    /// So many bytes have left that no look is needed for.
    private func pass(_ count: Int) {
        output.pass(Int64(count))
        writtenBytes += Int64(count)
    }

    /// Writes bytes that the cache has, whether they wait here or not, or few others.
    private func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        pass(bytes.readableBytes)
        mayBeQueued = true
        context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
    }

    /// Sends what was written before, and a piece of a file.
    private func sendFile(
        _ range: ByteRange, of answer: ReadyReads.Response, _ ready: ReadyReads, _ context: ChannelHandlerContext
    ) -> Bool {
        guard let region = answer.blob.region(range) else {
            close()
            return false
        }
        let sent = context.eventLoop.makePromise(of: Void.self)
        mayBeQueued = true
        output.noteFile(Int(range.count), after: writtenBytes)
        writtenBytes += range.count
        state.beginExchange(now: .now())
        context.write(wrapOutboundOut(.fileRegion(region)), promise: sent)
        context.flush()
        ready.wait(for: sent.futureResult, range, of: answer)
        arm()
        return false
    }

    /// How much of `bytes` may go on now.
    private func allowance(of bytes: ByteBuffer) -> Int {
        if state.reading == .over { return bytes.readableBytes }
        return RequestBoundary.prefix(of: bytes, requests: state.requestRoom, bodyBytes: state.bodyRest)
    }

    private func deliver(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        let isWithinBody = state.bodyRest > 0
        switch state.receive(bytes.readableBytes, now: .now()) {
        case .deliver:
            isDelivering = true
            context.fireChannelRead(wrapInboundOut(bytes))
            isDelivering = false
            isDecoderEmpty = state.reading == .idle && (isWithinBody || RequestBoundary.isEnd(of: bytes))
        case .discard: break
        case .close:
            held.clear()
            end(context)
        }
    }

    /// Delivers what waits, as far as it may go on now: the rest of a body, and requests behind it. What is answered at once makes
    /// room for more, in the next turn.
    private func deliverHeld(_ context: ChannelHandlerContext) {
        for _ in 0..<(state.bodyRest > 0 ? 2 : 1) {
            guard let bytes = held.readSlice(length: allowance(of: held)), bytes.readableBytes > 0 else { break }
            deliver(bytes, context)
        }
        if held.readableBytes > 0 {
            if allowance(of: held) > 0 { pause() }
            return
        }
        held = ByteBuffer()
        guard isInputClosedHeld else { return }
        isInputClosedHeld = false
        closeInput(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if hasAnswered {
            hasAnswered = false
            if !hasDelivered { return }
        }
        hasDelivered = false
        context.fireChannelReadComplete()
        // The handlers above no longer read.
        if isLingering { context.read() }
        if output.mayWait(after: writtenBytes) || backlogBytes > 0 || held.readableBytes > 0 { count() }
        arm()
    }

    func read(context: ChannelHandlerContext) {
        if held.readableBytes > 0 {
            if !isDelivering, allowance(of: held) > 0 { pause() }
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
        if isLingering { end(context) }
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        note(unwrapOutboundIn(data))
        context.write(data, promise: promise)
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
        mayBeQueued = true
        let count = data.readableBytes
        if case .fileRegion = data { output.noteFile(count, after: writtenBytes) }
        writtenBytes += Int64(count)
    }

    func flush() { context?.flush() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isSending { return }
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
        case .close: end(context)
        case .fail(let failure): onFailure?(failure)
        }
        arm()
    }
}
