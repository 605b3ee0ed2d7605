import Blobs
import Catalog
import DiskStore
import Files
import Logging
import Synchronization

/// Makes changes durable, many at once: names all files, syncs the names once, commits all rows once.
///
/// The one place that writes to the catalogue. Each change stands in a savepoint of its own. A failed sync of names or
/// catalogue is final: the whole batch is told that its outcome is unknown, its files stay where they are for the
/// sweep, and nothing more is written until the store has proved that it can write again.
final class Committer: Sendable {
    /// The most changes that share a batch: also the most files that one crash can leave without a row.
    static let batchLimit = 64

    /// One thing to be made durable.
    struct Change: Sendable {
        /// Puts a file in its place; tells whether a name has to be synced.
        let name: @Sendable () throws(StoreError) -> Bool
        /// Changes rows; what it gives is run once they are committed.
        let record: @Sendable (CatalogWriter, Timestamp) throws -> @Sendable () -> Void
        /// Hears why it was not done.
        let fail: @Sendable (StoreError) -> Void
    }

    private struct Queue {
        var changes: [Change] = []
        var isRunning = false
    }

    private let queue = Mutex(Queue())
    private let thread: Workers
    private let slot: CatalogSlot
    private let disk: DiskStore
    private let standings: Standings
    private let health: Health
    private let time: StoreTime
    private let logger: Logger

    /// `thread` is one thread: whatever else writes to the catalogue runs on it too, between batches.
    init(
        thread: Workers, slot: CatalogSlot, disk: DiskStore, standings: Standings, health: Health, time: StoreTime,
        logger: Logger
    ) {
        self.thread = thread
        self.slot = slot
        self.disk = disk
        self.standings = standings
        self.health = health
        self.time = time
        self.logger = logger
    }

    /// Makes one change durable, together with whatever else waits, and gives what `record` gave.
    func perform<Value: Sendable>(
        name: @escaping @Sendable () throws(StoreError) -> Bool = { () throws(StoreError) in false },
        record: @escaping @Sendable (CatalogWriter, Timestamp) throws -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            submit(
                Change(
                    name: name,
                    record: { writer, now in
                        let value = try record(writer, now)
                        return { continuation.resume(returning: .success(value)) }
                    },
                    fail: { continuation.resume(returning: .failure($0)) }))
        }
        return try result.get()
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
        var named: [Change] = []
        var mustSync = false
        for change in batch {
            do throws(StoreError) {
                if try change.name() { mustSync = true }
                named.append(change)
            } catch {
                change.fail(error)
            }
        }
        if mustSync {
            do { try disk.synchronizeNames() } catch { return giveUp(named, error.description) }
        }
        if !named.isEmpty { commit(named, mayFreeBallast: true) }
    }

    private func commit(_ changes: [Change], mayFreeBallast: Bool) {
        let now = time.now
        let touched = TouchedAddresses()
        let outcome = Result { () throws(CatalogError) in
            try slot.use { catalog throws(CatalogError) in
                try catalog.write(at: now, touching: touched) { writer in
                    try changes.map { change in try writer.attempt { try change.record(writer, now) } }
                }
            }
        }
        // Whatever became of them: before anybody hears of it, nobody believes what was found before.
        for address in touched.addresses { standings.end(address) }
        do throws(CatalogError) {
            let (results, commits) = try outcome.get()
            time.committed(now)
            note(commits)
            for (change, result) in zip(changes, results) {
                switch result {
                case .success(let deliver): deliver()
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
