import Blobs
import Catalog
import DiskStore
import Files
import Logging
import Store
import StoreRules
import Synchronization

/// Whether the store may write. A failed sync suspends writing until a test shows that the disk keeps bytes again.
final class Health: Sendable {
    private struct State {
        var suspension: String?
        var healing: Task<Void, Never>?
        var isClosed = false
    }

    private let state = Mutex(State())
    private let firstWait: Duration
    private let longestWait: Duration
    private let heal: @Sendable () async -> Bool

    /// `heal` tries to write, and returns whether it could.
    init(firstWait: Duration, longestWait: Duration, heal: @escaping @Sendable () async -> Bool) {
        self.firstWait = firstWait
        self.longestWait = longestWait
        self.heal = heal
    }

    /// Why writing is suspended; nil if it is not.
    var suspension: String? { state.withLock { $0.suspension } }

    /// Suspends writing, and begins to test whether it can resume.
    func suspend(_ reason: String) {
        state.withLock { state in
            state.suspension = reason
            guard state.healing == nil && !state.isClosed else { return }
            state.healing = Task { await self.tryUntilWell() }
        }
    }

    /// Stops testing, whatever the result.
    func close() async {
        let healing = state.withLock { state in
            state.isClosed = true
            return state.healing
        }
        healing?.cancel()
        await healing?.value
    }

    private func tryUntilWell() async {
        var wait = firstWait
        while !Task.isCancelled {
            try? await Task.sleep(for: wait)
            if Task.isCancelled { break }
            if await heal() {
                return state.withLock { state in
                    state.suspension = nil
                    state.healing = nil
                }
            }
            wait = min(wait * 2, longestWait)
        }
        state.withLock { $0.healing = nil }
    }
}

/// The way back after a failed sync: the catalogue opened afresh and its log moved into the database, a file written
/// and synced, and a transaction committed.
struct WriteRecovery: Sendable {
    let disk: DiskStore
    let catalog: ReopenableCatalog
    let time: StoreTime
    let faults: FaultPoints
    let logger: Logger

    /// Tries once, with nothing else writing; true when the store may write again.
    func attempt(on thread: BlockingPool) async -> Bool {
        do throws(StoreError) {
            try await thread.run { () throws(StoreError) in try prove() }
            logger.notice("The disk keeps bytes again; the store accepts writes")
            return true
        } catch {
            logger.warning("The store still cannot write", metadata: ["error": "\(error)"])
            // On a disk that is full besides, the space kept for deleting is what lets the catalogue open.
            if error == .diskFull { _ = try? disk.releaseBallast() }
            return false
        }
    }

    private func prove() throws(StoreError) {
        do throws(CatalogError) { try catalog.reopen() } catch { throw StoreError(error) }
        try storeErrors { () throws(FileError) in
            try faults.reach(.catalogReopened)
            try disk.probe()
        }
        let now = time.now
        do throws(CatalogError) {
            let commits = try catalog.use { catalog throws(CatalogError) in
                try catalog.make(NoChange(), at: now).commits
            }
            time.committed(now)
            try? disk.note(commits: commits)
        } catch {
            throw StoreError(error)
        }
    }
}
