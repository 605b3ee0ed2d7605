package import NIOCore

/// The state of a connection and what happens next: a state machine without sockets and clocks.
///
/// Requests are read one after another and may run ahead of their responses, which are sent in the order of the
/// requests. A response that begins before its request has been read to the end is the last one of its connection.
///
/// One clock runs for all that waits for the client, whichever response it belongs to, and another for what the client
/// has begun to send.
package struct ConnectionState: Sendable {
    /// What is being read.
    package enum Reading: Hashable, Sendable {
        /// Nothing: the next byte begins a request.
        case idle
        case head
        case body
        /// No further request is accepted on this connection; anything that arrives is discarded.
        case over
    }

    /// A request whose response has not been sent to its end.
    struct Exchange: Sendable {
        var keepsAlive: Bool
        let isHTTP10: Bool
        let expectsContinue: Bool
        /// The whole request has been read.
        var hasEnded: Bool
    }

    /// Requests that may be read before the first of them has been answered.
    package static let requestsAhead = 32

    package private(set) var reading = Reading.idle
    private let limits: ConnectionLimits
    private var exchanges: [Exchange] = []
    private var hasAnswerBegun = false
    private var answerCloses = false
    private var isQuiescing = false
    private var isInputClosed = false
    private var isLingering = false
    private var thrownAwayBytes = 0
    /// When lingering ends even though bytes keep coming.
    private var drainEnd = NIODeadline.distantFuture
    /// Bytes that are still to come of a body whose length was announced.
    package private(set) var bodyRest = 0
    /// When the present state of reading began; of lingering, when it began or the last bytes came.
    private var since: NIODeadline
    /// Since when the server has been waiting for bytes of a body; nil while it is the server that is behind.
    private var waitingSince: NIODeadline?
    /// How much longer to wait for a body: waiting spends it, bytes earn it.
    private var patience: Duration = .zero
    /// Nothing is read for now, since requests wait for their responses.
    private var isReadingHeld = false
    private var sending: SendingClock
    /// `limits.idleTimeout`, as every request needs it.
    private let idleTimeout: TimeAmount

    package init(limits: ConnectionLimits, now: NIODeadline) {
        self.limits = limits
        idleTimeout = limits.idleTimeout.timeAmount
        since = now
        sending = SendingClock(limits: limits)
    }

    // MARK: Reading

    package enum BytesAction: Hashable, Sendable {
        case deliver, discard, close
    }

    /// `count` bytes have arrived.
    package mutating func receive(_ count: Int, now: NIODeadline) -> BytesAction {
        switch reading {
        case .idle:
            reading = .head
            since = now
        case .head: break
        case .body: earnPatience(count, now: now)
        case .over:
            thrownAwayBytes += count
            if isLingering { since = now }
            return thrownAwayBytes > limits.drainBytes ? .close : .discard
        }
        return .deliver
    }

    /// The channel asks the client for more.
    package mutating func awaitBytes(now: NIODeadline) {
        if isReadingHeld {
            isReadingHeld = false
            since = now
        }
        if reading == .body, waitingSince == nil { waitingSince = now }
    }

    /// Nothing is read until `awaitBytes`: the client is not to blame for what has not come.
    package mutating func holdReading() { isReadingHeld = true }

    /// How many more requests may be read now.
    package var requestRoom: Int { max(0, Self.requestsAhead - exchanges.count) }

    private mutating func earnPatience(_ count: Int, now: NIODeadline) {
        let waited = waitingSince.map { Duration.nanoseconds((now - $0).nanoseconds) } ?? .zero
        waitingSince = nil
        let earned = Duration.seconds(Double(count) / Double(max(limits.uploadBytesPerSecond, 1)))
        patience = min(limits.uploadPatience, patience - waited + earned)
    }

    /// The fields of a request have been read, which announce a body of so many bytes.
    package mutating func beginRequest(
        keepsAlive: Bool, isHTTP10: Bool, expectsContinue: Bool, bodyBytes: Int = 0, now: NIODeadline
    ) {
        reading = .body
        bodyRest = bodyBytes
        since = now
        patience = limits.uploadPatience
        waitingSince = nil
        exchanges.append(
            Exchange(
                keepsAlive: keepsAlive, isHTTP10: isHTTP10, expectsContinue: expectsContinue && !isHTTP10,
                hasEnded: false))
    }

    /// So many bytes of the announced body have been read.
    package mutating func receiveBody(_ count: Int) { bodyRest -= min(count, bodyRest) }

    /// A request has been read to its end.
    package mutating func endRequest(now: NIODeadline) {
        guard reading == .body, !exchanges.isEmpty else { return }
        exchanges[exchanges.count - 1].hasEnded = true
        bodyRest = 0
        reading = exchanges[exchanges.count - 1].keepsAlive && !isQuiescing ? .idle : .over
        since = now
        waitingSince = nil
    }

    package enum FailureAction: Hashable, Sendable {
        /// Nobody is waiting for it.
        case ignore
        /// Refuse it in its turn: there is no request to hand on.
        case refuse
        /// Raise it to whoever is reading the body.
        case raise
    }

    /// The request being read cannot be read to its end.
    package mutating func fail() -> FailureAction {
        switch reading {
        case .over: return .ignore
        case .body:
            reading = .over
            exchanges[exchanges.count - 1].keepsAlive = false
            return .raise
        case .idle, .head:
            reading = .over
            exchanges.append(Exchange(keepsAlive: false, isHTTP10: false, expectsContinue: false, hasEnded: true))
            return .refuse
        }
    }

    /// The client will send no more.
    package mutating func closeInput() { isInputClosed = true }

    /// Whether the connection can make room for others: every request that has been read was answered, and for the
    /// next one, if it has begun at all, the client has been sending its fields since `time`.
    package func makesRoom(since time: NIODeadline) -> Bool {
        (reading == .idle || reading == .head) && exchanges.isEmpty && since <= time
    }

    /// Whether nothing happens here before the client takes bytes that wait for it, or goes on with a body that has
    /// cost half of its patience.
    package func awaitsClient(waitingBytes: Int, now: NIODeadline) -> Bool {
        if waitingBytes > 0 { return true }
        guard reading == .body, let waitingSince else { return false }
        return now >= waitingSince + (patience - limits.uploadPatience / 2).timeAmount
    }

    /// Whether requests are waiting for their responses.
    package var isAnswerDue: Bool { !exchanges.isEmpty }

    // MARK: Answering

    /// Whether the client is waiting for `100 Continue`, and no response has begun.
    package var awaitsContinue: Bool {
        guard takesInterimAnswer, let exchange = exchanges.first else { return false }
        return exchange.expectsContinue && !exchange.hasEnded
    }

    /// Whether an interim response can be sent: to a client that supports them, before the final response begins.
    package var takesInterimAnswer: Bool {
        guard let exchange = exchanges.first else { return false }
        return !exchange.isHTTP10 && !hasAnswerBegun && !isLingering
    }

    package enum Persistence: Hashable, Sendable {
        /// Nobody is to get a response: what is written is dropped.
        case none
        case close
        /// Keep the connection open, and say so to a client of HTTP/1.0.
        case keepAlive(isHTTP10: Bool)
    }

    /// The head of a response is about to be sent; `asksToClose` if it says `Connection: close` itself.
    package mutating func beginAnswer(asksToClose: Bool, now: NIODeadline) -> Persistence {
        guard let exchange = exchanges.first, !isLingering, !hasAnswerBegun else { return .none }
        hasAnswerBegun = true
        sending.begin(now: now)
        answerCloses = asksToClose || !exchange.keepsAlive || !exchange.hasEnded || isQuiescing
        if answerCloses { reading = .over }
        return answerCloses ? .close : .keepAlive(isHTTP10: exchange.isHTTP10)
    }

    /// Whether a request that comes now can be read and answered in one step: nothing is under way, and the connection
    /// goes on afterwards.
    package var isFree: Bool {
        reading == .idle && exchanges.isEmpty && !isQuiescing && !isInputClosed && !isLingering
    }

    /// A request without a body has been read and answered in one step; returns `deadline`.
    package mutating func exchange(now: NIODeadline) -> NIODeadline {
        since = now
        sending.begin(now: now)
        let idle = now + idleTimeout
        return min(idle, sending.deadline ?? idle)
    }

    /// The same where the end of the response is still to come.
    package mutating func beginExchange(now: NIODeadline) {
        beginRequest(keepsAlive: true, isHTTP10: false, expectsContinue: false, now: now)
        endRequest(now: now)
        _ = beginAnswer(asksToClose: false, now: now)
    }

    /// Whether the body of a response may be sent.
    package var isAnswering: Bool { hasAnswerBegun }

    package enum AfterAnswer: Hashable, Sendable {
        case keepOpen
        /// Close the sending side, then discard for a while what the client still sends.
        case linger
        case close
    }

    /// A response has been handed to the channel to its end.
    package mutating func endAnswer(now: NIODeadline) -> AfterAnswer {
        guard hasAnswerBegun else { return .keepOpen }
        hasAnswerBegun = false
        exchanges.removeFirst()
        if answerCloses || isInputClosed && exchanges.isEmpty { return isInputClosed ? .close : .linger }
        if isQuiescing && exchanges.isEmpty && reading != .body {
            reading = .over
            return .linger
        }
        if reading == .idle { since = now }
        return .keepOpen
    }

    /// The last response has been sent, and the client may still be sending.
    package mutating func linger(now: NIODeadline) {
        reading = .over
        isLingering = true
        since = now
        drainEnd = now + limits.longestDrain.timeAmount
    }

    /// The server is shutting down; true if the connection can be closed as soon as its last response has been sent. One that
    /// has ended its last response closes by itself, and lingers no longer.
    package mutating func quiesce() -> Bool {
        isQuiescing = true
        return isLingering || reading == .idle && exchanges.isEmpty
    }

    /// Nothing that the client sends from now on is a request.
    package mutating func stopReading() { reading = .over }

    // MARK: Time

    /// When `expire` must be called at the latest.
    package func deadline(now: NIODeadline) -> NIODeadline {
        if isLingering { return drainDeadline }
        if let reading = readingDeadline { return min(reading, sending.deadline ?? reading) }
        let pause = exchanges.isEmpty ? limits.idleTimeout : limits.writeTimeout
        return sending.deadline ?? now + pause.timeAmount
    }

    private var drainDeadline: NIODeadline { min(since + limits.drainTimeout.timeAmount, drainEnd) }

    private var readingDeadline: NIODeadline? {
        if isReadingHeld { return nil }
        return switch reading {
        case .head: since + limits.headerTimeout.timeAmount
        case .body: waitingSince.map { $0 + patience.timeAmount }
        case .idle: exchanges.isEmpty ? since + idleTimeout : nil
        case .over: nil
        }
    }

    package enum Expiry: Hashable, Sendable {
        case none
        case close
        case fail(ConnectionFailure)
    }

    /// What has timed out. `sentBytes` have reached the client so far, `waitingBytes` are waiting for it.
    package mutating func expire(now: NIODeadline, sentBytes: Int64, waitingBytes: Int) -> Expiry {
        if isLingering { return now >= drainDeadline ? .close : .none }
        if sending.look(now: now, sentBytes: sentBytes, waitingBytes: waitingBytes) { return .close }
        if isReadingHeld { return .none }
        switch reading {
        case .head where now >= since + limits.headerTimeout.timeAmount: return .fail(.slowHeader)
        case .idle where exchanges.isEmpty:
            // It is not idle before the client has taken everything.
            if waitingBytes > 0 { since = now }
            return now >= since + limits.idleTimeout.timeAmount ? .close : .none
        case .body:
            guard let waitingSince, now >= waitingSince + patience.timeAmount else { return .none }
            return .fail(.slowBody)
        default: return .none
        }
    }
}

extension Duration {
    /// The same for NIO, which can count up to 292 years.
    var timeAmount: TimeAmount { TimeAmount(self) }
}
