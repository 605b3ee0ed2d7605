import NIOCore

/// How many connections an event loop ends before it looks at the others again.
///
/// Ending one costs some 30 µs. Thousands that end at once, as when a proxy is restarted, would make everybody else wait for
/// a tenth of a second and more. Opening, answering and ending connections one by one takes longer than a turn allows, so
/// nobody waits where clients come and go.
struct EndingRule {
    /// Connections that end in one turn.
    static let atOnce = 16
    /// How long a turn is.
    static let turn = TimeAmount.milliseconds(1)

    private var end: NIODeadline?
    private var left = 0

    /// Whether one more may end at `now`, in this turn or, if it is over, in the next one.
    mutating func admits(at now: NIODeadline) -> Bool {
        if end.map({ now >= $0 }) ?? true { (end, left) = (now + Self.turn, Self.atOnce) }
        guard left > 0 else { return false }
        left -= 1
        return true
    }
}

/// Ends the connections of one event loop, in their order and in turns. Used on that loop only.
final class LoopEndings {
    private let loop: any EventLoop
    private var rule = EndingRule()
    private var waiting = CircularBuffer<() -> Void>()

    init(_ loop: any EventLoop) { self.loop = loop }

    /// Runs `close` when its turn comes, which is mostly now.
    func take(_ close: @escaping () -> Void) {
        if waiting.isEmpty, rule.admits(at: loop.now) { return close() }
        waiting.append(close)
        if waiting.count == 1 { goOnLater() }
    }

    private func goOnLater() {
        loop.assumeIsolated().scheduleTask(in: EndingRule.turn) { self.goOn() }
    }

    private func goOn() {
        while !waiting.isEmpty, rule.admits(at: loop.now) { waiting.removeFirst()() }
        if !waiting.isEmpty { goOnLater() }
    }
}

/// The end of one connection: whoever closes it first takes a turn, and all others wait for the same one.
final class ConnectionEnding {
    private enum State {
        case open, waiting, ended
    }

    private let endings: LoopEndings
    private var state = State.open

    init(_ endings: LoopEndings) { self.endings = endings }

    /// Closes below `context` when its turn comes.
    func close(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        switch state {
        case .open:
            state = .waiting
            endings.take {
                self.state = .ended
                context.close(promise: promise)
            }
        case .waiting: context.channel.closeFuture.cascade(to: promise)
        case .ended: context.close(promise: promise)
        }
    }
}

/// The handler next to a connection's socket where TLS is above it: whoever closes the connection waits for a turn.
final class EndingGuard: ChannelOutboundHandler {
    typealias OutboundIn = NIOAny

    private let ending: ConnectionEnding

    init(_ endings: LoopEndings) { ending = ConnectionEnding(endings) }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all else { return context.close(mode: mode, promise: promise) }
        ending.close(context, promise: promise)
    }
}
