package import Blobs
package import Files
package import Logging
package import Store
package import StoreRules

/// Who holds what, until when, and what ended: in a PostgreSQL that any number of nodes share.
///
/// Nothing here blocks the caller's thread, and nothing waits for longer than `DatabaseSettings.patience`, a commit whose
/// answer was lost twice as long; what cannot be done by then fails with `.unavailable`, or with `.outcomeUnknown`.
package final class SharedCatalog: Sendable {
    /// The greatest number of rows that one question of a sweep, a check or a backup looks at.
    package static let pageRows = 1000
    /// The most changes that share a batch.
    package static let batchLimit = 64
    /// The most lookups that share a question.
    package static let lookupLimit = 256
    /// The most that wait: changes, lookups and questions, each by themselves. Others are refused at once.
    package static let waitingLimit = 4096

    /// The name of the store, made with its first node.
    package let identity: StoreIdentity
    package let node: CatalogNode

    /// Connects, checks that the database keeps what it acknowledges, brings the schema up to date, and gives the node's
    /// first sign of life.
    ///
    /// - Parameters:
    ///   - now: The moment that a batch happens at: the database's clock, as the node knows it.
    ///   - changed: Told what a batch did before anybody hears of its changes, also where the outcome is unknown: the
    ///     addresses about which anything changed that a finding tells, and those of them about which an answer from before
    ///     may be wrong before its Sunset.
    package static func open(
        _ settings: DatabaseSettings, node: CatalogNode, now: @escaping @Sendable () -> Timestamp,
        changed: @escaping @Sendable (_ touched: [BlobAddress], _ shortened: [BlobAddress]) -> Void = { _, _ in },
        faults: FaultPoints = .none, logger: Logger
    ) async throws(SharedCatalogError) -> SharedCatalog {
        let opened = try await onThread { () throws(SharedCatalogError) in
            try OpenedCatalog.open(settings, node: node, at: now(), logger: logger)
        }
        return SharedCatalog(opened, settings, node: node, now: now, changed: changed, faults: faults)
    }

    private let now: @Sendable () -> Timestamp
    let own = OwnTransactions()
    private let meters = CommitMeters()
    private let lanes: ConnectedThreads<WaitingChange>
    private let finder: ConnectedThreads<CatalogLookup>
    private let readers: ConnectedThreads<SessionQuestion>
    /// What is written beside changes.
    let upkeep: ConnectedThreads<SessionQuestion>
    /// Nothing else waits in front of what is heard.
    let listener: ConnectedThreads<SessionQuestion>
    private let watch: Task<Void, Never>
    private let patience: Duration

    private init(
        _ opened: OpenedCatalog, _ settings: DatabaseSettings, node: CatalogNode,
        now: @escaping @Sendable () -> Timestamp,
        changed: @escaping @Sendable (_ touched: [BlobAddress], _ shortened: [BlobAddress]) -> Void, faults: FaultPoints
    ) {
        identity = opened.identity
        self.node = node
        self.now = now
        patience = settings.patience
        let committer = BatchCommitter(
            connector: opened.connector, now: now, changed: changed, own: own, meters: meters, faults: faults,
            logger: opened.logger)
        let places = (0..<settings.lanes).map { place in
            SharedTransaction.Lane(
                node: node.id, place: place, slot: opened.slot * 8 + Int64(place), numbers: LeaseNumbers(),
                removalDelaySeconds: settings.removalDelaySeconds)
        }
        lanes = ConnectedThreads(
            "catalog lanes", count: settings.lanes, connector: opened.connector, batchLimit: Self.batchLimit,
            logger: opened.logger
        ) {
            $0.fail($1.storeError)
        } run: { changes, thread, session in
            committer.run(changes, places[thread], session)
        }
        finder = ConnectedThreads(
            "catalog lookups", count: 1, connector: opened.connector, batchLimit: Self.lookupLimit,
            logger: opened.logger
        ) {
            $0.tell(.failure($1))
        } run: { lookups, _, session in
            Lookups.answer(lookups, session)
        }
        readers = ConnectedThreads("catalog readers", count: settings.readers, catalog: opened)
        upkeep = ConnectedThreads("catalog upkeep", count: 1, catalog: opened)
        listener = ConnectedThreads("catalog listener", count: 1, catalog: opened)
        watch = Task { [lanes, finder, readers, upkeep, listener] in
            while (try? await Task.sleep(for: ConnectedThreads<WaitingChange>.tick)) != nil {
                lanes.expire()
                finder.expire()
                for threads in [readers, upkeep, listener] { threads.expire() }
            }
        }
    }

    deinit { shut() }

    private func shut() {
        watch.cancel()
        lanes.close()
        finder.close()
        for threads in [readers, upkeep, listener] { threads.close() }
    }

    /// How many changes wait for a lane.
    package var waitingChanges: Int { lanes.waitingCount }

    /// How many questions lookups came to so far.
    var lookupQuestions: Int { finder.takenCount }

    /// What the node's batches came to so far.
    package var commitFigures: CommitFigures { meters.figures }

    // MARK: Changes

    /// Makes one change, in a batch with whatever else waits. Durable when it returns.
    ///
    /// - Parameters:
    ///   - change: gives the change as it is to be applied now. Asked perhaps more than once.
    ///   - patience: for how long it may wait for others to share its batch.
    ///   - objects: called behind the change with what it came to, perhaps more than once, to say what becomes of objects.
    ///     The change is undone where it throws.
    package func perform<Change: CatalogChange>(
        _ change: @escaping @Sendable () -> Change, patience: Duration = .zero,
        objects: @escaping @Sendable (Change.Outcome, inout ObjectPage) throws(StoreError) -> Void
    ) async throws(StoreError) -> Committed<Change.Outcome> {
        let result: Result<Committed<Change.Outcome>, StoreError> = await withCheckedContinuation { continuation in
            lanes.submit(
                WaitingChange(change, objects: objects) { continuation.resume(returning: $0) }, patience: patience)
        }
        return try result.get()
    }

    /// The same of a change that leaves objects to the transaction.
    package func perform<Change: CatalogChange>(
        _ change: Change
    ) async throws(StoreError) -> Committed<Change.Outcome> {
        try await perform({ change }, objects: { (_, _) throws(StoreError) in })
    }

    /// What a change would come to, without making it. Locks nothing.
    package func judge<Change: CatalogChange>(_ change: Change) async throws(StoreError) -> Change.Outcome {
        let result = try await readers.ask { [now] session throws(SharedCatalogError) in
            try SharedTransaction(session, nil).judge(change, at: now())
        }
        return try result.get()
    }

    // MARK: Looking

    /// What is known of an address; nil for one never held, or forgotten. All lookups that wait share a question.
    package func find(_ address: BlobAddress) async throws(StoreError) -> FoundBlob? {
        try await find(.address(address))?.blob
    }

    /// The blob of the lease that `alias` leads to, and that lease; nil where it leads nowhere.
    package func find(_ alias: AliasName) async throws(StoreError) -> (blob: FoundBlob, lease: LeaseRow)? {
        guard let found = try await find(.alias(alias)), let lease = found.lease else { return nil }
        return (found.blob, lease)
    }

    private func find(_ key: CatalogLookup.LookupKey) async throws(StoreError) -> (blob: FoundBlob, lease: LeaseRow?)? {
        let result = await withCheckedContinuation { continuation in
            finder.submit(CatalogLookup(key: key) { continuation.resume(returning: $0) })
        }
        do { return try result.get() } catch { throw error.storeError }
    }

    /// Asks questions on a connection for reading. Each sees the state of its own moment. `body` is called a second time
    /// where the connection was lost meanwhile.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (SharedReader) throws(SharedCatalogError) -> Value
    ) async throws(StoreError) -> Value {
        try await readers.ask { session throws(SharedCatalogError) in try body(SharedReader(session: session)) }
    }

    // MARK: Closing

    /// Ends what is under way within patience, refuses what waits, and closes the connections.
    package func close() async {
        shut()
        let deadline = ContinuousClock.now + patience * 3
        while ContinuousClock.now < deadline {
            if lanes.isOver, finder.isOver, [readers, upkeep, listener].allSatisfy(\.isOver) { return }
            // Whoever is cancelled waits no longer.
            guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
        }
    }
}
