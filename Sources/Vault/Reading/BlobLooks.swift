import BlobFiles
import Blobs
import Store
import Synchronization

/// Looks for blobs, many at once: whoever asks while the threads are busy waits for the next turn of one, which asks the
/// catalog once for all who wait by then.
///
/// As long as threads are free every look has a turn of its own, so a slow disk holds up nobody but who asked. In a turn with
/// others it holds up those behind it, and whoever comes once all turns are under way.
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

        /// The turn that was due begins, for those who wait longest.
        mutating func beginTurn() -> [AwaitedLook] {
            isTurnDue = false
            let batch = Array(waiting.prefix(BlobLooks.batchLimit))
            waiting.removeFirst(batch.count)
            return batch
        }

        /// A turn has ended. Whether another is due in its place: where somebody waits for whom none is.
        mutating func endTurn() -> Bool {
            if waiting.isEmpty || isTurnDue {
                turns -= 1
                return false
            }
            isTurnDue = true
            return true
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

    /// Those who wait.
    var waitingCount: Int { queue.withLock { $0.waiting.count } }

    /// A turn, as soon as a thread has finished what came before. Where more wait behind it, the next one waits for a thread
    /// like all other work: however many look, others get theirs done.
    private func begin(_ look: @escaping Look) {
        workers.submit {
            let batch = self.queue.withLock { $0.beginTurn() }
            look(batch.map(\.address)) { batch[$0].answer($1) }
            if self.queue.withLock({ $0.endTurn() }) { self.begin(look) }
        } orElse: {
            repeat {
                for waiting in self.queue.withLock({ $0.beginTurn() }) { waiting.answer(.failure(.storeIsClosing)) }
            } while self.queue.withLock { $0.endTurn() }
        }
    }
}
