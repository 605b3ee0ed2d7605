import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
import Logging
import Store
import StoreRules
import Synchronization
import Telemetry

/// Makes changes durable, many at once: judges them, changes their rows and names their files inside one transaction,
/// syncs the names once, and only then commits.
///
/// The one place that writes to the catalog. Each change is undone alone where it cannot be. A failed sync of names or
/// catalog is final: the whole batch is told that its outcome is unknown, its files stay where they are for the
/// sweep, and nothing more is written until the store has proved that it can write again.
final class GroupCommitter: Sendable {
    /// The most changes that share a batch: also the most files that one crash can leave without a row.
    static let batchLimit = 64

    /// A change that waits for its batch.
    private struct Waiting: Sendable {
        let request: @Sendable (inout CatalogPage) -> Void
        /// Applies the change to the page, then names its file. Called again if the catalog met a full disk.
        let apply: @Sendable (SQLiteTransaction, inout CatalogPage) throws(CatalogError) -> Result<Applied, StoreError>
        /// Reports why it was not made.
        let fail: @Sendable (StoreError) -> Void
    }

    /// A change that waits for its batch to be durable.
    private struct Applied {
        /// Whether a file got its name, which has to be synced.
        let hasName: Bool
        /// Called once everything is durable.
        let deliver: @Sendable () -> Void
    }

    private struct Queue {
        var changes: [Waiting] = []
        var isRunning = false
    }

    private let queue = Mutex(Queue())
    private let thread: BlockingPool
    private let catalog: ReopenableCatalog
    private let disk: DiskStore
    private let generations: GenerationTable
    private let ring: ChangeRing
    private let health: Health
    private let time: StoreTime
    private let meters: Meters
    private let logger: Logger

    /// `thread` is one thread: whatever else writes to the catalog runs on it too, between batches.
    init(
        thread: BlockingPool, catalog: ReopenableCatalog, disk: DiskStore, generations: GenerationTable,
        ring: ChangeRing, health: Health, time: StoreTime, meters: Meters, logger: Logger
    ) {
        self.thread = thread
        self.catalog = catalog
        self.disk = disk
        self.generations = generations
        self.ring = ring
        self.health = health
        self.time = time
        self.meters = meters
        self.logger = logger
    }

    /// Makes one change of rows durable, together with whatever else waits, and returns its outcome.
    func perform<Change: CatalogChange>(_ change: Change) async throws(StoreError) -> Change.Outcome {
        let result: Result<Change.Outcome, StoreError> = await withCheckedContinuation { continuation in
            perform({ change }) { _ in
                false
            } completion: {
                continuation.resume(returning: $0)
            }
        }
        return try result.get()
    }

    /// Makes one change durable, and with it a file's name if `naming` gave one: it is called behind the change with what
    /// that came to, perhaps more than once, and undoes the change where it throws. `completion` is called on the
    /// committing thread, which everybody else waits for meanwhile.
    ///
    /// - Parameter change: gives the change as it is to be applied now: of what changes outside the catalog it knows the
    ///   latest, as no other change is under way meanwhile.
    func perform<Change: CatalogChange>(
        _ change: @escaping @Sendable () -> Change,
        naming: @escaping @Sendable (Change.Outcome) throws(StoreError) -> Bool,
        completion: @escaping @Sendable (Result<Change.Outcome, StoreError>) -> Void
    ) {
        submit(
            Waiting(
                request: { change().request(on: &$0) },
                apply: { transaction, page throws(CatalogError) in
                    let result = try transaction.apply(change(), to: &page)
                    do throws(StoreError) {
                        let outcome = try result.get()
                        let hasName = try naming(outcome)
                        return .success(Applied(hasName: hasName) { completion(.success(outcome)) })
                    } catch {
                        page.undo()
                        return .failure(error)
                    }
                },
                fail: { completion(.failure($0)) }))
    }

    private func submit(_ change: Waiting) {
        let mustStart = queue.withLock { queue in
            queue.changes.append(change)
            defer { queue.isRunning = true }
            return !queue.isRunning
        }
        if mustStart { start() }
    }

    private func start() {
        thread.submit {
            let batch = self.nextBatch()
            guard !batch.isEmpty else { return }
            self.run(batch)
            self.start()
        } orElse: {
            while true {
                let batch = self.nextBatch()
                if batch.isEmpty { break }
                Self.fail(batch, .storeIsClosing)
            }
        }
    }

    private func nextBatch() -> [Waiting] {
        queue.withLock { queue in
            let batch = Array(queue.changes.prefix(Self.batchLimit))
            queue.changes.removeFirst(batch.count)
            queue.isRunning = !batch.isEmpty
            return batch
        }
    }

    // MARK: One batch

    private func run(_ batch: [Waiting]) {
        if let reason = health.suspension {
            return Self.fail(batch, .unavailable(reason))
        }
        commit(batch, mayFreeBallast: true)
    }

    private func commit(_ changes: [Waiting], mayFreeBallast: Bool) {
        let now = time.now
        var (touched, shortened): ([BlobAddress], [BlobAddress]) = ([], [])
        var ready = ContinuousClock.now
        meters.batchChanges.record(changes.count)
        let outcome = Result { () throws(CatalogError) in
            try catalog.write(at: now) { transaction throws(CatalogError) in
                var page = CatalogPage(now: now)
                let results = try apply(changes, to: &page, transaction)
                (touched, shortened) = (page.touched, page.shortened)
                try synchronizeNames(results)
                try transaction.write(page)
                ready = ContinuousClock.now
                return results
            }
        }
        // Whatever became of them: before anybody hears of it, nobody believes what was found before.
        for address in touched { generations.advance(address) }
        // Behind that, so that whoever hears of it and asks is not told what was found before.
        ring.append(shortened)
        do throws(CatalogError) {
            let (results, commits) = try outcome.get()
            meters.commits.record(ContinuousClock.now - ready)
            time.committed(now)
            note(commits)
            for (change, result) in zip(changes, results) {
                switch result {
                case .success(let applied): applied.deliver()
                case .failure(let error): change.fail(error)
                }
            }
        } catch {
            switch error {
            case .full where mayFreeBallast && (try? disk.releaseBallast()) == true:
                logger.warning("The disk is full; released the ballast")
                commit(changes, mayFreeBallast: false)
            case .full: Self.fail(changes, .diskFull)
            // Nobody's change may spoil those of others.
            case .conflict where changes.count > 1:
                for change in changes { commit([change], mayFreeBallast: mayFreeBallast) }
            case .conflict(let why): Self.fail(changes, .io(why))
            case .busy(let why): Self.fail(changes, .unavailable(why))
            case .closed, .superseded, .notSynchronous, .failed: giveUp(changes, error.description)
            }
        }
    }

    /// Loads the rows that all changes need, then applies one after another.
    private func apply(
        _ changes: [Waiting], to page: inout CatalogPage, _ transaction: SQLiteTransaction
    ) throws(CatalogError) -> [Result<Applied, StoreError>] {
        for change in changes { change.request(&page) }
        try transaction.load(&page)
        var results: [Result<Applied, StoreError>] = []
        for change in changes { results.append(try change.apply(transaction, &page)) }
        return results
    }

    /// One sync for all names that a batch gave. Its failure is final even where it says that the disk is full.
    private func synchronizeNames(_ results: [Result<Applied, StoreError>]) throws(CatalogError) {
        let hasNames = results.contains { result in
            if case .success(let applied) = result { applied.hasName } else { false }
        }
        guard hasNames else { return }
        let start = ContinuousClock.now
        do { try disk.files.synchronizeNames() } catch { throw .failed(error.description) }
        meters.nameSyncs.record(ContinuousClock.now - start)
    }

    private func note(_ commits: Int64) {
        do { try disk.note(commits: commits) } catch {
            logger.warning("Cannot record the number of the last commit", metadata: ["error": "\(error)"])
        }
    }

    private func giveUp(_ changes: [Waiting], _ reason: String) {
        logger.error(
            "A sync failed; the store refuses writes until the disk keeps bytes again", metadata: ["error": "\(reason)"]
        )
        health.suspend(reason)
        Self.fail(changes, .outcomeUnknown)
    }

    private static func fail(_ changes: [Waiting], _ error: StoreError) {
        for change in changes { change.fail(error) }
    }
}
