package import NIOCore

/// How long bytes may wait for a client that takes them slowly, or not at all. While bytes wait, time spends the
/// client's patience; bytes that leave earn it at the lowest speed.
///
/// A state machine without a clock: its owner looks at the connection no later than `deadline`, and says what it saw.
package struct SendingClock: Sendable {
    /// The least time between two looks: a client near the lowest speed has little patience left.
    private static let pause = Duration.seconds(1)

    private let bytesPerSecond: Int
    private let full: Duration
    private var patience: Duration { didSet { allowance = Self.allowance(patience, full) } }
    /// How long not to look: computed here and not for every request.
    private var allowance: TimeAmount
    /// Up to when waiting has been counted; nil where nothing waits.
    private var counted: NIODeadline?
    /// Bytes were waiting at the last look.
    private var isWaiting = false
    private var sentBytes: Int64 = 0

    package init(limits: ConnectionLimits) {
        bytesPerSecond = limits.downloadBytesPerSecond
        full = limits.writeTimeout
        patience = full
        allowance = Self.allowance(full, full)
    }

    private static func allowance(_ patience: Duration, _ full: Duration) -> TimeAmount {
        max(patience, min(full, pause)).timeAmount
    }

    /// When to look at the latest; nil while nothing is known to wait.
    package var deadline: NIODeadline? { counted.map { $0 + allowance } }

    /// Bytes are about to be written. They wait from now on, unless older ones do already.
    package mutating func begin(now: NIODeadline) { if !isWaiting { counted = now } }

    /// So many bytes have left so far, and so many are waiting. True if the client has had all its time.
    package mutating func look(now: NIODeadline, sentBytes: Int64, waitingBytes: Int) -> Bool {
        let earned = earned(by: sentBytes - self.sentBytes)
        self.sentBytes = sentBytes
        isWaiting = waitingBytes > 0
        guard isWaiting else {
            counted = nil
            patience = full
            return false
        }
        let waited = counted.map { Duration.nanoseconds((now - $0).nanoseconds) } ?? .zero
        counted = now
        patience = min(full, patience - waited + earned)
        return patience <= .zero
    }

    /// Without a lowest speed every byte earns the whole patience.
    private func earned(by bytes: Int64) -> Duration {
        guard bytes > 0 else { return .zero }
        return bytesPerSecond > 0 ? .seconds(Double(bytes) / Double(bytesPerSecond)) : full * 2
    }
}

/// What has been written to a connection and has not reached its client. Used on its event loop only.
struct OutputMeter {
    /// Bytes that are written without a look at what waits: a look is a system call.
    static let unseenBytes: Int64 = 16 << 10

    private let channel: any Channel
    private var seenBytes: Int64 = 0
    /// Bytes that waited at the last look, in this process or in files.
    private(set) var waitingBytes = 0
    /// Those of them that take memory.
    private(set) var waitingMemory = 0
    /// Ranges of what was written that come from files and may still be waiting.
    private var fileRanges: [Range<Int64>] = []

    init(_ channel: any Channel) {
        self.channel = channel
    }

    /// `count` bytes are about to be written that take no memory of the connection's own: no look is needed for them.
    mutating func pass(_ count: Int64) { seenBytes += count }

    /// `count` bytes of a file are about to be written, after `writtenBytes` others.
    mutating func noteFile(_ count: Int, after writtenBytes: Int64) {
        let range = writtenBytes..<writtenBytes + Int64(count)
        if let last = fileRanges.last, last.upperBound == range.lowerBound {
            fileRanges[fileRanges.count - 1] = last.lowerBound..<range.upperBound
        } else {
            fileRanges.append(range)
        }
    }

    /// Whether it is worth a look, where so many bytes have been written in all.
    func mayWait(after writtenBytes: Int64) -> Bool {
        waitingBytes > 0 || writtenBytes - seenBytes >= Self.unseenBytes
    }

    /// Whether anything waits in this process at this moment.
    var isWaiting: Bool { ((try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 1) > 0 }

    /// Looks at what waits, where so many bytes have been written in all.
    mutating func look(after writtenBytes: Int64) {
        seenBytes = writtenBytes
        waitingBytes = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        waitingMemory = waitingBytes
        if fileRanges.isEmpty { return }
        let sent = writtenBytes - Int64(waitingBytes)
        fileRanges.removeAll { $0.upperBound <= sent }
        for range in fileRanges { waitingMemory -= Int(range.upperBound - max(range.lowerBound, sent)) }
    }

    /// Bytes that the client's machine has confirmed, since much can wait in the kernel; where that cannot be known,
    /// those that have left this process.
    func sentBytes(of writtenBytes: Int64) -> Int64 { acknowledgedBytes ?? writtenBytes - Int64(waitingBytes) }

    /// Linux's `tcpi_bytes_acked`, the eight bytes behind 120 others in what TCP_INFO returns (linux/tcp.h).
    private var acknowledgedBytes: Int64? {
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
