import HTTPTypes
import NIOCore

/// One exchange, as long as the connection has to do with it.
final class RunningExchange {
    let inbox: ResponseInbox
    let method: HTTPRequest.Method
    let onInterim: (@Sendable (HTTPResponse.Status, HTTPFields) -> Void)?
    /// What is still to be written of the request's body.
    var body: OutgoingBody
    var keepsAlive = false
    var isResponseOver = false
    /// Interim responses so far.
    var interimCount = 0
    /// Whoever waits until more can be written.
    var writer: (since: NIODeadline, continuation: LinkHandler.WriteContinuation)?
    /// When the request was last seen to get on.
    var lastProgress: NIODeadline
    private var uplink: UplinkMeter?

    init(_ request: OriginRequest, _ inbox: ResponseInbox, on channel: any Channel) {
        self.inbox = inbox
        method = request.method
        onInterim = request.onInterim
        body = OutgoingBody(request.body)
        lastProgress = .now()
        uplink = request.body == .none ? nil : UplinkMeter(channel)
    }

    func resumeWriter(_ result: Result<Void, OriginError>) {
        let waiting = writer
        writer = nil
        waiting?.continuation.resume(returning: result)
    }

    func fail(_ error: OriginError, isUntouched: Bool) {
        inbox.detach()
        inbox.end(.failure(error), isUntouched: isUntouched)
        resumeWriter(.failure(error))
    }

    /// Since when something is due from the origin that somebody waits for: the response once the request has been sent
    /// or the response has begun, or room for more of the request. Nil if nothing is.
    private var awaitedSince: NIODeadline? {
        let reader = body.isComplete || inbox.hasHead ? inbox.awaitedSince : nil
        guard let reader, let writer else { return reader ?? writer?.since }
        return min(reader, writer.since)
    }

    /// Whether the origin has been silent for too long, where it last sent something at `lastRead`; if not, when to ask
    /// again at the latest.
    func isSilent(_ silence: TimeAmount, lastRead: NIODeadline, now: NIODeadline) -> (Bool, askAgain: NIODeadline) {
        guard let since = awaitedSince else { return (false, now + silence) }
        let deadline = max(since, lastRead, lastProgress) + silence
        if now < deadline { return (false, deadline) }
        // Much of a request can wait in the kernel, on its way over a slow line.
        if uplink?.hasProgressed() == true {
            lastProgress = now
            return (false, now + silence)
        }
        return (true, now + silence)
    }
}

/// How much of what was written has arrived at the other end. Used on the channel's event loop only.
struct UplinkMeter {
    private let channel: any Channel
    private var seenBytes: Int64

    init(_ channel: any Channel) {
        self.channel = channel
        seenBytes = Self.acknowledgedBytes(channel) ?? 0
    }

    /// Whether more has arrived than when this was last asked.
    mutating func hasProgressed() -> Bool {
        guard let bytes = Self.acknowledgedBytes(channel), bytes > seenBytes else { return false }
        seenBytes = bytes
        return true
    }

    /// Linux's `tcpi_bytes_acked`, the eight bytes behind 120 others in what TCP_INFO returns (linux/tcp.h); nil where
    /// the system does not tell.
    private static func acknowledgedBytes(_ channel: any Channel) -> Int64? {
        guard let socket = channel as? any SocketOptionProvider else { return nil }
        // Safe: the kernel writes no more bytes than there are, and whatever it writes is a number.
        let info: EventLoopFuture<InlineArray<16, UInt64>> =
            socket.unsafeGetSocketOption(level: .tcp, name: NIOBSDSocket.Option(rawValue: 11))
        var bytes: Int64?
        // On the event loop the value is there already.
        info.assumeIsolated().whenSuccess { bytes = Int64(clamping: $0[15]) }
        return bytes
    }
}
