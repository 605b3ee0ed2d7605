package import Blobs
package import Store
package import StoreRules

/// Where a look at many leases, a page at a time, goes on.
package struct LeaseCursor: Sendable {
    let expires: Int64
    let id: Int64
}

/// What sweeps, checks and statistics ask: a page at a time.
extension SharedReader {
    /// Blobs that no lease holds any more and that are not gone, in the order of their addresses, at most `limit` (up to
    /// `pageRows`).
    package func unheldBlobs(
        after address: BlobAddress?, limit: Int
    ) throws(SharedCatalogError) -> [BlobRow] {
        fatalError("being written")
    }

    /// How many leases are due at `now` and not ended yet, soonest first, counting at most `limit` behind `cursor`.
    package func dueLeases(
        at now: Timestamp, after cursor: LeaseCursor?, limit: Int
    ) throws(SharedCatalogError) -> (count: Int, last: LeaseCursor?) {
        fatalError("being written")
    }

    /// How many tombstones and ended leases are older than `end`, counting at most `pageRows` of each; blobs too of which
    /// no more is to be forgotten than that they were shown.
    package func forgettable(endedBefore end: Timestamp) throws(SharedCatalogError) -> Int {
        fatalError("being written")
    }

    /// Whether there is a subject that holds no lease and whose last day is over by `end`.
    package func hasIdleSubjects(overBy end: Timestamp) throws(SharedCatalogError) -> Bool {
        fatalError("being written")
    }

    /// What is remembered of the background check at `place`.
    package func scrub(_ place: ScrubRow.Place) throws(SharedCatalogError) -> ScrubRow? { fatalError("being written") }

    /// The sums that the catalog keeps.
    package func sums() throws(SharedCatalogError) -> StoreSums { fatalError("being written") }

    /// How many leases are due at `now` and how many blobs are held by none, each counted up to `limit`, and for how long
    /// the oldest of those leases has been due.
    package func backlog(
        at now: Timestamp, limit: Int
    ) throws(SharedCatalogError) -> (dueLeases: Int64, unheldBlobs: Int64, oldestDueSeconds: Int64) {
        fatalError("being written")
    }

    // MARK: Objects

    /// Those of at most `pageRows` objects that a blob, a list or the garbage knows.
    package func known(_ ids: [ObjectID]) throws(SharedCatalogError) -> Set<ObjectID> { fatalError("being written") }

    /// Garbage whose time is up at `now`, the oldest first, at most `limit` (up to `pageRows`) behind `row`.
    package func garbage(
        dueBy now: Timestamp, after row: GarbageRow?, limit: Int
    ) throws(SharedCatalogError) -> [GarbageRow] {
        fatalError("being written")
    }

    /// The objects of at most `pageRows` lists.
    package func partIDs(of lists: [ObjectID]) throws(SharedCatalogError) -> [ObjectID: [ObjectID]] {
        fatalError("being written")
    }

    /// How much garbage there is, counted up to `limit`, and when the oldest of it is due.
    package func garbageBacklog(limit: Int) throws(SharedCatalogError) -> (count: Int64, oldest: Timestamp?) {
        fatalError("being written")
    }

    // MARK: Nodes

    /// All nodes that are remembered, at most `pageRows`, those first that gave the latest sign of life.
    package func nodes() throws(SharedCatalogError) -> [NodeRow] { fatalError("being written") }

    /// Who has a duty; nil where nobody has, or its time is up.
    package func duty(_ name: String) throws(SharedCatalogError) -> DutyRow? { fatalError("being written") }

    /// The database's clock.
    package func clock() throws(SharedCatalogError) -> Timestamp { fatalError("being written") }
}
