import Glibc
import NIOCore
import NIOPosix

/// What keeps the connections of one event loop from making each other wait. Used on that loop only.
struct FairLoop {
    let endings: LoopEndings
    let turns: LoopTurns

    init(_ loop: any EventLoop) {
        endings = LoopEndings(loop)
        turns = LoopTurns(loop)
    }
}

/// Work that an event loop goes on with once it has looked at its sockets again. Used on that loop only.
///
/// A loop looks at them when it has nothing left to execute. Work that asks for more of itself to be executed keeps it from
/// that, and so does work that is scheduled, once a turn takes longer than the delay. So the loop is woken by a pipe, which it
/// sees no earlier than it looks.
final class LoopTurns {
    /// How much of what one connection has sent is looked at in one turn: requests that are ready, or frames of HTTP/2.
    static let share = 4
    /// How many of those who wait go on in one turn.
    private static let atOnce = 4

    private let loop: any EventLoop
    /// The end of the pipe that is written to; nil where there is no pipe, and work does not wait for the next look.
    private var writeEnd: CInt?
    private var waiting = CircularBuffer<() -> Void>()

    init(_ loop: any EventLoop) {
        self.loop = loop
        // Loops of tests have no sockets.
        guard let bootstrap = NIOPipeBootstrap(validatingGroup: loop), let pipe = Self.pipe() else { return }
        writeEnd = pipe.writeEnd
        let reader = NIOLoopBound(WakeUpReader(self), eventLoop: loop)
        bootstrap
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(reader.value) }
            }
            .takingOwnershipOfDescriptor(input: pipe.readEnd)
            .whenFailure { _ in
                // Without a channel it is not the loop's.
                close(pipe.readEnd)
                reader.value.turns?.giveUpPipe()
            }
    }

    deinit {
        // The loop closes the other end when it sees that.
        if let writeEnd { close(writeEnd) }
    }

    /// Runs `work` in the next turn, or in one behind that where many wait.
    func next(_ work: @escaping () -> Void) {
        waiting.append(work)
        if waiting.count == 1 { wakeUp() }
    }

    private func wakeUp() {
        var byte: UInt8 = 0
        // Safe: write(2) reads one byte during the call. There is room for it, as no other is on its way.
        if let writeEnd, unsafe write(writeEnd, &byte, 1) == 1 { return }
        loop.assumeIsolated().execute { self.begin() }
    }

    /// Runs what has waited longest, as much as one turn allows.
    fileprivate func begin() {
        let due = Array(waiting.prefix(Self.atOnce))
        waiting.removeFirst(due.count)
        if !waiting.isEmpty { wakeUp() }
        for work in due { work() }
    }

    /// The loop cannot watch the pipe.
    private func giveUpPipe() {
        if let writeEnd { close(writeEnd) }
        writeEnd = nil
        begin()
    }

    /// The ends of a pipe; nil where the system has no room for it.
    private static func pipe() -> (readEnd: CInt, writeEnd: CInt)? {
        var ends: [CInt] = [-1, -1]
        // Safe: pipe(2) writes two numbers during the call.
        guard unsafe Glibc.pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private final class WakeUpReader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        weak var turns: LoopTurns?

        init(_ turns: LoopTurns) { self.turns = turns }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { turns?.begin() }
    }
}
