import NIOCore

/// An open connection to the origin, as seen from anywhere: what is to be done on it is done on its event loop.
final class OriginConnection: Sendable {
    let channel: any Channel
    private let handler: NIOLoopBound<LinkHandler>

    /// Called on the event loop of `channel`.
    init(_ channel: any Channel, _ handler: LinkHandler) {
        self.channel = channel
        self.handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
    }

    /// Runs `body` on the event loop.
    func run(_ body: @escaping @Sendable (LinkHandler) -> Void) {
        channel.eventLoop.execute { [handler] in body(handler.value) }
    }

    /// Sends the head of a request, and no body if it has none. False if the connection has been closed: then not a byte
    /// of it was sent.
    func begin(_ request: PreparedRequest, _ inbox: ResponseInbox) async -> Bool {
        await withCheckedContinuation { continuation in
            run { continuation.resume(returning: $0.begin(request, inbox)) }
        }
    }

    /// As `begin`, without waiting for it: one that has been closed is a response that failed untouched.
    func post(_ request: PreparedRequest, _ inbox: ResponseInbox) {
        run { handler in
            if handler.begin(request, inbox) { return }
            inbox.detach()
            inbox.end(.failure(.broken("it was closed before the request")), isUntouched: true)
        }
    }

    /// Closes it, whatever it does.
    func shutDown() { run { $0.fail(.closed) } }
}
