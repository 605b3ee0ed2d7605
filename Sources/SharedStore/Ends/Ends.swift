import Blobs
import Files
import Logging
import SharedCatalog
import Store
import StoreParts
import Synchronization

/// Hears what other nodes have ended, and tells until when this one may believe what it found; gives signs of life, and
/// makes whoever ends something wait until no node believes in it any more.
///
/// What follows from an answer is decided by `Hearing`. Here are the clock, the questions and the waiting.
final class Ends: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How long after the last answer the database counts as lost.
    static let patience = Duration.seconds(2)
    /// How often a node that begins asks until it may believe what it finds: twice where all is well.
    private static let openingLimit = 40
    /// From one beat that failed to the next.
    private static let retryPause = Duration.seconds(1)

    private struct State {
        var hearing = Hearing()
        var loops: [Task<Void, Never>] = []
        var told: @Sendable ([AddressPrefix]) -> Void = { _ in }
        /// Why the last question had no answer; nil where it had one.
        var failure: String?
    }

    /// Ends what was found before a change.
    let generations: GenerationTable
    /// Tells caches what ended before its time.
    let changes = ChangeRing()
    /// Until when what is ready may be served: while the database answers, and for some time more.
    private let horizon = Horizon()
    /// Until when all changes are known.
    private let knowledge = Horizon()
    /// Whether the database followed another when it was heard last.
    private let followsAnother = Atomic(false)
    private let outageReads: Duration
    private let time: SharedTime
    private let faults: FaultPoints
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter outageReads: for how long what is ready may be served while the database does not answer.
    init(time: SharedTime, outageReads: Duration, faults: FaultPoints, logger: Logger) {
        self.time = time
        self.outageReads = outageReads
        self.faults = faults
        self.logger = logger
        generations = GenerationTable(horizon: horizon)
    }

    // MARK: Own changes

    /// A batch of this node is committed, or may be: told before anybody hears of its changes.
    func changed(_ touched: [BlobAddress], _ shortened: [BlobAddress]) {
        for address in touched { generations.advance(address) }
        tell(shortened.map { AddressPrefix($0) })
    }

    private func tell(_ prefixes: [AddressPrefix]) {
        if prefixes.isEmpty { return }
        changes.append(prefixes)
        let told = state.withLock { $0.told }
        told(prefixes)
    }

    /// Waits after a commit that ended something until no node believes what it found before.
    func wait<Outcome>(for committed: Committed<Outcome>) async {
        if !committed.endsFindings.isEmpty { await waitForOthers() }
    }

    /// Waits until no other node believes what it found before this moment; not at all where no other is alive.
    func waitForOthers() async {
        if isAlone { return }
        // Whoever waits may be cancelled, and what it says afterwards has to be true all the same.
        await Task { try? await Task.sleep(for: Hearing.settling, clock: .continuous) }.value
    }

    // MARK: Hearing

    /// Has somebody told of which addresses findings end, by whichever node.
    func tell(_ told: @escaping @Sendable ([AddressPrefix]) -> Void) { state.withLock { $0.told = told } }

    /// Gives a sign of life, waits until what is found may be believed, and goes on hearing until `close`.
    func begin(with catalog: SharedCatalog) async throws(StoreError) {
        for _ in 0..<Self.openingLimit {
            try await beat(catalog)
            try await hear(catalog)
            if !horizon.hasPassed {
                let loops = [Task { await self.hearOn(catalog) }, Task { await self.beatOn(catalog) }]
                return state.withLock { $0.loops = loops }
            }
            let trusted = state.withLock { $0.hearing.trusted } ?? .now
            let next = max(trusted, .now + Hearing.pause)
            do { try await Task.sleep(until: next, clock: .continuous) } catch { throw .storeIsClosing }
        }
        throw .unavailable("the database does not count this node among those that are alive")
    }

    /// Stops hearing, and takes this node out of those that are alive: nothing may be looked for from now on, and nothing
    /// that was found is believed.
    func close(leaving catalog: SharedCatalog) async {
        changes.close()
        let loops = state.withLock { state in
            defer { state.loops = [] }
            return state.loops
        }
        for loop in loops { loop.cancel() }
        for loop in loops { await loop.value }
        // Before it leaves: whoever ends something does not wait for it any more.
        generations.advanceAll()
        // Where that fails it counts as alive for a few seconds more.
        try? await catalog.leave()
    }

    private func hearOn(_ catalog: SharedCatalog) async {
        while !Task.isCancelled {
            let sent = ContinuousClock.now
            do throws(StoreError) {
                try await hear(catalog)
                note(nil)
            } catch {
                note(error.description)
            }
            try? await Task.sleep(until: sent + Hearing.pause, clock: .continuous)
        }
    }

    /// Asks once what has changed, and does what follows.
    private func hear(_ catalog: SharedCatalog) async throws(StoreError) {
        let position = state.withLock { $0.hearing.position }
        let news = try await catalog.hear(after: position)
        do throws(FileError) { try faults.reach(.changesHeard) } catch { throw .unavailable(error.description) }
        time.heard(news.clockMicroseconds, at: news.answered)
        followsAnother.store(news.isInRecovery, ordering: .relaxed)
        let conclusion = state.withLock { $0.hearing.take(news) }
        // Nobody believes anything that was found so far, and caches behind this node are told.
        if conclusion.forgetsAll { generations.advanceAll() }
        if conclusion.startsOver { changes.startOver() }
        for prefix in news.prefixes { generations.advance(prefix) }
        tell(news.prefixes)
        // Last: whoever finds that the horizon has not passed finds the generations advanced.
        guard let believedUntil = conclusion.believedUntil else { return }
        knowledge.extend(to: believedUntil)
        horizon.extend(to: believedUntil + outageReads)
    }

    private func beatOn(_ catalog: SharedCatalog) async {
        var pause = Hearing.beatPause
        while !Task.isCancelled {
            do { try await Task.sleep(for: pause, clock: .continuous) } catch { return }
            do throws(StoreError) {
                try await beat(catalog)
                pause = Hearing.beatPause
            } catch {
                pause = Self.retryPause
            }
        }
    }

    private func beat(_ catalog: SharedCatalog) async throws(StoreError) {
        let sent = ContinuousClock.now
        try await catalog.beat(wall: time.machine.wall)
        do throws(FileError) { try faults.reach(.nodeBeaten) } catch { throw .unavailable(error.description) }
        let done = ContinuousClock.now
        state.withLock { $0.hearing.beaten(sent: sent, done: done) }
    }

    // MARK: How it is

    /// Whether all that has changed is in `changes`, or will be before anybody hears of it. Never waits.
    var knowsAllChanges: Bool { !knowledge.hasPassed }

    /// Whether the database may be behind: what ended may not be known to it. Never waits.
    var isBehind: Bool { followsAnother.load(ordering: .relaxed) }

    /// Whether no other node can believe what this one has ended.
    var isAlone: Bool {
        let now = ContinuousClock.now
        return state.withLock { $0.hearing.isAlone(at: now) }
    }

    /// Why the database cannot be relied on at this moment; nil where it can.
    var failure: String? {
        let now = ContinuousClock.now
        return state.withLock { state in
            if let heard = state.hearing.heard, now - heard < Self.patience { return nil }
            return "the database has not answered for a while" + (state.failure.map { ": \($0)" } ?? "")
        }
    }

    /// How old what is believed is: since when nothing was heard; nil before anything was.
    var age: Duration? {
        let now = ContinuousClock.now
        return state.withLock { $0.hearing.heard }.map { now - $0 }
    }

    /// Tells the log when the database is lost, and when it is there again.
    private func note(_ failure: String?) {
        let before = state.withLock { state in
            defer { state.failure = failure }
            return state.failure
        }
        if let failure, before == nil, !Task.isCancelled {
            logger.warning("The database does not tell what has ended", metadata: ["why": "\(failure)"])
        } else if failure == nil, before != nil {
            logger.notice("The database tells again what has ended")
        }
    }
}
