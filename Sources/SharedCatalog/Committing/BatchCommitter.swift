import Blobs
import Files
import Logging
import Store
import StoreRules
import Synchronization

/// Makes changes durable, many at once: loads and locks their rows in one round trip, judges them, and writes and commits
/// in another. The one place that changes rows of blobs and leases.
///
/// A batch that met rows of others is judged anew, and after three times its changes one by one. Where the connection is
/// lost before the commit was sent, nothing has happened, and another connection begins anew; where it is lost behind that,
/// the database is asked what became of it.
final class BatchCommitter: Sendable {
    /// How often the same changes are tried together, or one of them alone.
    static let attemptLimit = 3

    let connector: Connector
    let now: @Sendable () -> Timestamp
    let changed: @Sendable (_ touched: [BlobAddress], _ shortened: [BlobAddress]) -> Void
    let own: OwnTransactions
    let faults: FaultPoints
    let logger: Logger
    let meters: CommitMeters

    init(
        connector: Connector, now: @escaping @Sendable () -> Timestamp,
        changed: @escaping @Sendable (_ touched: [BlobAddress], _ shortened: [BlobAddress]) -> Void,
        own: OwnTransactions, meters: CommitMeters, faults: FaultPoints, logger: Logger
    ) {
        self.connector = connector
        self.now = now
        self.changed = changed
        self.own = own
        self.meters = meters
        self.faults = faults
        self.logger = logger
    }

    /// What became of changes that were tried.
    enum BatchOutcome {
        /// Everybody has been told.
        case told
        /// Others were at the same rows: nothing has happened.
        case met(SharedCatalogError)
        /// The connection was lost: nothing has happened.
        case lost
        /// Nothing has happened, and trying again would come to the same.
        case failed(SharedCatalogError)
    }

    /// Makes changes, and tells everybody. Returns those that may be begun again on another connection.
    func run(_ changes: [WaitingChange], _ lane: SharedTransaction.Lane, _ session: Session) -> [WaitingChange] {
        var foresight = SharedForesight()
        var last = SharedCatalogError.unavailable("the database does not answer")
        for attempt in 1...Self.attemptLimit {
            if attempt > 1 { meters.noteRetry() }
            switch attemptAll(changes, lane, session, &foresight) {
            case .told: return []
            case .lost:
                lane.numbers.drop()
                return changes
            case .met(let error):
                last = error
                // A server that was put back gives out numbers again that it had given out.
                if session.lastError?.code == "23505" { lane.numbers.drop() }
            case .failed(let error):
                // Nobody's change may spoil those of others.
                if changes.count > 1, error.isOfOneChange { return runAlone(changes, lane, session) }
                return tell(changes, error)
            }
            guard session.condition == .usable, session.hasTime else { break }
        }
        if changes.count > 1, session.condition == .usable { return runAlone(changes, lane, session) }
        // What is there already stays there; what others are at will be free.
        let isLasting = session.lastError?.code == "23505"
        return tell(changes, isLasting ? .failed(last.description) : .unavailable(last.description))
    }

    private func runAlone(
        _ changes: [WaitingChange], _ lane: SharedTransaction.Lane, _ session: Session
    ) -> [WaitingChange] {
        // Together they have no more time than a batch has.
        session.deadline = .now + connector.patience
        var left: [WaitingChange] = []
        for change in changes {
            if session.condition == .usable, session.hasTime {
                left += run([change], lane, session)
            } else {
                left.append(change)
            }
        }
        switch session.condition {
        case .lost: return left
        case .hanging: return tell(left, .unavailable("the database does not answer"))
        case .usable: return tell(left, .unavailable("others hold the rows"))
        }
    }

    private func tell(_ changes: [WaitingChange], _ error: SharedCatalogError) -> [WaitingChange] {
        for change in changes { change.fail(error.storeError) }
        return []
    }

    // MARK: One attempt

    private func attemptAll(
        _ changes: [WaitingChange], _ lane: SharedTransaction.Lane, _ session: Session,
        _ foresight: inout SharedForesight
    ) -> BatchOutcome {
        let transaction = SharedTransaction(session, lane)
        let before = (session.statements, session.roundTrips)
        defer {
            foresight.add(transaction.late)
            meters.note(
                changes: changes.count, statements: session.statements - before.0,
                roundTrips: session.roundTrips - before.1)
        }
        let batch: JudgedBatch
        do throws(SharedCatalogError) {
            guard let judged = try judge(changes, foresight, transaction) else { return .told }
            batch = judged
        } catch {
            transaction.rollBack()
            return outcome(of: error, session)
        }
        return commit(batch, transaction, session)
    }

    /// Changes that are judged, and what they write handed over.
    struct JudgedBatch {
        let changes: [WaitingChange]
        let results: [Result<AppliedChange, StoreError>]
        let touched: [BlobAddress]
        let shortened: [BlobAddress]
    }

    /// Nil where there was nothing to write, and everybody has been told.
    private func judge(
        _ changes: [WaitingChange], _ foresight: SharedForesight, _ transaction: SharedTransaction
    ) throws(SharedCatalogError) -> JudgedBatch? {
        var page = CatalogPage(now: now())
        for change in changes { change.request(&page) }
        for address in foresight.addresses { page.blobs.request(address) }
        for subject in foresight.subjects { page.usages.request(subject) }
        try transaction.load(&page)
        try reach(.sharedPageLoaded)
        var results: [Result<AppliedChange, StoreError>] = []
        for change in changes { results.append(try change.apply(transaction, &page)) }
        try reach(.sharedPageJudged)
        let batch = JudgedBatch(changes: changes, results: results, touched: page.touched, shortened: page.shortened)
        if results.contains(where: { if case .success = $0 { true } else { false } }) {
            try transaction.write(page)
            try reach(.sharedRowsQueued)
        }
        if transaction.hasWrites { return batch }
        transaction.rollBack()
        deliver(batch)
        return nil
    }

    private func commit(_ batch: JudgedBatch, _ transaction: SharedTransaction, _ session: Session) -> BatchOutcome {
        guard let number = transaction.number else { return .failed(.failed("the database began no transaction")) }
        // A poll may see it before its answer is here.
        if !batch.shortened.isEmpty { own.add(number) }
        let outcome = commitNow(batch, transaction, session)
        // A server that has crashed may give the number to somebody else.
        if case .told = outcome {} else { own.remove(number) }
        return outcome
    }

    private func commitNow(
        _ batch: JudgedBatch, _ transaction: SharedTransaction, _ session: Session
    ) -> BatchOutcome {
        do throws(SharedCatalogError) {
            try session.queue(.commit)
            try session.send()
        } catch {
            // Some of it may have come through, if not all.
            return findOut(batch, transaction)
        }
        do throws(SharedCatalogError) {
            do { try faults.reach(.sharedCommitSent) } catch { return findOut(batch, transaction) }
            _ = try session.receive()
            guard session.lastCommand == "COMMIT" else {
                return .failed(.failed("the database: \(session.lastCommand) in place of COMMIT"))
            }
            // It was told to wait for no standby.
            if session.wasWarned { return findOut(batch, transaction) }
            try reach(.sharedCommitAnswered)
        } catch {
            // The server has said what was wrong: nothing has happened.
            guard session.condition == .usable, session.lastError != nil else {
                return findOut(batch, transaction)
            }
            session.rollBack()
            return outcome(of: error, session)
        }
        deliver(batch)
        return .told
    }

    private func outcome(of error: SharedCatalogError, _ session: Session) -> BatchOutcome {
        switch session.condition {
        case .lost: return .lost
        case .hanging: return .failed(error)
        case .usable: break
        }
        if case .conflict = error { return .met(error) }
        return .failed(error)
    }

    /// Tells everybody what is durable now; before anybody hears of it, nobody believes what was found before.
    private func deliver(_ batch: JudgedBatch) {
        if !batch.touched.isEmpty { changed(batch.touched, batch.shortened) }
        let shortened = Set(batch.shortened)
        for (change, result) in zip(batch.changes, batch.results) {
            switch result {
            case .success(let applied): applied.deliver(shortened)
            case .failure(let error): change.fail(error)
            }
        }
    }

    // MARK: Lost answers

    /// Asks the database what became of a commit.
    private func findOut(_ batch: JudgedBatch, _ transaction: SharedTransaction) -> BatchOutcome {
        guard let lost = LostCommit(transaction, connector) else { return .failed(.outcomeUnknown) }
        transaction.session.abandon()
        meters.noteLostAnswer()
        switch lost.find() {
        case .committed:
            deliver(batch)
            return .told
        case .aborted: return .lost
        case .unknown:
            logger.warning("The answer to a commit was lost, and so is what became of it")
            if let number = transaction.number { own.remove(number) }
            if !batch.touched.isEmpty { changed(batch.touched, batch.shortened) }
            for change in batch.changes { change.fail(.outcomeUnknown) }
            return .told
        }
    }

    private func reach(_ point: FaultPoint) throws(SharedCatalogError) {
        do { try faults.reach(point) } catch { throw .failed(error.description) }
    }
}

extension SharedCatalogError {
    /// Whether one change of a batch may be the cause, and others be made without it.
    fileprivate var isOfOneChange: Bool {
        switch self {
        case .failed, .conflict: true
        case .full, .unavailable, .unfit, .superseded, .missing, .closed, .outcomeUnknown: false
        }
    }
}
