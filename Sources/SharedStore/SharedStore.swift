import BlobFiles
package import Blobs
import CacheFolder
import Files
import Logging
import Objects
import SharedCatalog
package import Store
import StoreParts
package import StoreRules
import Synchronization
package import Telemetry

/// A node of a store whose bytes are in an object store and whose catalog is in a database, both shared by any number
/// of nodes. A node holds nothing that may not be lost.
///
/// Order of what becomes durable: object, then row; row's end, then object's end. An object has a name of its own that is
/// never used again, so nothing that was long on its way can hit what lives.
package final class SharedStore: LeaseStore, Upkeep, ChangeFeed {
    package let settings: SharedStoreSettings
    /// What whoever holds leases is allowed.
    let leaseLimits: LeaseLimits

    let catalog: SharedCatalog
    let objects: any ObjectStore
    /// The database's clock, as this node knows it.
    let time: SharedTime
    /// Hears what other nodes have ended, and tells until when what was found may be believed.
    let ends: Ends
    /// Bytes of blobs, verified.
    let cache: ReadCache
    /// What is to be looked at soon.
    let suspects: SuspectBlobs
    /// The uploads of this node that are under way.
    let uploads: UploadTable
    /// Held for each step that this node takes at one resumable upload.
    let uploadLocks = KeyedLocks<UploadID>()
    /// Those of them that requests of this node are at work on.
    let turns = OpenTurns()
    /// Who may keep uploads, on all nodes.
    let places: KeptPlaces
    /// Where bytes of uploads wait until an object is full.
    let spools: SpoolRoom
    /// Bounds the bytes of objects that are in memory on their way to the object store.
    let putBudget = MemoryBudget(limitBytes: 64 << 20, patience: .seconds(20))
    let objectsUnderWay = ObjectsUnderWay()
    let discards = Discards()
    let upkeep = UpkeepState()
    /// Threads that may wait for a disk.
    let workers: BlockingPool
    let faults: FaultPoints
    let logger: Logger
    /// Where this node counts what it does.
    package let meters: Meters
    /// The clocks when this process opened the store.
    package let started: ClockReading
    private let isClosed = Atomic(false)

    /// An exabyte: more than any store has room for, and so little that sums stay numbers.
    private static let mostPromisedBytes: Int64 = 1 << 60

    init(
        _ opened: OpenedNode, settings: SharedStoreSettings, workers: BlockingPool, faults: FaultPoints, meters: Meters,
        logger: Logger
    ) {
        self.settings = settings
        leaseLimits = settings.leaseLimits
        catalog = opened.catalog
        objects = opened.objects
        time = opened.time
        ends = opened.ends
        cache = opened.cache
        suspects = opened.suspects
        uploads = UploadTable(
            requests: settings.openUploads, kept: 0, limitPerSubject: settings.openUploadsPerSubject,
            // What is announced is promised, though most of it will never be on this node's disk.
            disk: DiskReservations(keepFreeBytes: 0) { () throws(FileError) in Self.mostPromisedBytes })
        places = KeptPlaces(limit: settings.keptUploads)
        let (disk, time) = (opened.cache.disk, opened.time)
        spools = SpoolRoom(in: disk.folder.files.folders.staging, limitBytes: settings.cacheBytes / 2) { bytes in
            disk.makeRoom(for: bytes, at: time.now)
        }
        self.workers = workers
        self.faults = faults
        self.meters = meters
        self.logger = logger
        started = opened.time.clocks
        ends.tell { [cache] in cache.mark($0) }
    }

    /// Finishes what is under way, saves what the cache knows, and takes this node out of those that are alive; later calls
    /// are refused as unavailable.
    package func close() async {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        turns.removeAll()
        await ends.close(leaving: catalog)
        await cache.close()
        await catalog.close()
        await objects.close()
        await workers.shutDown()
        cache.releaseFolder()
    }

    /// Whether it is closed, or about to be.
    var isOver: Bool { isClosed.load(ordering: .acquiring) }

    package func now() -> Timestamp { time.now }

    /// The database's clock as this node knows it, not held forward by what was committed.
    package var clocks: ClockReading { time.clocks }

    /// Bytes that the disk of the cache can still take.
    func freeBytes() async throws(StoreError) -> Int64 {
        let folder = cache.disk.folder
        return try await workers.run { () throws(StoreError) in folder.freeBytes ?? 0 }
    }

    package func unreadiness() async -> String? {
        let end = ContinuousClock.now + settings.silencePatience
        while true {
            if isOver { return "the store is closed" }
            guard let failure = ends.failure else { return nil }
            guard .now < end else { return failure }
            do { try await Task.sleep(for: .milliseconds(50)) } catch { return failure }
        }
    }

    /// What of a node has been opened: the database has been heard, and the cache's folder is its own.
    struct OpenedNode: Sendable {
        let catalog: SharedCatalog
        let objects: any ObjectStore
        let time: SharedTime
        let ends: Ends
        let cache: ReadCache
        let suspects: SuspectBlobs
    }
}

// MARK: Changes

extension SharedStore {
    package var changes: ChangeRing { ends.changes }

    package var knowsAllChanges: Bool { ends.knowsAllChanges }

    /// Makes a change durable, in one batch with whatever else is being written. When this returns, nothing that was found
    /// on this node before is current any more; of other nodes see `Ends.wait`.
    ///
    /// - Parameters:
    ///   - change: gives the change as it is to be applied now, perhaps more than once.
    ///   - patience: for how long it may wait for others to share its batch.
    ///   - objects: says what becomes of objects, perhaps more than once; the change is undone where it throws.
    func make<Change: CatalogChange>(
        _ change: @escaping @Sendable () -> Change, patience: Duration = .zero,
        objects: @escaping @Sendable (Change.Outcome, inout ObjectPage) throws(StoreError) -> Void
    ) async throws(StoreError) -> Committed<Change.Outcome> {
        let committed = try await catalog.perform(change, patience: patience, objects: objects)
        time.committed(time.now)
        return committed
    }

    /// The same of a change that leaves objects to the transaction.
    @discardableResult
    func make<Change: CatalogChange>(_ change: Change) async throws(StoreError) -> Committed<Change.Outcome> {
        try await make({ change }, objects: { (_, _) throws(StoreError) in })
    }
}
