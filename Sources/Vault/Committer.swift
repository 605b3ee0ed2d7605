import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
import Logging
import Store
import Synchronization
import Telemetry

/// Makes changes durable, many at once: judges them, changes their rows and names their files inside one transaction,
/// syncs the names once, and only then commits.
///
/// The one place that writes to the catalogue. Each change stands in a savepoint of its own. A failed sync of names or
/// catalogue is final: the whole batch is told that its outcome is unknown, its files stay where they are for the
/// sweep, and nothing more is written until the store has proved that it can write again.
final class Committer: Sendable {
    /// The most changes that share a batch: also the most files that one crash can leave without a row.
    static let batchLimit = 64

    /// One thing to be made durable.
    struct Change: Sendable {
        /// Judges, changes rows and, last of all, names a file. Where the catalogue meets a full disk it is asked again.
        let record: @Sendable (CatalogWriter, Timestamp) throws -> Recorded
        /// Hears why it was not done.
        let fail: @Sendable (StoreError) -> Void
    }

    /// A change that waits for its batch to be durable.
    struct Recorded {
        /// Whether a file got its name, which has to be synced.
        let hasName: Bool
        /// Called once everything is durable.
        let deliver: @Sendable () -> Void
    }

    private struct Queue {
        var changes: [Change] = []
        var isRunning = false
    }

    private let queue = Mutex(Queue())
    private let thread: Workers
    private let slot: CatalogSlot
    private let disk: DiskStore
    private let generations: GenerationTable
    private let health: Health
    private let time: StoreTime
    private let meters: Meters
    private let logger: Logger

    /// `thread` is one thread: whatever else writes to the catalogue runs on it too, between batches.
    init(
        thread: Workers, slot: CatalogSlot, disk: DiskStore, generations: GenerationTable, health: Health,
        time: StoreTime,
        meters: Meters, logger: Logger
    ) {
        self.thread = thread
        self.slot = slot
        self.disk = disk
        self.generations = generations
        self.health = health
        self.time = time
        self.meters = meters
        self.logger = logger
    }

    /// Makes one change of rows durable, together with whatever else waits, and gives what `record` gave.
    func perform<Value: Sendable>(
        record: @escaping @Sendable (CatalogWriter, Timestamp) throws -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            perform { writer, now in
                (try record(writer, now), hasName: false)
            } completion: { result in
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }

    /// Makes one change durable, a file's name among it if `record` says so. `completion` is called on the committing
    /// thread, which everybody else waits for meanwhile.
    func perform<Value: Sendable>(
        _ record: @escaping @Sendable (CatalogWriter, Timestamp) throws -> (Value, hasName: Bool),
        completion: @escaping @Sendable (Result<Value, StoreError>) -> Void
    ) {
        submit(
            Change(
                record: { writer, now in
                    let (value, hasName) = try record(writer, now)
                    return Recorded(hasName: hasName) { completion(.success(value)) }
                },
                fail: { completion(.failure($0)) }))
    }

    private func submit(_ change: Change) {
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
                Self.fail(batch, .unavailable("the store is closing"))
            }
        }
    }

    private func nextBatch() -> [Change] {
        queue.withLock { queue in
            let batch = Array(queue.changes.prefix(Self.batchLimit))
            queue.changes.removeFirst(batch.count)
            queue.isRunning = !batch.isEmpty
            return batch
        }
    }

    // MARK: One batch

    private func run(_ batch: [Change]) {
        if let reason = health.suspension {
            return Self.fail(batch, .unavailable(reason))
        }
        commit(batch, mayFreeBallast: true)
    }

    private func commit(_ changes: [Change], mayFreeBallast: Bool) {
        let now = time.now
        let touched = TouchedAddresses()
        var ready = ContinuousClock.now
        meters.batchChanges.record(changes.count)
        let outcome = Result { () throws(CatalogError) in
            try slot.use { catalog throws(CatalogError) in
                try catalog.write(at: now, touching: touched) { writer in
                    let results = try changes.map { change in
                        try writer.attempt { try change.record(writer, now) }
                    }
                    try synchronizeNames(results)
                    ready = ContinuousClock.now
                    return results
                }
            }
        }
        // Whatever became of them: before anybody hears of it, nobody believes what was found before.
        for address in touched.addresses { generations.advance(address) }
        do throws(CatalogError) {
            let (results, commits) = try outcome.get()
            meters.commits.record(ContinuousClock.now - ready)
            time.committed(now)
            note(commits)
            for (change, result) in zip(changes, results) {
                switch result {
                case .success(let recorded): recorded.deliver()
                case .failure(let error): change.fail(error)
                }
            }
        } catch {
            switch error {
            case .full where mayFreeBallast && (try? disk.releaseBallast()) == true:
                logger.warning("The disk is full; the ballast was given up")
                commit(changes, mayFreeBallast: false)
            case .full: Self.fail(changes, .diskFull)
            case .busy(let why): Self.fail(changes, .unavailable(why))
            case .closed, .superseded, .notSynchronous, .failed: giveUp(changes, error.description)
            }
        }
    }

    /// One sync for all names that a batch gave. Its failure is final even where it says that the disk is full.
    private func synchronizeNames(_ results: [Result<Recorded, StoreError>]) throws(CatalogError) {
        let hasNames = results.contains { result in
            if case .success(let recorded) = result { recorded.hasName } else { false }
        }
        guard hasNames else { return }
        let start = ContinuousClock.now
        do { try disk.files.synchronizeNames() } catch { throw .failed(error.description) }
        meters.nameSyncs.record(ContinuousClock.now - start)
    }

    private func note(_ commits: Int64) {
        do { try disk.note(commits: commits) } catch {
            logger.warning("The number of the last commit could not be noted", metadata: ["error": "\(error)"])
        }
    }

    private func giveUp(_ changes: [Change], _ reason: String) {
        logger.error(
            "A sync failed; the store takes no writes until it is proved well", metadata: ["error": "\(reason)"])
        health.suspend(reason)
        Self.fail(changes, .outcomeUnknown)
    }

    private static func fail(_ changes: [Change], _ error: StoreError) {
        for change in changes { change.fail(error) }
    }
}
