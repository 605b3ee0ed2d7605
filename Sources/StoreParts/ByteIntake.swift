package import BlobFiles
package import Store
package import StoreRules
import Synchronization

/// Gathers the bytes of one upload into pieces, as they come, while threads are busy with those that came before. Used by
/// one task at a time.
package final class ByteIntake: Sendable {
    /// The usual size of a piece.
    package static let gatherBytes = Int(StagedFile.smallBytes)
    /// Bytes gathered while the threads are busy with the piece before: the faster an upload, the larger its pieces, and
    /// the fewer thread switches it costs.
    private static let waitingBytes = 512 << 10

    /// Bytes that the threads have not been given yet, and what they do with those that they have.
    private struct State {
        var rule: UploadRule
        var isOver = false
        var pieces: [[UInt8]] = []
        var pieceBytes = 0
        /// Jobs under way, with what was passed on last.
        var running = 0
        var failure: StoreError?
        /// Resumed when the jobs have ended.
        var waiter: CheckedContinuation<Void, Never>?

        mutating func gather(_ bytes: [UInt8]) {
            pieceBytes += bytes.count
            if let last = pieces.indices.last, pieces[last].count + bytes.count <= ByteIntake.gatherBytes {
                pieces[last] += bytes
            } else {
                pieces.append(bytes)
            }
        }

        /// Returns what was gathered, and starts over.
        mutating func pass() -> [[UInt8]] {
            defer { (pieces, pieceBytes) = ([], 0) }
            return pieces
        }
    }

    private let state: Mutex<State>
    private let threads: BlockingPool

    package init(_ rule: UploadRule, threads: BlockingPool) {
        state = Mutex(State(rule: rule))
        self.threads = threads
    }

    /// Bytes received, including those of earlier requests.
    package var received: Int64 { state.withLock { $0.rule.received } }

    // MARK: Coming

    /// Judges the next bytes; throws what refuses them, and takes none from then on.
    package func judge(_ bytes: [UInt8]) throws(StoreError) {
        try state.withLock { state throws(StoreError) in
            if state.isOver { throw StoreError.uploadIsOver }
            do throws(StoreError) { try state.rule.take(bytes) } catch {
                state.isOver = true
                throw error
            }
        }
    }

    /// Gathers bytes that were judged. Returns whether they are enough to be passed on.
    package func gather(_ bytes: [UInt8]) -> Bool {
        state.withLock { state in
            state.gather(bytes)
            return state.pieceBytes >= (state.running == 0 ? Self.gatherBytes : Self.waitingBytes)
        }
    }

    /// Judges the whole once the last byte is there.
    package func finish() throws(StoreError) {
        try state.withLock { state throws(StoreError) in
            if state.isOver { throw StoreError.uploadIsOver }
            try state.rule.finish()
        }
    }

    /// Takes what was gathered.
    package func pass() throws(StoreError) -> [[UInt8]] {
        try state.withLock { state throws(StoreError) in
            if state.isOver { throw StoreError.uploadIsOver }
            return state.pass()
        }
    }

    /// Drops what was gathered; nothing comes any more.
    package func end() {
        state.withLock { state in
            state.isOver = true
            _ = state.pass()
        }
    }

    // MARK: Jobs

    /// Runs a job on one of the threads, beside those that are running.
    package func start(_ job: @escaping @Sendable () throws(StoreError) -> Void) {
        state.withLock { $0.running += 1 }
        threads.submit {
            self.end(Result { () throws(StoreError) in try job() })
        } orElse: {
            self.end(.failure(.storeIsClosing))
        }
    }

    /// Waits until no job is running. Throws if any of them failed.
    package func drain() async throws(StoreError) {
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
