import BlobFiles
import Blobs
package import Files
import Glibc
package import Store

/// What a folder is, judged by its names before anything in it is touched.
package enum FolderFinding: Hashable, Sendable {
    /// Absent, or empty but for files that do not matter: a store may be made here.
    case empty
    /// The making of a store was interrupted before anything was stored.
    case unfinished
    /// Blobs and catalog are both there.
    case store
    /// Neither a store nor a place for one; the clause says why.
    case foreign(String)
}

extension DiskStore {
    /// Looks at a folder without touching it.
    package static func inspect(_ layout: DiskLayout) throws(FileError) -> FolderFinding {
        guard try Folder.status(layout.root, followsLinks: true) != nil else { return .empty }
        let lockBytes = try Folder.status(layout.lock)?.size ?? 0
        return judge(names: Set(try Folder.names(in: layout.root)), lockBytes: lockBytes)
    }

    /// Judges a folder by its names. A number in the lock file means that a store was here.
    package static func judge(names: Set<String>, lockBytes: Int64) -> FolderFinding {
        let hasBlobs = names.contains("blobs.v1")
        let hasCatalog = names.contains("catalog.sqlite")
        if hasBlobs && hasCatalog { return .store }
        if names.contains("making") && lockBytes == 0 {
            return hasCatalog ? .foreign("it has catalog.sqlite but no blobs.v1") : .unfinished
        }
        if hasBlobs { return .foreign("it has blobs.v1 but no catalog.sqlite") }
        if hasCatalog { return .foreign("it has catalog.sqlite but no blobs.v1") }
        if lockBytes > 0 { return .foreign("there was a store here, but blobs.v1 and catalog.sqlite are gone") }
        let others = names.subtracting(harmlessNames).sorted()
        guard let first = others.first else { return .empty }
        return .foreign("it contains \(first), and a store is created only in an empty folder")
    }

    /// What may lie in the folder of a new store: a note for people, and what file systems put into their top folder
    /// by themselves.
    private static let harmlessNames: Set = [
        "README.md", ".gitignore", "lock", "lost+found", ".snapshot", ".snapshots", ".zfs", "aquota.user",
        "aquota.group",
    ]

    /// Opens the lock file and takes the lock, or throws an error with `isLocked`.
    package static func takeLock(_ layout: DiskLayout) throws(FileError) -> OpenFile {
        let lock = try OpenFile(layout.lock, .openOrCreate(permissions: 0o600))
        if let owner = try owner(of: layout) { try lock.give(to: owner) }
        try lock.lockExclusively()
        return lock
    }

    /// The id that lies beside the blobs.
    package static func identity(at layout: DiskLayout) throws(FileError) -> StoreIdentity {
        let file = try OpenFile(layout.identity, .read)
        var buffer = [UInt8](repeating: 0, count: StoreIdentity.byteCount * 2)
        let count = try file.read(into: &buffer)
        guard let identity = StoreIdentity(hex: String(decoding: buffer.prefix(count), as: UTF8.self)) else {
            throw FileError(operation: "read the store's id from", path: layout.identity, code: EINVAL)
        }
        return identity
    }

    /// Makes the folders and the id of a new store below `layout.making`, where nobody looks for a store.
    package static func make(
        _ layout: DiskLayout, identity: StoreIdentity, faults: FaultPoints
    ) throws(FileError) {
        let making = DiskLayout(root: layout.making)
        try removeAll(layout.making)
        try Folder.make(making.root)
        try Folder.make(making.blobs)
        for shard in BlobFolders.shards { try Folder.make(making.folders.shard(shard)) }
        try faults.reach(.foldersMade)
        let file = try OpenFile(making.identity, .create(permissions: 0o400))
        try file.write(Array((identity.hex + "\n").utf8))
        try file.synchronize()
        try faults.reach(.identityWritten)
    }

    /// Who shall own what root makes here: whoever owns the blobs, or the folder of a new store. Nil if that is this
    /// process.
    package static func owner(of layout: DiskLayout) throws(FileError) -> FileOwner? {
        try Folder.foreignOwner(of: try Folder.status(layout.blobs) == nil ? layout.root : layout.blobs)
    }

    /// Moves what was made into place: from here on it is a store. May be called again after an interruption.
    package static func publish(_ layout: DiskLayout, faults: FaultPoints) throws(FileError) {
        let making = DiskLayout(root: layout.making)
        if let owner = try owner(of: layout) { try giveAll(making.root, to: owner) }
        try OpenFile(layout.root, .read).synchronizeFileSystem()
        try faults.reach(.storeSynced)
        if try Folder.status(layout.blobs) == nil {
            try Folder.rename(making.blobs, to: layout.blobs, replacing: false)
            try faults.reach(.blobsNamed)
        }
        try Folder.rename(making.catalog, to: layout.catalog, replacing: false)
        try faults.reach(.catalogNamed)
        try removeAll(layout.making)
        try Folder.synchronize(layout.root)
        try faults.reach(.storeNamed)
    }

    private static func giveAll(_ path: String, to owner: FileOwner) throws(FileError) {
        try Folder.give(path, to: owner)
        guard try Folder.status(path)?.kind == .folder else { return }
        for name in try Folder.names(in: path) { try giveAll("\(path)/\(name)", to: owner) }
    }

    /// Removes a folder that only the making of a store has written to.
    package static func removeAll(_ path: String) throws(FileError) {
        guard let status = try Folder.status(path) else { return }
        guard status.kind == .folder else {
            try Folder.remove(path)
            return
        }
        for name in try Folder.names(in: path) { try removeAll("\(path)/\(name)") }
        try Folder.removeEmpty(path)
    }
}
