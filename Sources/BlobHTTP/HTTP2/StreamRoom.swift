import NIOCore

/// The memory that all answers on one connection of HTTP/2 share: what was written there and has not left.
///
/// A client may ask for a hundred blobs and give no room for any of them. Each stream keeps a piece or two ready all the
/// same, and together they would be megabytes for one client. Used on one event loop alone.
final class StreamRoom {
    /// More bytes than this wait for no client: enough for eight streams that do not move, and all others beside them.
    private static let limitBytes = 1 << 20

    private let eventLoop: any EventLoop
    private var waitingBytes = 0
    private var streams: [ObjectIdentifier: StreamRequests] = [:]

    init(on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Whether an answer may write on.
    var isOpen: Bool { waitingBytes < Self.limitBytes }

    /// `stream` is told when there is room again, until it leaves.
    func join(_ stream: StreamRequests) { streams[ObjectIdentifier(stream)] = stream }

    func leave(_ stream: StreamRequests) { streams[ObjectIdentifier(stream)] = nil }

    /// Counts so many bytes until the promise is kept or broken.
    func count(_ bytes: Int) -> EventLoopPromise<Void> {
        waitingBytes += bytes
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [self] _ in giveBack(bytes) }
        return promise
    }

    private func giveBack(_ bytes: Int) {
        let wasOpen = isOpen
        waitingBytes -= bytes
        guard isOpen, !wasOpen else { return }
        // Not inside the writing that this may be part of.
        eventLoop.assumeIsolated().execute { [self] in
            for stream in Array(streams.values) where isOpen { stream.proceed() }
        }
    }
}
