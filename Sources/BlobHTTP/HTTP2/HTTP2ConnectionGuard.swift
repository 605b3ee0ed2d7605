import NIOCore
import NIOHTTP2
import NIOSSL

/// The first handler of a connection of HTTP/2: it decides when the connection ends, and makes sure that it does.
///
/// A connection without streams is idle. It is asked to close (GOAWAY, RFC 9113 §6.8) when it has been idle for too
/// long, or when room is needed; then one whose streams all wait for the client is idle too. NIO waits for the client;
/// one that does not react is closed here, and so is one that takes nothing of what has been written. NIO also reports
/// errors to the client, and leaves it to us to close (§5.4.1). A client that has closed its sending side is gone: it
/// could not even open a window for a response.
///
/// Without this, a flooding client would be read from for as long as it likes. TLS waits for a client's close_notify,
/// so what still arrives is discarded, and only for a short time: all streams stay in memory until then, and a flooding
/// client soon comes back with others.
final class HTTP2ConnectionGuard: ChannelDuplexHandler, NIOHTTP2FrameDelegate {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let limits: ConnectionLimits
    private let account: OpenConnection
    private let turns: LoopTurns
    /// Counts a request of which nothing came to be answered; false where its client is beyond its rate.
    private let admitsUnread: () -> Bool
    private var context: ChannelHandlerContext?
    private var streams: [HTTP2StreamID: StreamGuard] = [:]
    /// When the last stream ended, the client was asked to close, or the connection began.
    private var idleSince = NIODeadline.now()
    /// When bytes of a body last came or left.
    private var lastMoved = NIODeadline.now()
    private var timer: (task: Scheduled<Void>, deadline: NIODeadline)?
    /// The client has been asked to close.
    private var isLeaving = false
    private var hasEnded = false
    /// What waits for the next turn of the event loop, and whether more is to be read then.
    private var held = ByteBuffer()
    private var isReadHeld = false
    // What waits: in streams, on its way to them, and on its way out.
    private var streamBytes = 0
    private var arrivals = ClientFrames()
    private var deliveredBytes = 0
    private var writtenBytes: Int64 = 0
    private var output: OutputMeter
    private var sending: SendingClock

    init(
        limits: ConnectionLimits, account: OpenConnection, _ turns: LoopTurns, admitsUnread: @escaping () -> Bool
    ) {
        self.limits = limits
        self.account = account
        self.turns = turns
        self.admitsUnread = admitsUnread
        output = OutputMeter(account.channel)
        sending = SendingClock(limits: limits)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        arm()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.task.cancel()
        timer = nil
        held = ByteBuffer()
        self.context = nil
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if hasEnded { return }
        var bytes = unwrapInboundIn(data)
        if held.readableBytes > 0 { held.writeBuffer(&bytes) } else { pass(bytes, context) }
    }

    /// Passes on as much as one turn of the event loop allows; the rest waits for the next one.
    private func pass(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        var bytes = bytes
        let share = bytes.readSlice(length: arrivals.take(&bytes, frames: LoopTurns.share)) ?? ByteBuffer()
        held = bytes
        if held.readableBytes > 0 { turns.next { self.goOn() } }
        context.fireChannelRead(wrapInboundOut(share))
    }

    private func goOn() {
        guard let context, !hasEnded else { return }
        pass(held, context)
        channelReadComplete(context: context)
        guard held.readableBytes == 0, isReadHeld else { return }
        isReadHeld = false
        context.read()
    }

    func read(context: ChannelHandlerContext) {
        if held.readableBytes > 0 { isReadHeld = true } else { context.read() }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        count()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        context.fireChannelWritabilityChanged()
        count()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: leave()
        case is RoomNeededEvent: if isIdle(since: .now() - RoomNeededEvent.leastIdle) { makeRoom(context) }
        case is MemoryNeededEvent: end()
        case ChannelEvent.inputClosed:
            context.fireUserInboundEventTriggered(event)
            end()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// A frame is about to be written: what the client's windows held back is not part of it.
    func wroteFrame(_ frame: HTTP2Frame) {
        switch frame.payload {
        case .data(let data):
            let bytes = data.data.readableBytes
            writtenBytes += Int64(bytes)
            lastMoved = .now()
            streams[frame.streamID]?.left(bytes)
        case .goAway(_, let errorCode, _) where errorCode != .noError: end()
        // Refused before there was a stream.
        case .rstStream where streams[frame.streamID] == nil: countUnread()
        default: break
        }
    }

    // MARK: Streams

    /// Counts a stream until it closes; on the connection's event loop.
    func count(_ channel: any Channel, _ stream: StreamGuard) {
        guard let id = try? channel.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID) else { return }
        streams[id] = stream
        stream.connection = self
        channel.closeFuture.assumeIsolated().whenComplete { [self] _ in
            streams[id] = nil
            if !stream.isCounted { countUnread() }
            idleSince = .now()
            if streams.isEmpty { deliveredBytes = arrivals.bytes }
            arm()
        }
    }

    /// It is an edge's.
    func releaseShare() { account.releaseShare() }

    /// A request could not be read, or was given up before it was: it counts like any other.
    private func countUnread() {
        guard !hasEnded, !admitsUnread() else { return }
        // Not within the write or the end that led here.
        context?.eventLoop.assumeIsolated().execute { self.end() }
    }

    /// So many bytes more, or fewer, are held by a stream.
    func hold(_ bytes: Int) {
        streamBytes += bytes
        account.hold(heldBytes)
    }

    /// Bytes of a body have reached their stream.
    func deliver(_ bytes: Int) {
        deliveredBytes += bytes
        lastMoved = .now()
    }

    private var heldBytes: Int {
        held.readableBytes + streamBytes + max(0, arrivals.bytes - deliveredBytes) + output.waitingBytes
    }

    /// Charges the connection for what waits on it.
    private func count() {
        if output.mayWait(after: writtenBytes) { output.look(after: writtenBytes) }
        if output.waitingBytes > 0 {
            sending.begin(now: .now())
            arm()
        }
        account.hold(heldBytes)
    }

    // MARK: Time

    /// Makes sure that the timer fires no later than something is due.
    private func arm() {
        guard let context, !hasEnded else { return }
        let deadline =
            streams.isEmpty
            ? idleSince + (isLeaving ? limits.drainTimeout : limits.idleTimeout).timeAmount
            : sending.deadline ?? .now() + limits.writeTimeout.timeAmount
        if let timer, timer.deadline <= deadline { return }
        timer?.task.cancel()
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in timeIsUp() }
        timer = (task, deadline)
    }

    private func timeIsUp() {
        timer = nil
        output.look(after: writtenBytes)
        count()
        let now = NIODeadline.now()
        let isOver = sending.look(
            now: now, sentBytes: output.sentBytes(of: writtenBytes), waitingBytes: output.waitingBytes)
        if streams.isEmpty {
            if isLeaving, now >= idleSince + limits.drainTimeout.timeAmount { return end() }
            if !isLeaving, now >= idleSince + limits.idleTimeout.timeAmount { leave() }
        } else if isOver {
            return end()
        }
        arm()
    }

    /// Whether nothing has happened since `time`, and nothing will unless the client does something.
    private func isIdle(since time: NIODeadline) -> Bool {
        if streams.isEmpty { return idleSince <= time }
        if output.mayWait(after: writtenBytes) { output.look(after: writtenBytes) }
        let now = NIODeadline.now()
        return lastMoved <= time && (output.waitingBytes > 0 || streams.values.allSatisfy { $0.awaitsClient(now: now) })
    }

    // MARK: The end

    /// Asks the client to close. NIO closes the connection once the client has reacted and the last stream has ended.
    private func leave() {
        guard let context, !isLeaving else { return }
        isLeaving = true
        if streams.isEmpty { idleSince = .now() }
        arm()
        context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    /// Closes soon, whether the client reacts or not: until then, others are asked too.
    private func makeRoom(_ context: ChannelHandlerContext) {
        leave()
        let asked = NIODeadline.now()
        context.eventLoop.assumeIsolated().scheduleTask(in: ChannelHandlerContext.patience) { [self] in
            if streams.isEmpty || isIdle(since: asked) { end() }
        }
    }

    private func end() {
        guard let context, !hasEnded else { return }
        hasEnded = true
        held = ByteBuffer()
        timer?.task.cancel()
        context.closeWithoutWaiting()
        // What still arrives is discarded.
        if isReadHeld { context.read() }
    }
}

/// Looks at the frames that a client of HTTP/2 sends (RFC 9113 §4.1), before anybody else does: counts the bytes of
/// bodies, and takes back a SETTINGS_HEADER_TABLE_SIZE of more than the default. What the client remembers of our
/// fields is for us to choose up to that number (RFC 7541 §4.2), and NIO would use all of it and search it for each
/// field of each response.
struct ClientFrames {
    private enum Kind {
        case data, settings, room, other
    }

    /// Frames that make room for others (WINDOW_UPDATE, §6.9), of which a client that only reads sends many, to one of any
    /// other kind: they are little work.
    private static let roomForOther = 8

    /// Bytes of bodies so far: the payloads of DATA frames (§6.1).
    private(set) var bytes = 0
    /// Bytes that come before the next frame's header: the preface at first (§3.4), then a payload.
    private var rest = 24
    private var kind = Kind.other
    /// Of a frame's header: bytes read, and the number in the first three of them.
    private var headerBytes = 0
    private var length = 0
    private var setting = HeaderTableSetting()

    /// Takes so many frames at most, and what is left of one that has begun before; returns how many bytes that is.
    mutating func take(_ buffer: inout ByteBuffer, frames limit: Int) -> Int {
        var index = buffer.readerIndex
        var left = limit * Self.roomForOther
        while index < buffer.writerIndex {
            if rest == 0 {
                if headerBytes == 0, left <= 0 { break }
                takeHeader(buffer.getInteger(at: index) ?? 0)
                index += 1
                if headerBytes == 0 { left -= kind == .room ? 1 : Self.roomForOther }
                continue
            }
            let count = min(rest, buffer.writerIndex - index)
            switch kind {
            case .data: bytes += count
            case .settings:
                for place in index..<index + count {
                    buffer.setInteger(setting.take(buffer.getInteger(at: place) ?? 0), at: place)
                }
            case .room, .other: break
            }
            rest -= count
            index += count
        }
        return index - buffer.readerIndex
    }

    private static func kind(_ byte: UInt8) -> Kind {
        switch byte {
        case 0: .data
        case 4: .settings
        case 8: .room
        default: .other
        }
    }

    private mutating func takeHeader(_ byte: UInt8) {
        if headerBytes < 3 { length = length << 8 | Int(byte) }
        if headerBytes == 3 { kind = Self.kind(byte) }
        headerBytes += 1
        guard headerBytes == 9 else { return }
        setting = HeaderTableSetting()
        (rest, length, headerBytes) = (length, 0, 0)
    }
}

/// The payload of a SETTINGS frame (RFC 9113 §6.5.1), byte by byte: two of an identifier, four of its value.
private struct HeaderTableSetting {
    private var place = 0
    private var identifier: UInt16 = 0
    /// Whether the value is that of the default by now, or more: then its last bytes are those of the default.
    private var isAtLimit = false

    /// The byte to read in the place of `byte`: a header table of more than 4,096 bytes becomes one of 4,096, which is
    /// 00 00 10 00.
    mutating func take(_ byte: UInt8) -> UInt8 {
        defer { place = (place + 1) % 6 }
        guard place >= 2 else {
            identifier = identifier << 8 | UInt16(byte)
            isAtLimit = false
            return byte
        }
        guard identifier == 1 else { return byte }
        let limit: UInt8 = place == 4 ? 0x10 : 0
        if isAtLimit, place == 5 || place == 4 { return limit }
        if place == 4 ? byte >= limit : place < 4 && byte > limit { isAtLimit = true }
        return place == 5 ? byte : min(byte, limit)
    }
}

extension ChannelHandlerContext {
    /// How long a client gets to close. By then the reason has been sent, and it is read before a reset that may
    /// follow.
    static var patience: TimeAmount { .milliseconds(100) }

    /// Closes the connection once pending writes have been sent. TLS would wait seconds for the client's close_notify.
    func closeWithoutWaiting() {
        let loop = eventLoop.assumeIsolated()
        loop.execute { self.channel.close(promise: nil) }
        loop.scheduleTask(in: Self.patience) {
            // A connection that is closed already, or without TLS, has no such handler.
            let below = try? self.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
            below?.close(promise: nil)
        }
    }
}
