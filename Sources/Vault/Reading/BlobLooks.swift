import BlobFiles
import Blobs
import Store
import Synchronization

/// Looks for blobs, many at once: whoever asks while the threads are busy waits for the next turn of one, which asks the
/// catalog once for all who wait by then.
///
/// As long as threads are free every look has a turn of its own, so a slow disk holds up nobody but who asked.
final class BlobLooks: Sendable {
    /// The most blobs that are looked for in one turn: those behind them wait no longer than so many files take to open.
    static let batchLimit = 64

    typealias Answer = @Sendable (Result<BlobFinding?, StoreError>) -> Void
    /// Looks for blobs on a thread that may block, and answers each as soon as it is found.
    typealias Look = @Sendable ([BlobAddress], _ answer: (Int, Result<BlobFinding?, StoreError>) -> Void) -> Void

    private struct AwaitedLook: Sendable {
        let address: BlobAddress
        let answer: Answer
    }

    private struct LookQueue {
        var waiting: [AwaitedLook] = []
        /// Turns that are under way or wait for a thread; of the latter there is one at most.
        var turns = 0
        var isTurnDue = false

        /// Whether another turn is to begin, for somebody who has come.
        mutating func add(_ new: AwaitedLook, limit: Int) -> Bool {
            waiting.append(new)
            guard !isTurnDue, turns < limit else { return false }
            turns += 1
            isTurnDue = true
            return true
        }

        /// Those who wait longest; for nobody the turn ends.
        mutating func next(isFirst: Bool) -> [AwaitedLook] {
            if isFirst { isTurnDue = false }
            if waiting.isEmpty || !isFirst && isTurnDue {
                turns -= 1
                return []
            }
            let batch = Array(waiting.prefix(BlobLooks.batchLimit))
            waiting.removeFirst(batch.count)
            return batch
        }
    }

    private let queue = Mutex(LookQueue())
    private let workers: BlockingPool
    private let turnLimit: Int

    /// `turnLimit` turns at most are under way at once.
    init(workers: BlockingPool, turnLimit: Int) {
        self.workers = workers
        self.turnLimit = max(1, turnLimit)
    }

    /// What `look`, which is the same in all calls, finds of `address`.
    func find(_ address: BlobAddress, by look: @escaping Look) async throws(StoreError) -> BlobFinding? {
        let result: Result<BlobFinding?, StoreError> = await withCheckedContinuation { continuation in
            let new = AwaitedLook(address: address) { continuation.resume(returning: $0) }
            if queue.withLock({ $0.add(new, limit: turnLimit) }) { begin(look) }
        }
        return try result.get()
    }

    private func begin(_ look: @escaping Look) {
        workers.submit {
            var batch = self.queue.withLock { $0.next(isFirst: true) }
            while !batch.isEmpty {
                look(batch.map(\.address)) { batch[$0].answer($1) }
                batch = self.queue.withLock { $0.next(isFirst: false) }
            }
        } orElse: {
            var batch = self.queue.withLock { $0.next(isFirst: true) }
            while !batch.isEmpty {
                for waiting in batch { waiting.answer(.failure(.storeIsClosing)) }
                batch = self.queue.withLock { $0.next(isFirst: false) }
            }
        }
    }
}
