import Glibc
import NIOCore
import NIOPosix

/// Work of one event loop that goes on once the loop has looked at its sockets again. Used on that loop only.
///
/// A loop looks at them when it has nothing left to execute. What is executed and has more to execute keeps it from that, and so
/// does what is scheduled, where the loop is busy for longer than until then. So the loop is rung for by a pipe of its own, which
/// it hears when it looks.
final class LoopTurns {
    /// How much of what one connection has sent is looked at in one turn: requests that are ready, or frames of HTTP/2.
    static let share = 4
    /// How many of those who wait go on in one turn.
    private static let atOnce = 4

    private let loop: any EventLoop
    /// The end of the pipe that is written to; nil where there is none, and nobody waits for the next look.
    private var bell: CInt?
    private var waiting = CircularBuffer<() -> Void>()

    init(_ loop: any EventLoop) {
        self.loop = loop
        // Loops of tests have no sockets.
        guard let bootstrap = NIOPipeBootstrap(validatingGroup: loop), let pipe = Self.pipe() else { return }
        bell = pipe.bell
        let ringing = NIOLoopBound(Ringing(self), eventLoop: loop)
        bootstrap
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(ringing.value) }
            }
            .takingOwnershipOfDescriptor(input: pipe.heard)
            .whenFailure { _ in
                // It is the loop's only where there is a channel.
                close(pipe.heard)
                ringing.value.turns?.muffle()
            }
    }

    deinit {
        // The loop closes the other end when it sees that.
        if let bell { close(bell) }
    }

    /// Runs `work` in the next turn, or in one behind that where many wait.
    func next(_ work: @escaping () -> Void) {
        waiting.append(work)
        if waiting.count == 1 { ring() }
    }

    private func ring() {
        var byte: UInt8 = 0
        // Safe: write(2) reads one byte during the call. There is room for it, as no other is on its way.
        if let bell, unsafe write(bell, &byte, 1) == 1 { return }
        loop.assumeIsolated().execute { self.begin() }
    }

    /// Runs what has waited longest, as much as one turn allows.
    fileprivate func begin() {
        let due = Array(waiting.prefix(Self.atOnce))
        waiting.removeFirst(due.count)
        if !waiting.isEmpty { ring() }
        for work in due { work() }
    }

    /// The loop cannot hear the bell.
    private func muffle() {
        if let bell { close(bell) }
        bell = nil
        begin()
    }

    /// The ends of a pipe; nil where the system has no room for it.
    private static func pipe() -> (heard: CInt, bell: CInt)? {
        var ends: [CInt] = [-1, -1]
        // Safe: pipe(2) writes two numbers during the call.
        guard unsafe Glibc.pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// Hears the bell.
    private final class Ringing: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        weak var turns: LoopTurns?

        init(_ turns: LoopTurns) { self.turns = turns }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { turns?.begin() }
    }
}
