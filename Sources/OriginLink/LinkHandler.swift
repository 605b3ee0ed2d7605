import NIOCore
import NIOHTTP1
import NIOTLS

/// The last handler of a connection to the origin: one exchange after another, on its event loop.
///
///     bytes → [TLS] → ResponseGuard → encoder, decoder → LinkHandler → ResponseInbox → whoever reads
///
/// Bytes are read only when they are asked for, which is whenever there is room for them: also between exchanges, when
/// none may come, so that a connection that was closed is not used again.
final class LinkHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart
    typealias WriteContinuation = CheckedContinuation<Result<Void, OriginError>, Never>

    /// The most interim responses to one request: an origin that sends them without end gives no answer.
    private static let interimLimit = 64

    enum Phase {
        case opening
        /// Between exchanges, idle since then; or before the first one, which is about to begin.
        case free(since: NIODeadline?)
        case busy(RunningExchange)
        case closed(OriginError)
    }

    let settings: OriginClientSettings
    /// Up to when the connection must be open.
    let openingDeadline: NIODeadline
    let bytes: ResponseGuard
    private let pool: ConnectionPool
    private let isSecure: Bool
    var phase = Phase.opening
    private(set) var context: ChannelHandlerContext?
    private var connection: OriginConnection?
    private var opened: EventLoopPromise<OriginConnection>?
    var timer: (task: Scheduled<Void>, deadline: NIODeadline)?

    init(
        _ settings: OriginClientSettings, pool: ConnectionPool, bytes: ResponseGuard, isSecure: Bool,
        openingDeadline: NIODeadline
    ) {
        self.settings = settings
        self.pool = pool
        self.bytes = bytes
        self.isSecure = isSecure
        self.openingDeadline = openingDeadline
    }

    // MARK: Opening

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        fail(.closed)
        connection = nil
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        context.read()
        if !isSecure { open(context) }
        arm()
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent { open(context) }
        context.fireUserInboundEventTriggered(event)
    }

    private func open(_ context: ChannelHandlerContext) {
        guard case .opening = phase else { return }
        let connection = OriginConnection(context.channel, self)
        guard pool.connected(connection) else { return fail(.closed) }
        self.connection = connection
        phase = .free(since: nil)
        opened?.succeed(connection)
        opened = nil
    }

    /// Keeps `promise` when the connection is open, which includes that the origin has proved who it is.
    func whenOpen(_ promise: EventLoopPromise<OriginConnection>) {
        if case .closed(let error) = phase { return promise.fail(error) }
        if let connection { return promise.succeed(connection) }
        opened = promise
    }

    // MARK: Writing

    /// Begins an exchange; false if the connection is closed.
    func begin(_ request: PreparedRequest, _ inbox: ResponseInbox) -> Bool {
        guard case .free = phase, let context, context.channel.isActive else { return false }
        let exchange = RunningExchange(request.request, inbox, on: context.channel)
        phase = .busy(exchange)
        bytes.begin(now: .now())
        context.write(wrapOutboundOut(.head(request.head)), promise: nil)
        if exchange.body.isComplete { context.write(wrapOutboundOut(.end(nil)), promise: nil) }
        context.flush()
        arm()
        return true
    }

    func write(_ piece: ByteBuffer, for inbox: ResponseInbox, _ continuation: WriteContinuation) {
        guard let (exchange, context) = running(inbox, continuation) else { return }
        do { try exchange.body.take(piece.readableBytes) } catch {
            fail(error)
            return continuation.resume(returning: .failure(error))
        }
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(piece))), promise: nil)
        if case .closed(let error) = phase { return continuation.resume(returning: .failure(error)) }
        if context.channel.isWritable { return continuation.resume(returning: .success(())) }
        precondition(exchange.writer == nil, "two tasks write one request")
        exchange.writer = (.now(), continuation)
        arm()
    }

    func finish(_ inbox: ResponseInbox, _ continuation: WriteContinuation) {
        guard let (exchange, context) = running(inbox, continuation) else { return }
        do { try exchange.body.finish() } catch {
            fail(error)
            return continuation.resume(returning: .failure(error))
        }
        exchange.lastProgress = .now()
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        continuation.resume(returning: .success(()))
        settle()
    }

    /// The exchange of `inbox`; if it is no longer there, whoever writes is told why.
    private func running(
        _ inbox: ResponseInbox, _ continuation: WriteContinuation
    ) -> (RunningExchange, ChannelHandlerContext)? {
        if case .busy(let exchange) = phase, exchange.inbox === inbox, let context { return (exchange, context) }
        var error = OriginError.closed
        if case .closed(let reason) = phase { error = reason }
        continuation.resume(returning: .failure(error))
        return nil
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, case .busy(let exchange) = phase { exchange.resumeWriter(.success(())) }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .busy(let exchange) = phase else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            do { try receive(head, exchange) } catch { fail(error) }
        case .body(let piece): exchange.inbox.receive(piece)
        case .end:
            guard bytes.boundary.end() else { return fail(.malformed("there are bytes behind its last chunk")) }
            exchange.isResponseOver = true
        }
    }

    private func receive(_ head: HTTPResponseHead, _ exchange: RunningExchange) throws(OriginError) {
        let isInterim = (100..<200).contains(head.status.code) && head.status.code != 101
        let isWhole: Bool
        if isInterim {
            exchange.interimCount += 1
            if exchange.interimCount > Self.interimLimit { throw .malformed("it has too many interim responses") }
            isWhole = bytes.boundary.goOn()
            exchange.onInterim?(try ResponseReading.status(head), try ResponseReading.fields(head.headers))
        } else {
            let reading = try ResponseReading(head, to: exchange.method)
            isWhole = bytes.boundary.frame(reading.framing)
            exchange.keepsAlive = reading.keepsAlive
            exchange.inbox.receive(reading.head)
        }
        if !isWhole { throw .malformed("its head does not end in an empty line") }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        settle()
        switch phase {
        case .opening, .free: context.read()
        case .busy(let exchange): if exchange.inbox.settleRead() { context.read() }
        case .closed: break
        }
        context.fireChannelReadComplete()
    }

    /// There is room for more of the response again.
    func readOn(_ inbox: ResponseInbox) {
        if case .busy(let exchange) = phase, exchange.inbox === inbox { context?.read() }
    }

    // MARK: Ending

    /// Ends the exchange if it is complete: after what belongs to its response, no byte has come. Whoever reads learns it
    /// last, so that the next request finds the connection.
    private func settle() {
        guard case .busy(let exchange) = phase, exchange.isResponseOver else { return }
        if exchange.body.isComplete {
            exchange.inbox.detach()
            release(exchange)
        }
        exchange.inbox.end(.success(()))
    }

    private func release(_ exchange: RunningExchange) {
        phase = .free(since: .now())
        guard exchange.keepsAlive, let context, context.channel.isActive, let connection, pool.giveBack(connection)
        else { return fail(.closed) }
        arm()
    }

    func channelInactive(context: ChannelHandlerContext) {
        settle()
        fail(.broken(bytes.hasReceived ? "it was closed in the middle" : "it was closed before there was a response"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(translate(error)) }

    private func translate(_ error: any Error) -> OriginError {
        if let error = error as? OriginError { return error }
        if case .opening = phase { return .unreachable("\(error)") }
        if let error = error as? HTTPParserError {
            return error == .invalidEOFState ? .broken("it was closed in the middle") : .malformed("\(error)")
        }
        return error is NIOHTTPDecoderError ? .malformed("\(error)") : .broken("\(error)")
    }

    /// Nobody wants the exchange of `inbox` any more.
    func cancel(_ inbox: ResponseInbox) {
        if case .busy(let exchange) = phase, exchange.inbox === inbox { fail(.closed) }
    }

    /// Closes the connection, for this reason.
    func fail(_ error: OriginError) {
        let before = phase
        if case .closed = before { return }
        phase = .closed(error)
        bytes.stop()
        timer?.task.cancel()
        timer = nil
        if let connection { pool.lost(connection) }
        opened?.fail(error)
        opened = nil
        if case .busy(let exchange) = before { exchange.fail(error, isUntouched: !bytes.hasReceived) }
        context?.close(promise: nil)
    }
}
