import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
import Logging
import Store
import StoreRules

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
        do {
            disk = try DiskStore(layout, lock: lock, ballastBytes: settings.ballastBytes, faults: faults)
            _ = try disk.allocateBallast(keepFreeBytes: settings.keepFreeBytes)
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
        return OpenedStore(disk: disk, catalog: reopenable, time: time)
    }

    /// Finds out whether the catalogue was put back from a copy: then it has seen fewer commits than were noted.
    private func judgeCatalog(
        _ catalog: Catalog, row: StoreRow, disk: DiskStore, now: Timestamp
    ) throws(VaultError) {
        let noted = try fileErrors { () throws(FileError) in try disk.notedCommits() }
        var commits = row.commits
        if CatalogAge.isRestored(commits: commits, noted: noted) && !row.isRestored {
            logger.warning(
                "The catalog is older than the store; files that it does not know are kept until satcheld gc --orphans")
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

/// Whether a catalogue is as old as its store.
enum CatalogAge {
    /// A catalogue that has seen fewer commits than were noted beside it was put back from a copy; one whose number
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
