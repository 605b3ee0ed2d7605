import BlobFiles
import Blobs
package import CacheFolder
package import Files
package import Logging
package import Objects
package import SharedCatalog
package import Store
package import StoreParts
import StoreRules
package import Telemetry

/// Where the parts of a node are.
package struct SharedStorePlace: Sendable {
    package var database: DatabaseSettings
    package var objects: any ObjectStore
    /// The folder of the cache, which belongs to this node alone.
    package var cacheFolder: String

    package init(database: DatabaseSettings, objects: any ObjectStore, cacheFolder: String) {
        self.database = database
        self.objects = objects
        self.cacheFolder = cacheFolder
    }
}

extension SharedStore {
    /// Opens a node of the store that database and bucket hold, or makes the store where both are new.
    ///
    /// Where they do not belong together, or one of them would not keep what it acknowledges, it throws and changes
    /// nothing. The node must be closed in the end. Object store and all else that was opened is closed where this throws.
    ///
    /// - Parameter goesByClock: for tests: time is that of `clock`, and not the database's.
    package static func open(
        _ place: SharedStorePlace, settings: SharedStoreSettings = SharedStoreSettings(),
        clock: any StoreClock = SystemClock(), goesByClock: Bool = false, faults: FaultPoints = .none,
        meters: Meters = Meters(), logger: Logger
    ) async throws(SharedStoreError) -> SharedStore {
        let workers = BlockingPool(threads: settings.threads)
        let time = SharedTime(goesByClock ? .machine : .database, machine: clock)
        let ends = Ends(time: time, outageReads: settings.outageReads, faults: faults, logger: logger)
        let opening = SharedOpening(
            place: place, settings: settings, time: time, ends: ends, workers: workers, faults: faults, logger: logger)
        do throws(SharedStoreError) {
            let opened = try await opening.run()
            return SharedStore(
                opened, settings: settings, workers: workers, faults: faults, meters: meters, logger: logger)
        } catch {
            await place.objects.close()
            await workers.shutDown()
            throw error
        }
    }
}

/// Why a node of a shared store could not be opened.
package enum SharedStoreError: Error, Sendable, CustomStringConvertible {
    /// The database cannot be used.
    case database(SharedCatalogError)
    /// The bucket cannot be used.
    case objects(ObjectError)
    /// Database and bucket belong to different stores. Nothing in them was changed.
    case mismatch(String)
    /// The folder of the cache cannot be used.
    case cache(CacheFolderError)
    /// Something failed on the way.
    case failed(StoreError)

    package var description: String {
        switch self {
        case .database(let error): error.description
        case .objects(let error): error.description
        case .mismatch(let why): "database and bucket are two halves of different stores: \(why) (nothing was changed)"
        case .cache(let error): error.description
        case .failed(let error): error.description
        }
    }
}

/// One attempt to open a node, step by step.
private struct SharedOpening {
    let place: SharedStorePlace
    let settings: SharedStoreSettings
    let time: SharedTime
    let ends: Ends
    let workers: BlockingPool
    let faults: FaultPoints
    let logger: Logger

    func run() async throws(SharedStoreError) -> SharedStore.OpenedNode {
        let catalog = try await openCatalog()
        do throws(SharedStoreError) {
            try await compareIdentities(catalog)
            let folder = try await openFolder(of: catalog.identity)
            do throws(StoreError) {
                let row = try await catalog.read { reader throws(SharedCatalogError) in try reader.store() }
                time.committed(row.latest)
                try await ends.begin(with: catalog)
            } catch {
                folder.release()
                throw .failed(error)
            }
            return await node(catalog, folder)
        } catch {
            await ends.close(leaving: catalog)
            await catalog.close()
            throw error
        }
    }

    private func openCatalog() async throws(SharedStoreError) -> SharedCatalog {
        var database = place.database
        database.removalDelaySeconds = settings.removalDelaySeconds
        let (time, ends) = (time, ends)
        do throws(SharedCatalogError) {
            return try await SharedCatalog.open(
                database, node: CatalogNode(name: settings.nodeName, version: Release.version), now: { time.now },
                changed: { ends.changed($0, $1) }, faults: faults, logger: logger)
        } catch {
            throw .database(error)
        }
    }

    /// Finds out whether the bucket is the database's, and what may be done in it; a new bucket becomes a new database's.
    private func compareIdentities(_ catalog: SharedCatalog) async throws(SharedStoreError) {
        var verdict = try await look(at: catalog)
        // Another node may be making the store at this moment.
        for _ in 0..<4 {
            guard case .mismatch(let why) = verdict else { break }
            logger.notice("Database and bucket do not fit yet; looking again", metadata: ["why": "\(why)"])
            try? await Task.sleep(for: .seconds(1))
            verdict = try await look(at: catalog)
        }
        if case .mismatch(let why) = verdict { throw .mismatch(why) }
        try await objectErrors { objects throws(ObjectError) in
            if let bucket = objects as? S3Objects { try await bucket.check(with: .new(at: time.now)) }
        }
        guard verdict == .claim else { return }
        guard place.database.mayCreate else { throw .database(.missing) }
        try await make(catalog)
    }

    private func look(at catalog: SharedCatalog) async throws(SharedStoreError) -> BucketIdentity.IdentityVerdict {
        let record = try await objectErrors { objects throws(ObjectError) in try await objects.get(.store, range: nil) }
        var (isDatabaseEmpty, hasObjects) = (false, true)
        if record == nil {
            isDatabaseEmpty = try await isEmpty(catalog)
            let listing = try await objectErrors { objects throws(ObjectError) in
                try await objects.list("v1/", after: nil)
            }
            hasObjects = !listing.objects.isEmpty
        }
        return BucketIdentity.judge(
            catalog.identity, record: record, isDatabaseEmpty: isDatabaseEmpty, hasObjects: hasObjects)
    }

    private func isEmpty(_ catalog: SharedCatalog) async throws(SharedStoreError) -> Bool {
        try await storeErrors { () async throws(StoreError) in
            try await catalog.read { reader throws(SharedCatalogError) in try reader.isEmpty() }
        }
    }

    /// Makes one store of a new database and a new bucket. Two nodes that start at once write the same.
    private func make(_ catalog: SharedCatalog) async throws(SharedStoreError) {
        // What the first sweep compares its clocks with.
        let pass = RecordPass(time.clocks)
        _ = try await storeErrors { () async throws(StoreError) in try await catalog.perform(pass) }
        let record = BucketIdentity.record(catalog.identity)
        try await objectErrors { objects throws(ObjectError) in
            try await objects.put(record, as: .store, digest: BlobAddress(of: record))
        }
        logger.notice("Created a new store", metadata: ["store": "\(catalog.identity)"])
    }

    private func openFolder(of identity: StoreIdentity) async throws(SharedStoreError) -> CacheFolder {
        let (path, boot, name, logger) = (place.cacheFolder, time.machine.boot, settings.nodeName, logger)
        let opened: Result<CacheFolder, CacheFolderError>
        do throws(StoreError) {
            opened = try await workers.run { () throws(StoreError) in
                Result { () throws(CacheFolderError) in
                    try CacheFolder(
                        path, of: .node, origin: identity.hex, name: name.isEmpty ? nil : name, boot: boot,
                        logger: logger)
                }
            }
        } catch {
            throw .failed(error)
        }
        return try opened.mapError { SharedStoreError.cache($0) }.get()
    }

    private func storeErrors<Value>(
        _ body: () async throws(StoreError) -> Value
    ) async throws(SharedStoreError) -> Value {
        do { return try await body() } catch { throw .failed(error) }
    }

    private func objectErrors<Value>(
        _ body: (any ObjectStore) async throws(ObjectError) -> Value
    ) async throws(SharedStoreError) -> Value {
        do { return try await body(place.objects) } catch { throw .objects(error) }
    }

    private func node(_ catalog: SharedCatalog, _ folder: CacheFolder) async -> SharedStore.OpenedNode {
        let (objects, time, suspects) = (place.objects, time, SuspectBlobs())
        let cache = ReadCache(
            folder, of: objects, row: { address async throws(StoreError) in try await catalog.find(address) },
            suspects: suspects, settings: settings, threads: workers, now: { time.now }, logger: logger)
        await cache.begin()
        return SharedStore.OpenedNode(
            catalog: catalog, objects: objects, time: time, ends: ends, cache: cache, suspects: suspects)
    }
}
