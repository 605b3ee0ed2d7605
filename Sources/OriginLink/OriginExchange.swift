package import NIOCore
import Synchronization

/// One request and its response. One task may read while another one writes.
///
/// A task that is cancelled while it waits here ends the exchange, and so does letting go of the last reference to it.
package final class OriginExchange: Sendable {
    /// The connection it is on, and what has arrived there.
    struct Attempt: Sendable {
        let connection: OriginConnection
        let inbox: ResponseInbox
        /// Whether the connection served others before, and may have been closed without being noticed.
        let isReused: Bool

        func readOn() { connection.run { [inbox] in $0.readOn(inbox) } }

        func cancel() {
            guard inbox.close() else { return }
            connection.run { [inbox] in $0.cancel(inbox) }
        }
    }

    private let client: OriginClient
    private let request: PreparedRequest
    private let state: Mutex<(attempt: Attempt, isCancelled: Bool)>

    init(_ client: OriginClient, _ request: PreparedRequest, _ attempt: Attempt) {
        self.client = client
        self.request = request
        state = Mutex((attempt, false))
    }

    deinit { cancel() }

    var attempt: Attempt { state.withLock { $0.attempt } }

    // MARK: Writing

    /// Writes some of the request's body, and returns when the connection can take more. What has been answered may be
    /// read although this fails.
    package func write(_ bytes: ByteBuffer) async throws(OriginError) {
        let inbox = attempt.inbox
        try await perform { $0.write(bytes, for: inbox, $1) }
    }

    /// Ends the request's body.
    package func finishWriting() async throws(OriginError) {
        if request.request.body == .none { return }
        let inbox = attempt.inbox
        try await perform { $0.finish(inbox, $1) }
    }

    private func perform(
        _ action: @escaping @Sendable (LinkHandler, LinkHandler.WriteContinuation) -> Void
    ) async throws(OriginError) {
        let connection = attempt.connection
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in connection.run { action($0, continuation) } }
        } onCancel: {
            cancel()
        }
        try result.get()
    }

    // MARK: Reading

    /// The head of the final response, as soon as it has come: even if the request has not been written to its end.
    package func head() async throws(OriginError) -> OriginHead {
        let first = attempt
        do { return try await head(of: first) } catch {
            guard case .broken = error, first.isReused, request.request.isRepeatable, first.inbox.isUntouched else {
                throw error
            }
        }
        // The server closed the connection while it was idle. The request changes nothing, so it may have come or not.
        let second = try await client.begin(request, fresh: true)
        let isCancelled = state.withLock { state in
            if !state.isCancelled { state.attempt = second }
            return state.isCancelled
        }
        if isCancelled {
            second.cancel()
            throw .closed
        }
        return try await head(of: second)
    }

    private func head(of attempt: Attempt) async throws(OriginError) -> OriginHead {
        while true {
            if let head = try attempt.inbox.takeHead() { return head }
            await waiting { await attempt.inbox.waitForHead() }
        }
    }

    /// What has arrived of the response's body: at least one byte and at most `limit`; nil at its end.
    package func next(atMost limit: Int) async throws(OriginError) -> ByteBuffer? {
        precondition(limit > 0, "at most \(limit) bytes are none")
        while true {
            let attempt = attempt
            switch try attempt.inbox.take(atMost: limit) {
            case .bytes(let bytes, let resumesReading):
                if resumesReading { attempt.readOn() }
                return bytes
            case .end: return nil
            case .headless: _ = try await head()
            case .nothing: await waiting { await attempt.inbox.waitForBytes() }
            }
        }
    }

    /// What has arrived by now, as `next` gives it; nil where nothing has, or there will be nothing more. Never waits.
    package func arrived(atMost limit: Int) -> ByteBuffer? {
        precondition(limit > 0, "at most \(limit) bytes are none")
        let attempt = attempt
        guard case .bytes(let bytes, let resumesReading)? = try? attempt.inbox.take(atMost: limit) else { return nil }
        if resumesReading { attempt.readOn() }
        return bytes
    }

    private func waiting(_ body: () async -> Void) async {
        await withTaskCancellationHandler(operation: body) { cancel() }
    }

    // MARK: Ending

    /// Ends the exchange. Unless it was complete, its connection is closed.
    package func cancel() {
        let attempt = state.withLock { state in
            state.isCancelled = true
            return state.attempt
        }
        attempt.cancel()
    }
}
