import Blobs
import Store
import Synchronization

/// Carries an upload's pieces to threads that may block: each is hashed and written side by side, one at a time, while
/// the next piece is being read. Used by one task at a time.
final class PieceFlow: Sendable {
    private struct State {
        /// Jobs of the present piece that have not ended.
        var running = 0
        var failure: StoreError?
        /// Who waits for the present piece.
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private let workers: Workers

    init(workers: Workers) {
        self.workers = workers
    }

    /// Whether the piece before is done with.
    var isIdle: Bool { state.withLock { $0.running == 0 } }

    /// Waits for the piece before, then begins both jobs and returns. Throws what a job of an earlier piece threw.
    func send(
        hash: @escaping @Sendable () -> Void, write: @escaping @Sendable () throws(StoreError) -> Void
    ) async throws(StoreError) {
        try await drain()
        state.withLock { $0.running = 2 }
        start { () throws(StoreError) in hash() }
        start(write)
    }

    private func start(_ job: @escaping @Sendable () throws(StoreError) -> Void) {
        workers.submit {
            self.end(Result { () throws(StoreError) in try job() })
        } orElse: {
            self.end(.failure(.unavailable("the store is closing")))
        }
    }

    /// Waits until nothing is under way.
    func drain() async throws(StoreError) {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.running > 0 { state.waiter = continuation }
                return state.running == 0
            }
            if isIdle { continuation.resume() }
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    private func end(_ result: Result<Void, StoreError>) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.running -= 1
            if case .failure(let error) = result { state.failure = state.failure ?? error }
            guard state.running == 0 else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
