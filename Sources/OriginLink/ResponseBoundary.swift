import NIOCore

/// Where a response ends among the bytes of a connection, so that none of it is ever taken for the next one. It counts
/// what the decoder is given, since the decoder does not say where it found the end.
struct ResponseBoundary {
    /// What to do with bytes that have arrived.
    enum Step: Equatable {
        /// Give so many to the decoder.
        case deliver(Int)
        /// Give up, for this reason.
        case refuse(String)
    }

    private enum Section: Equatable {
        /// Nothing is due.
        case quiet
        case head
        /// The decoder has all of a head, and is about to say what follows it.
        case headEnded
        /// So many bytes are to come.
        case body(Int64)
        case chunks
        case toTheEnd
    }

    private static let emptyLine: UInt32 = 0x0d0a_0d0a

    private let headLimitBytes: Int
    private var section = Section.quiet
    private var headBytes = 0
    /// The last four bytes of a head, or of chunks.
    private var tail: UInt32 = 0

    init(headLimitBytes: Int) {
        self.headLimitBytes = headLimitBytes
    }

    /// A response is due.
    mutating func begin() {
        section = .head
        headBytes = 0
        tail = 0
    }

    /// What of `bytes`, which are not empty, the decoder may have.
    mutating func take(_ bytes: ByteBuffer) -> Step {
        let count = bytes.readableBytes
        switch section {
        case .quiet: return .refuse("there are bytes behind a response, or without a request")
        case .head: return takeHead(bytes.readableBytesUInt8Span)
        case .headEnded: return .refuse("a head has ended that cannot be read")
        case .body(let rest):
            let taken = Int(clamping: min(rest, Int64(count)))
            section = rest > Int64(taken) ? .body(rest - Int64(taken)) : .quiet
            return .deliver(taken)
        case .chunks:
            note(bytes.readableBytesUInt8Span.extracting(last: 4))
            return .deliver(count)
        case .toTheEnd: return .deliver(count)
        }
    }

    private mutating func takeHead(_ bytes: Span<UInt8>) -> Step {
        var count = 0
        while count < bytes.count, section == .head {
            tail = tail << 8 | UInt32(bytes[count])
            count += 1
            if tail == Self.emptyLine { section = .headEnded }
        }
        headBytes += count
        return headBytes > headLimitBytes ? .refuse("its head has more than \(headLimitBytes) bytes") : .deliver(count)
    }

    private mutating func note(_ bytes: Span<UInt8>) {
        for index in bytes.indices { tail = tail << 8 | UInt32(bytes[index]) }
    }

    /// The decoder has been given all of a head, and has not said a word.
    var isHeadMissing: Bool { section == .headEnded }

    /// The decoder found the head of an interim response: another one follows. False if it ended elsewhere.
    mutating func goOn() -> Bool {
        guard section == .headEnded else { return false }
        begin()
        return true
    }

    /// The decoder found the head of the final response. False if it ended elsewhere.
    mutating func frame(_ framing: BodyFraming) -> Bool {
        guard section == .headEnded else { return false }
        section =
            switch framing {
            case .none, .length(0): .quiet
            case .length(let count): .body(count)
            case .chunked: .chunks
            case .toTheEnd: .toTheEnd
            }
        return true
    }

    /// The decoder found the end of the response. False if it ended elsewhere: behind the last chunk, and behind what
    /// may follow that, stands an empty line. (Bytes behind that which end in one themselves contain a head, about which
    /// the decoder complains.)
    mutating func end() -> Bool {
        switch section {
        case .quiet, .toTheEnd: break
        case .chunks where tail == Self.emptyLine: break
        default: return false
        }
        section = .quiet
        return true
    }
}

/// The first handler of a connection: it gives the decoder no byte beyond the response that is due.
final class ResponseGuard: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Changed by the handler behind the decoder while it is given bytes.
    var boundary: ResponseBoundary
    /// Whether there has been a byte since the last request began.
    private(set) var hasReceived = false
    private(set) var lastRead = NIODeadline.now()
    private var isStopped = false

    init(headLimitBytes: Int) {
        boundary = ResponseBoundary(headLimitBytes: headLimitBytes)
    }

    /// A request is about to be sent.
    func begin(now: NIODeadline) {
        boundary.begin()
        hasReceived = false
        lastRead = now
    }

    /// Whatever still comes is dropped.
    func stop() { isStopped = true }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        hasReceived = true
        lastRead = .now()
        while bytes.readableBytes > 0, !isStopped {
            switch boundary.take(bytes) {
            case .deliver(let count):
                guard let piece = bytes.readSlice(length: count) else { return }
                context.fireChannelRead(wrapInboundOut(piece))
                if boundary.isHeadMissing { refuse("a head has ended that cannot be read", context) }
            case .refuse(let reason): refuse(reason, context)
            }
        }
    }

    private func refuse(_ reason: String, _ context: ChannelHandlerContext) {
        if isStopped { return }
        isStopped = true
        context.fireErrorCaught(OriginError.malformed(reason))
    }
}
