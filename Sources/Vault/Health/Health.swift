import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
import Logging
import Store
import StoreParts
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

/// The way back after a failed sync: the catalog opened afresh and its log moved into the database, a file written
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
            // On a disk that is full besides, the space kept for deleting is what lets the catalog open.
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

/// Finds out by writing whether a write would succeed: a disk with free space may still take nothing, because it is
/// mounted read-only, has no inodes left, or hangs. One probe runs at a time, and its result is reused for a while.
package final class WriteProbe: Sendable {
    private let state = Mutex(ProbeState())
    private let freshness: Duration
    private let patience: Duration
    private let probe: @Sendable () async -> String?

    /// - Parameters:
    ///   - freshness: how long a result is reused.
    ///   - patience: how long a caller waits for a probe that hangs.
    ///   - probe: writes, and returns why it could not; nil if it could.
    package init(freshness: Duration, patience: Duration, probe: @escaping @Sendable () async -> String?) {
        self.freshness = freshness
        self.patience = patience
        self.probe = probe
    }

    /// Why a write would fail; nil if it would not.
    package func failure() async -> String? {
        let asked = ContinuousClock.now
        while true {
            let now = ContinuousClock.now
            switch state.withLock({ $0.answer(asked: asked, now: now, freshness: freshness) }) {
            case .known(let failure): return failure
            case .start: start()
            case .wait: break
            }
            guard now - asked < patience else { return "a test write did not finish within \(patience)" }
            do { try await Task.sleep(for: .milliseconds(5)) } catch { return "the test write was not waited for" }
        }
    }

    private func start() {
        Task {
            let failure = await probe()
            state.withLock { $0.finish(failure, at: .now) }
        }
    }
}

/// What is known of the last probe: a state machine that is given the time.
struct ProbeState {
    enum Answer: Hashable {
        case known(failure: String?)
        /// Start a probe, then ask again.
        case start
        /// A probe is running.
        case wait
    }

    private var last: (failure: String?, ended: ContinuousClock.Instant)?
    private var isRunning = false

    /// The answer at `now` for a caller that asked at `asked`: the result of a probe that ended since then, or shortly
    /// before.
    mutating func answer(
        asked: ContinuousClock.Instant, now: ContinuousClock.Instant, freshness: Duration
    ) -> Answer {
        if let last, last.ended >= asked || now - last.ended < freshness { return .known(failure: last.failure) }
        if isRunning { return .wait }
        isRunning = true
        return .start
    }

    mutating func finish(_ failure: String?, at ended: ContinuousClock.Instant) {
        last = (failure, ended)
        isRunning = false
    }
}

extension Vault {
    /// A probe that writes as an upload does: bytes to a file, then a transaction of the catalog.
    static func writeProbe(
        _ settings: VaultSettings, workers: BlockingPool, disk: DiskStore, committer: GroupCommitter
    ) -> WriteProbe {
        WriteProbe(freshness: settings.probeFreshness, patience: settings.probePatience) {
            do {
                let failure = try await workers.run { () throws(StoreError) -> FileError? in
                    do throws(FileError) { try disk.tryWriting() } catch { return error }
                    return nil
                }
                if let failure { return "a test write failed: \(failure)" }
                try await committer.perform(NoChange())
                return nil
            } catch {
                return "a test write failed: \(error)"
            }
        }
    }
}
