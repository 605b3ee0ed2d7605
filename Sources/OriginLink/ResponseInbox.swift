import NIOCore
import Synchronization

/// What has arrived of one response: filled by the connection on its event loop, emptied by whoever reads it, without a
/// hop between them. It outlives the connection's part in the exchange.
final class ResponseInbox: Sendable {
    /// With more bytes waiting than this, the connection reads no further.
    static let fullBytes = 1 << 20
    /// With so many bytes waiting, or fewer, it reads again.
    static let roomBytes = 1 << 19
    /// Pieces smaller than this are joined with what follows them, up to four times as much.
    private static let smallBytes = 16 << 10

    /// What a reader finds.
    enum Finding: Sendable {
        /// At least one byte, and whether the connection waits to be told to read again.
        case bytes(ByteBuffer, resumesReading: Bool)
        case end
        /// Nothing yet.
        case nothing
        /// Nothing yet, not even a head; or there will be none, as `takeHead` says.
        case headless
    }

    /// What a reader waits for.
    private enum Awaited { case head, bytes }

    private struct State {
        var head: OriginHead?
        var pieces = CircularBuffer<ByteBuffer>()
        var waitingBytes = 0
        /// Nil until the response is over, one way or the other.
        var ending: Result<Void, OriginError>?
        /// Whether it failed before there was one byte of it.
        var isUntouched = false
        /// Whether the connection has an exchange for this.
        var isAttached = true
        var isPaused = false
        var reader: (awaits: Awaited, since: NIODeadline, continuation: CheckedContinuation<Void, Never>)?

        func has(_ awaited: Awaited) -> Bool {
            if ending != nil { return true }
            return awaited == .head ? head != nil : !pieces.isEmpty
        }

        /// The reader, if what it waits for is there.
        mutating func readyReader() -> CheckedContinuation<Void, Never>? {
            guard let reader, has(reader.awaits) else { return nil }
            self.reader = nil
            return reader.continuation
        }
    }

    private let state = Mutex(State())

    // MARK: For the connection

    func receive(_ head: OriginHead) { state.withLock { $0.head = head } }

    func receive(_ piece: ByteBuffer) {
        state.withLock {
            if $0.ending != nil || piece.readableBytes == 0 { return }
            $0.pieces.append(piece)
            $0.waitingBytes += piece.readableBytes
        }
    }

    /// Wakes the reader if what it waits for has come; false if so much waits that nothing more may be read. Then
    /// whoever takes enough of it tells the connection to go on.
    func settleRead() -> Bool {
        let (reader, mayRead) = state.withLock { state in
            state.isPaused = state.waitingBytes > Self.fullBytes && state.ending == nil
            return (state.readyReader(), !state.isPaused)
        }
        reader?.resume()
        return mayRead
    }

    /// The response is over; only the first word on that counts.
    func end(_ ending: Result<Void, OriginError>, isUntouched: Bool = false) {
        let reader = state.withLock { state in
            if state.ending == nil {
                state.ending = ending
                state.isUntouched = isUntouched
            }
            return state.readyReader()
        }
        reader?.resume()
    }

    /// The connection has nothing to do with the exchange any more.
    func detach() { state.withLock { $0.isAttached = false } }

    /// Since when somebody has been waiting for something; nil if nobody is.
    var awaitedSince: NIODeadline? { state.withLock { $0.reader?.since } }

    var hasHead: Bool { state.withLock { $0.head != nil } }

    // MARK: For the reader

    /// Whether it failed before there was one byte of it.
    var isUntouched: Bool { state.withLock { $0.isUntouched } }
    /// Whether the connection has been told to wait until there is room.
    var isPaused: Bool { state.withLock { $0.isPaused } }

    /// The head; nil if it has not come yet.
    func takeHead() throws(OriginError) -> OriginHead? {
        let (head, ending) = state.withLock { ($0.head, $0.ending) }
        switch ending {
        case .failure(.closed): throw .closed
        case .failure(let error) where head == nil: throw error
        default: return head
        }
    }

    /// Some of what has arrived: of one piece without copying, of small ones together.
    func take(atMost limit: Int) throws(OriginError) -> Finding {
        var pieces: [ByteBuffer] = []
        let (resumesReading, ending, hasHead) = state.withLock { state in
            Self.take(atMost: limit, of: &state, into: &pieces)
            let resumes = state.isPaused && state.waitingBytes <= Self.roomBytes
            if resumes { state.isPaused = false }
            return (resumes, state.ending, state.head != nil)
        }
        if let first = pieces.first { return .bytes(Self.join(first, pieces), resumesReading: resumesReading) }
        switch ending {
        case .failure(.closed): throw .closed
        case _ where !hasHead: return .headless
        case .success: return .end
        case .failure(let error): throw error
        case nil: return .nothing
        }
    }

    private static func take(atMost limit: Int, of state: inout State, into pieces: inout [ByteBuffer]) {
        guard var piece = state.pieces.popFirst() else { return }
        if let part = piece.readSlice(length: limit) {
            if piece.readableBytes > 0 { state.pieces.prepend(piece) }
            piece = part
        }
        pieces.append(piece)
        var count = piece.readableBytes
        let mostJoined = piece.readableBytes < smallBytes ? min(limit, smallBytes * 4) : 0
        while let next = state.pieces.first, count + next.readableBytes <= mostJoined {
            pieces.append(next)
            count += next.readableBytes
            state.pieces.removeFirst()
        }
        state.waitingBytes -= count
    }

    private static func join(_ first: ByteBuffer, _ pieces: [ByteBuffer]) -> ByteBuffer {
        if pieces.count == 1 { return first }
        var joined = ByteBufferAllocator().buffer(capacity: pieces.reduce(0) { $0 + $1.readableBytes })
        for piece in pieces { joined.writeImmutableBuffer(piece) }
        return joined
    }

    /// Returns when the head is there, or the response over.
    func waitForHead() async { await wait(for: .head) }

    /// Returns when there are bytes, or the response is over.
    func waitForBytes() async { await wait(for: .bytes) }

    private func wait(for awaited: Awaited) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if state.has(awaited) { return true }
                precondition(state.reader == nil, "two tasks read one response")
                state.reader = (awaited, .now(), continuation)
                return false
            }
            if isReady { continuation.resume() }
        }
    }

    /// Nobody wants the response any more. True if the connection has to be told.
    func close() -> Bool {
        let (reader, isAttached) = state.withLock { state in
            state.ending = .failure(.closed)
            state.isUntouched = false
            state.pieces.removeAll()
            state.waitingBytes = 0
            return (state.readyReader(), state.isAttached)
        }
        reader?.resume()
        return isAttached
    }
}
