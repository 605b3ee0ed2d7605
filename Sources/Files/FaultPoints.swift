/// The steps of the store after which a crash or a failure must lose nothing: each name stands for the moment just
/// behind that step.
package enum FaultPoint: String, Sendable, CaseIterable {
    // Making a store.
    case foldersMade, identityWritten, storeSynced, catalogMigrated, blobsNamed, catalogNamed, storeNamed
    case ballastAllocated, ballastReleased
    // An upload.
    case stagedFileCreated, stagedBytesWritten, stagedBytesWrittenBack, stagedBytesSynced
    case blobNamed, namesSynced, stagedFileRemoved
    // An upload that outlives its requests: bytes cut that were never told, a second name beside the staged one.
    case stagedFileCut, stagedFileLinked
    // The catalogue: a row changed inside a transaction, a transaction committed, its number noted outside.
    case rowsChanged, rowsCommitted, commitNoted
    // Removal, and setting aside what is damaged.
    case removalMarked, blobUnlinked, blobForgotten, orphanUnlinked, damageMarked, blobSetAside, asideRemoved
    // Coming back after a failed sync.
    case catalogReopened, probeSynced
}

/// Where tests reach into the order of durable steps: code calls `reach` behind every step, and what was passed in at
/// the top decides whether the process dies there, the step fails, or nothing happens.
package struct FaultPoints: Sendable {
    /// Nothing ever happens: what every real store is given.
    package static let none = FaultPoints(body: nil)

    private let body: (@Sendable (FaultPoint) throws(FileError) -> Void)?

    private init(body: (@Sendable (FaultPoint) throws(FileError) -> Void)?) {
        self.body = body
    }

    /// Calls `body` behind every step; an error it throws counts as the failure of that step.
    package init(_ body: @escaping @Sendable (FaultPoint) throws(FileError) -> Void) {
        self.init(body: body)
    }

    /// The step before `point` is done.
    @inline(__always)
    package func reach(_ point: FaultPoint) throws(FileError) {
        if let body { try body(point) }
    }
}
