/// The steps of the store after which a crash or a failure must lose nothing: each name is the moment just after that
/// step.
package enum FaultPoint: String, Sendable, CaseIterable {
    // Creating a store.
    case foldersMade, identityWritten, storeSynced, catalogMigrated, blobsNamed, catalogNamed, storeNamed
    case ballastAllocated, ballastReleased
    // An upload.
    case stagedFileCreated, stagedBytesWritten, stagedBytesWrittenBack, stagedBytesSynced
    case blobNamed, namesSynced, stagedFileRemoved
    // A resumable upload: unacknowledged bytes cut off, a second name beside the staged one.
    case stagedFileCut, stagedFileLinked
    // The catalog: rows changed inside a transaction, the transaction committed, its number recorded outside.
    case rowsChanged, rowsCommitted, commitNoted
    // Removal, and setting aside what is damaged.
    case removalMarked, blobUnlinked, blobForgotten, orphanUnlinked, damageMarked, blobSetAside, asideRemoved
    // Recovering from a failed sync.
    case catalogReopened, probeSynced
    // A batch of a catalog that several nodes share: rows locked and loaded, changes judged, what they write handed over
    // and then the commit too, the answer there.
    case sharedPageLoaded, sharedPageJudged, sharedRowsQueued, sharedCommitSent, sharedCommitAnswered
    // A sweep of a store whose rows and objects are apart.
    case dueRemoved, passWritten, passNoted, garbageRemoved, garbageForgotten, forgottenRemoved, hourNoted
    // An upload to such a store: admitted, its bytes in a spool file, an object durable, its rows committed.
    case uploadAdmitted, bytesSpooled, objectPut, uploadCommitted
    // One that outlives its requests.
    case uploadCreated, turnTaken, uploadMoved, uploadFinished, uploadRefused, uploadDropped
    // Hearing of what other nodes have changed.
    case nodeBeaten, changesHeard

    /// Those that a store on one disk never comes by.
    package static let apart: Set<FaultPoint> = [
        .sharedPageLoaded, .sharedPageJudged, .sharedRowsQueued, .sharedCommitSent, .sharedCommitAnswered,
        .dueRemoved, .passWritten, .passNoted, .garbageRemoved, .garbageForgotten, .forgottenRemoved, .hourNoted,
        .uploadAdmitted, .bytesSpooled, .objectPut, .uploadCommitted, .uploadCreated, .turnTaken, .uploadMoved,
        .uploadFinished, .uploadRefused, .uploadDropped, .nodeBeaten, .changesHeard,
    ]
}

/// Lets tests interrupt the order of durable steps: code calls `reach` after every step, and the body passed in at the
/// top decides whether the process dies there, the step fails, or nothing happens.
package struct FaultPoints: Sendable {
    /// Nothing ever happens: for every real store.
    package static let none = FaultPoints(body: nil)

    private let body: (@Sendable (FaultPoint) throws(FileError) -> Void)?

    private init(body: (@Sendable (FaultPoint) throws(FileError) -> Void)?) {
        self.body = body
    }

    /// Calls `body` after every step; an error it throws counts as the failure of that step.
    package init(_ body: @escaping @Sendable (FaultPoint) throws(FileError) -> Void) {
        self.init(body: body)
    }

    /// The step before `point` is done.
    @inline(__always)
    package func reach(_ point: FaultPoint) throws(FileError) {
        if let body { try body(point) }
    }
}
