import Blobs
import Catalog
import DiskStore
import Files
import Logging
import Store
import StoreRules

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
