import BlobFiles
package import Blobs
package import Catalog
package import DiskStore
package import Files
import Logging
package import Store
import StoreParts
package import StoreRules
package import Telemetry

/// A store of blobs on one disk with one catalog: the owner of a storage folder, and of the order in which things
/// become durable. Upload: file, name, row. Removal: mark, unlink, forget.
package final class Vault: LeaseStore, ChangeFeed {
    package let settings: VaultSettings
    /// What whoever holds leases is allowed.
    let leaseLimits: LeaseLimits

    let disk: DiskStore
    let catalog: ReopenableCatalog
    let workers: BlockingPool
    let committer: GroupCommitter
    /// Held across check, file and row of whatever happens to one address.
    let locks = KeyedLocks<BlobAddress>()
    /// Looks for blobs that are to be read.
    let looks: BlobLooks
    /// Ends what was found before a change.
    let generations = GenerationTable()
    /// Tells caches what ended before its time.
    package let changes = ChangeRing()
    /// What is to be looked at soon.
    let suspects = SuspectBlobs()
    let upkeep = UpkeepState()
    /// The uploads under way.
    let uploads: UploadTable
    /// Those of them that outlive their requests.
    let openUploads = OpenUploads()
    /// Held for each step of what happens to one resumable upload.
    let uploadLocks = KeyedLocks<UploadID>()
    let health: Health
    let probe: WriteProbe
    let time: StoreTime
    let faults: FaultPoints
    let logger: Logger
    /// Where this store counts what it does.
    package let meters: Meters
    /// The clocks when this process opened the store.
    package let started: ClockReading

    let commitThread: BlockingPool

    init(
        _ opened: OpenedStore, settings: VaultSettings, workers: BlockingPool, faults: FaultPoints, meters: Meters,
        logger: Logger
    ) {
        self.settings = settings
        self.workers = workers
        looks = BlobLooks(workers: workers, turnLimit: min(settings.threads, Catalog.readerLimit))
        self.faults = faults
        self.meters = meters
        self.logger = logger
        let (disk, catalog, time) = (opened.disk, opened.catalog, opened.time)
        self.disk = disk
        self.catalog = catalog
        self.time = time
        leaseLimits = settings.store.leaseLimits(diskBytes: opened.diskBytes)
        started = time.clock.reading
        uploads = UploadTable(
            requests: settings.openUploads, kept: settings.keptUploads,
            limitPerSubject: settings.openUploadsPerSubject,
            disk: DiskReservations(keepFreeBytes: settings.keepFreeBytes) { () throws(FileError) in
                try disk.files.freeBytes()
            })
        let commitThread = BlockingPool(threads: 1)
        self.commitThread = commitThread
        let recovery = WriteRecovery(disk: disk, catalog: catalog, time: time, faults: faults, logger: logger)
        health = Health(firstWait: settings.firstProbe, longestWait: settings.longestProbe) {
            await recovery.attempt(on: commitThread)
        }
        committer = GroupCommitter(
            thread: commitThread, catalog: catalog, disk: disk, generations: generations, ring: changes, health: health,
            time: time, meters: meters, logger: logger)
        probe = Self.writeProbe(settings, workers: workers, disk: disk, committer: committer)
    }

    /// Finishes what is under way and gives the storage folder back; later calls are refused as unavailable.
    package func close() async {
        await health.close()
        await commitThread.shutDown()
        await workers.shutDown()
        changes.close()
        openUploads.removeAll()
        do { try catalog.close() } catch {
            logger.warning("Closing the catalog failed", metadata: ["error": "\(error)"])
        }
        disk.releaseLock()
    }

    var files: BlobFiles { disk.files }

    /// Where things lie, for those who put more beside them.
    package var layout: DiskLayout { disk.layout }

    /// Bytes that uploads under way may still write.
    package var promisedBytes: Int64 { uploads.disk.promisedBytes }

    /// Whether uploads are under way.
    package var isTakingUploads: Bool { meters.openUploads.value > 0 }

    package func now() -> Timestamp { time.now }

    package func unreadiness() async -> String? {
        if let reason = health.suspension { return "the store refuses writes: \(reason)" }
        do {
            let isFull = try await workers.run { () throws(StoreError) in
                let free = try storeErrors { () throws(FileError) in try self.disk.files.freeBytes() }
                _ = try self.catalog.read { try $0.store().commits }
                let fits = DiskReservations.fits(
                    4096, free: free, promised: self.uploads.disk.promisedBytes, kept: self.settings.keepFreeBytes)
                return !fits
            }
            return isFull ? "the disk is full" : await probe.failure()
        } catch {
            return error.description
        }
    }
}

/// What sweeps and checks see of a store.
extension Vault {
    /// Looks at one consistent state of the catalog, at most `Catalog.pageRows` rows of it.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (CatalogReader) throws -> Value
    ) async throws(StoreError) -> Value {
        try await workers.run { () throws(StoreError) in try self.catalog.read(body) }
    }

    /// Makes a change durable, in one batch with whatever else is being written.
    package func make<Change: CatalogChange>(_ change: Change) async throws(StoreError) -> Change.Outcome {
        try await committer.perform(change)
    }

    /// What a change would come to now, without making it. Blocks.
    func judge<Change: CatalogChange>(_ change: Change) throws(StoreError) -> Change.Outcome {
        let now = time.now
        return try catalog.read { try $0.judge(change, at: now) }.get()
    }

    /// Bytes of the file at a blob's place; nil where there is none. Blocks; called under the lock of the address, since
    /// only then the answer keeps.
    func fileSize(of address: BlobAddress) throws(StoreError) -> Int64? {
        try storeErrors { () throws(FileError) in try disk.files.size(of: address) }
    }

    /// Runs something that blocks on the disk.
    package func onDisk<Value: Sendable>(
        _ body: @escaping @Sendable (DiskStore) throws(FileError) -> Value
    ) async throws(StoreError) -> Value {
        try await workers.run { () throws(StoreError) in
            try storeErrors { () throws(FileError) in try body(self.disk) }
        }
    }

    /// The step before `point` is done.
    package func reach(_ point: FaultPoint) throws(FileError) {
        try faults.reach(point)
    }

    /// The clocks at this moment.
    package var clocks: ClockReading { time.clock.reading }

    /// The latest time that was ever committed.
    package var latestCommitted: Timestamp { time.latestCommitted }
}

extension StoreError {
    /// A failure of the catalog in the words of the vocabulary.
    init(_ error: CatalogError) {
        if case .full = error { self = .diskFull } else { self = .io(error.description) }
    }
}
