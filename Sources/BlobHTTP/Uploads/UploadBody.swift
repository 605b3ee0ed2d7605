import NIOCore
import Synchronization

/// The body of one small upload: gathered on the event loop as it comes, and waited for by the task that answers.
final class UploadBody: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var hasEnded = false
        var failure: ConnectionFailure?
        /// Resumed at the end.
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let announcedBytes: Int
    private let state = Mutex(State())

    /// A body of so many bytes, none of which has come.
    init(bytes: Int) {
        announcedBytes = bytes
    }

    /// The next bytes have come: no more than are announced, since the decoder passes on no others.
    func append(_ bytes: ByteBuffer) {
        state.withLock { state in
            if state.hasEnded { return }
            // Not before there is something to keep.
            if state.bytes.isEmpty { state.bytes.reserveCapacity(announcedBytes) }
            state.bytes.append(contentsOf: bytes.readableBytesView)
        }
    }

    /// No more comes: all of it is here, or it broke off.
    func end(_ failure: ConnectionFailure? = nil) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.hasEnded { return nil }
            state.hasEnded = true
            state.failure = state.bytes.count < announcedBytes ? failure ?? .disconnected : failure
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// All of it once it has come; or what has come of one that broke off, with the reason. It is given once.
    func whole() async -> (bytes: [UInt8], failure: ConnectionFailure?) {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.hasEnded { state.waiter = continuation }
                return state.hasEnded
            }
            if isOver { continuation.resume() }
        }
        return state.withLock { state in
            defer { state.bytes = [] }
            return (state.bytes, state.failure)
        }
    }
}
