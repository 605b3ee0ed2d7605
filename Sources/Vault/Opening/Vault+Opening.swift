import BlobFiles
import Blobs
package import Catalog
import DiskStore
package import Files
package import Logging
import Store
package import StoreParts
import StoreRules
package import Telemetry

/// What opening a storage folder comes to.
struct OpenedStore: Sendable {
    let disk: DiskStore
    let catalog: ReopenableCatalog
    let time: StoreTime
    /// Bytes of the disk, used or not.
    let diskBytes: Int64
}

extension Vault {
    /// Opens the store at `path`, or makes one there if the folder is absent or empty.
    ///
    /// Where blobs and catalog are not two halves of one store, or one is missing, it throws and touches nothing.
    /// Removals that were begun are finished before anybody is served. The vault must be closed in the end.
    package static func open(
        at path: String, settings: VaultSettings = VaultSettings(), clock: any StoreClock = SystemClock(),
        faults: FaultPoints = .none, meters: Meters = Meters(), logger: Logger
    ) async throws(VaultError) -> Vault {
        let workers = BlockingPool(threads: settings.threads)
        let result: Result<OpenedStore, VaultError>
        do {
            result = try await workers.run {
                Result { () throws(VaultError) in
                    try StoreOpening(
                        layout: DiskLayout(root: path), settings: settings, clock: clock, faults: faults,
                        logger: logger
                    ).run()
                }
            }
        } catch {
            preconditionFailure("threads that were just started take work")
        }
        switch result {
        case .success(let opened):
            let vault = Vault(
                opened, settings: settings, workers: workers, faults: faults, meters: meters, logger: logger)
            do { try await vault.takeUpUploads() } catch {
                await vault.close()
                throw .catalog(.failed(error.description))
            }
            return vault
        case .failure(let error):
            await workers.shutDown()
            throw error
        }
    }
}

/// Why a store could not be opened. Nothing in its folder was changed.
package enum VaultError: Error, Sendable, CustomStringConvertible {
    /// Another process owns the storage folder.
    case locked(path: String)
    /// The folder is neither a store nor empty.
    case notAStore(path: String, why: String)
    /// Blobs and catalog belong to different stores.
    case mismatch(path: String, why: String)
    /// The catalog could not be opened, or its commits would not be durable.
    case catalog(CatalogError)
    /// The disk failed.
    case file(FileError)

    package var description: String {
        switch self {
        case .locked(let path):
            "another process owns the store at \(path)"
        case .notAStore(let path, let why): "\(path) is not a store: \(why); check --storage (nothing was changed)"
        case .mismatch(let path, let why):
            "\(path) holds two halves of different stores: \(why); restore the right catalog (nothing was changed)"
        case .catalog(let error): error.description
        case .file(let error): error.description
        }
    }
}

/// One attempt to open a storage folder, step by step.
struct StoreOpening {
    let layout: DiskLayout
    let settings: VaultSettings
    let clock: any StoreClock
    let faults: FaultPoints
    let logger: Logger

    func run() throws(VaultError) -> OpenedStore {
        try refuseForeign()
        let lock = try takeLock()
        // What was seen before the lock was held may have changed.
        try refuseForeign()
        if try fileErrors({ () throws(FileError) in try DiskStore.inspect(layout) }) != .store { try make() }
        // Left over where the making was cut short after its last rename.
        try fileErrors { () throws(FileError) in try DiskStore.removeAll(layout.making) }
        try compareIdentities()
        return try open(lock)
    }

    // MARK: Looking

    private func refuseForeign() throws(VaultError) {
        let finding = try fileErrors { () throws(FileError) in try DiskStore.inspect(layout) }
        if case .foreign(let why) = finding { throw .notAStore(path: layout.root, why: why) }
    }

    private func takeLock() throws(VaultError) -> OpenFile {
        do {
            try Folder.makeAll(layout.root)
            return try DiskStore.takeLock(layout)
        } catch {
            throw error.isLocked ? .locked(path: layout.root) : .file(error)
        }
    }

    private func compareIdentities() throws(VaultError) {
        let beside: StoreIdentity
        do { beside = try DiskStore.identity(at: layout) } catch {
            throw .mismatch(path: layout.root, why: "its id cannot be read (\(error))")
        }
        let inside = try catalogErrors { () throws(CatalogError) in try Catalog.identity(at: layout.catalog) }
        guard beside == inside else {
            throw .mismatch(
                path: layout.root, why: "blobs.v1 belongs to store \(beside) and catalog.sqlite to store \(inside)")
        }
    }

    // MARK: Making

    /// Makes a store, or finishes the making of one that was cut short; until then it has taken nothing.
    private func make() throws(VaultError) {
        let isHalfPublished = try fileErrors { () throws(FileError) in try Folder.status(layout.blobs) != nil }
        if !isHalfPublished {
            let identity = StoreIdentity.random()
            try fileErrors { () throws(FileError) in
                try DiskStore.make(layout, identity: identity, faults: faults)
            }
            try catalogErrors { () throws(CatalogError) in
                let path = DiskLayout(root: layout.making).catalog
                try Catalog.create(at: path, identity: identity, clocks: clock.reading, faults: faults)
            }
        }
        try fileErrors { () throws(FileError) in try DiskStore.publish(layout, faults: faults) }
        logger.notice("Created a new store", metadata: ["storage": "\(layout.root)"])
    }

    // MARK: Opening

    private func open(_ lock: consuming OpenFile) throws(VaultError) -> OpenedStore {
        let disk: DiskStore
        let diskBytes: Int64
        do {
            disk = try DiskStore(layout, lock: lock, ballastBytes: settings.ballastBytes, faults: faults)
            _ = try disk.allocateBallast(keepFreeBytes: settings.keepFreeBytes)
            diskBytes = try disk.files.diskBytes()
        } catch {
            throw .file(error)
        }
        let path = layout.catalog
        let faults = faults
        let catalog = try catalogErrors { () throws(CatalogError) in try Catalog.open(at: path, faults: faults) }
        let row = try catalogErrors { () throws(CatalogError) in try catalog.read { try $0.store() } }
        let time = StoreTime(clock: clock, latest: row.latest)
        try judgeCatalog(catalog, row: row, disk: disk, now: time.now)
        try finishRemovals(catalog, disk: disk, time: time)
        let reopenable = ReopenableCatalog(catalog) { () throws(CatalogError) in
            try Catalog.open(at: path, faults: faults)
        } openToRead: { () throws(CatalogError) in
            try Catalog.openToRead(at: path, faults: faults)
        }
        return OpenedStore(disk: disk, catalog: reopenable, time: time, diskBytes: diskBytes)
    }

    /// Finds out whether the catalog was put back from a copy: then it has seen fewer commits than were noted.
    private func judgeCatalog(
        _ catalog: Catalog, row: StoreRow, disk: DiskStore, now: Timestamp
    ) throws(VaultError) {
        let noted = try fileErrors { () throws(FileError) in try disk.notedCommits() }
        var commits = row.commits
        if CatalogAge.isRestored(commits: commits, noted: noted) && !row.isRestored {
            logger.warning(
                "The catalog is older than the store; files that it does not know are kept until an operator decides")
            commits = try catalogErrors { () throws(CatalogError) in
                try catalog.make(SetRestored(true), at: now)
            }.commits
        }
        try fileErrors { () throws(FileError) in try disk.note(commits: commits) }
    }

    /// Removals that were begun before a crash are finished before anything else happens.
    private func finishRemovals(_ catalog: Catalog, disk: DiskStore, time: StoreTime) throws(VaultError) {
        while true {
            let begun = try catalogErrors { () throws(CatalogError) in
                try catalog.read { try $0.removals(limit: Vault.removalBatch) }
            }
            if begun.isEmpty { return }
            try fileErrors { () throws(FileError) in
                for blob in begun {
                    _ = try disk.files.unlink(blob.address, point: .blobUnlinked)
                    _ = try disk.files.removeAside(blob.address)
                }
            }
            let now = time.now
            let commits = try catalogErrors { () throws(CatalogError) in
                try catalog.make(FinishRemovals(begun.map(\.address)), at: now)
            }.commits
            try fileErrors { () throws(FileError) in
                try faults.reach(.blobForgotten)
                try disk.note(commits: commits)
            }
        }
    }
}

/// Whether a catalog is as old as its store.
enum CatalogAge {
    /// A catalog that has seen fewer commits than were noted beside it was put back from a copy; one whose number
    /// was lost is taken for such, unless it is new.
    static func isRestored(commits: Int64, noted: Int64?) -> Bool {
        guard let noted else { return commits > 0 }
        return commits < noted
    }
}

private func fileErrors<Value>(_ body: () throws(FileError) -> Value) throws(VaultError) -> Value {
    do { return try body() } catch { throw .file(error) }
}

private func catalogErrors<Value>(_ body: () throws(CatalogError) -> Value) throws(VaultError) -> Value {
    do { return try body() } catch { throw .catalog(error) }
}
