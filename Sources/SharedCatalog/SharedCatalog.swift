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
        fatalError("being written")
    }

    private init(identity: StoreIdentity, node: CatalogNode) {
        self.identity = identity
        self.node = node
    }

    /// Makes one change, in a batch with whatever else waits. Durable when it returns.
    ///
    /// - Parameters:
    ///   - change: gives the change as it is to be applied now. Asked perhaps more than once.
    ///   - objects: called behind the change with what it came to, perhaps more than once, to say what becomes of objects.
    ///     The change is undone where it throws.
    package func perform<Change: CatalogChange>(
        _ change: @escaping @Sendable () -> Change,
        objects: @escaping @Sendable (Change.Outcome, inout ObjectPage) throws(StoreError) -> Void
    ) async throws(StoreError) -> Committed<Change.Outcome> {
        fatalError("being written")
    }

    /// The same of a change that leaves objects to the transaction.
    package func perform<Change: CatalogChange>(
        _ change: Change
    ) async throws(StoreError) -> Committed<Change.Outcome> {
        try await perform({ change }) { (_, _) throws(StoreError) in }
    }

    /// What a change would come to, without making it. Locks nothing.
    package func judge<Change: CatalogChange>(_ change: Change) async throws(StoreError) -> Change.Outcome {
        fatalError("being written")
    }

    /// What is known of an address; nil for one never held, or forgotten. All lookups that wait share a question.
    package func find(_ address: BlobAddress) async throws(StoreError) -> FoundBlob? {
        fatalError("being written")
    }

    /// The blob of the lease that `alias` leads to, and that lease; nil where it leads nowhere.
    package func find(_ alias: AliasName) async throws(StoreError) -> (blob: FoundBlob, lease: LeaseRow)? {
        fatalError("being written")
    }

    /// Asks questions on a connection for reading. Each sees the state of its own moment.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (SharedReader) throws(SharedCatalogError) -> Value
    ) async throws(StoreError) -> Value {
        fatalError("being written")
    }

    /// What has ended since `position`. On a connection of its own, one question at a time.
    package func hear(after position: CatalogPosition?) async throws(StoreError) -> News {
        fatalError("being written")
    }

    /// Ends what is under way within patience, refuses what waits, and closes the connections.
    package func close() async {
        fatalError("being written")
    }
}
