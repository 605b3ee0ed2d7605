package import Blobs
package import Files
import Synchronization

/// Files named by address: opened, staged, placed, removed, listed, set aside.
///
/// Every call blocks its thread. Nothing here knows who holds a blob, or whether anybody does.
package final class BlobFiles: Sendable {
    package let folders: BlobFolders

    private let blobsFolder: OpenFile
    /// Names in the staging folder that somebody in this process works on.
    let liveNames = Mutex<Set<String>>([])
    /// Who shall own what is made here, if it is not the user of this process.
    package let owner: FileOwner?
    let faults: FaultPoints

    /// Opens `folders.blobs`, which must be there with its 256 folders; makes the other two where they are missing.
    package init(_ folders: BlobFolders, owner: FileOwner? = nil, faults: FaultPoints) throws(FileError) {
        self.folders = folders
        self.owner = owner
        self.faults = faults
        blobsFolder = try OpenFile(folders.blobs, .read)
        for folder in [folders.staging, folders.damaged] {
            try Folder.make(folder)
            if let owner { try Folder.give(folder, to: owner) }
        }
    }

    /// A new file that belongs to the owner of the store.
    func newFile(at path: String, permissions: UInt32) throws(FileError) -> OpenFile {
        let file = try OpenFile(path, .create(permissions: permissions))
        if let owner { try file.give(to: owner) }
        return file
    }

    // MARK: Blobs

    /// Opens the file of a blob and checks that it has the blob's size.
    package func open(_ address: BlobAddress, size: Int64) throws(BlobFileError) -> OpenFile {
        let path = folders.blob(address)
        let file = try blobFileErrors(at: path) { () throws(FileError) in
            try OpenFile(path, .read, followsLinks: false)
        }
        let status = try blobFileErrors(at: path) { () throws(FileError) in try file.status() }
        guard status.kind == .regular, status.size == size else {
            throw .wrongSize(path: path, expected: size, found: status.size)
        }
        return file
    }

    /// Bytes in the regular file at the blob's path; nil if there is none.
    package func size(of address: BlobAddress) throws(FileError) -> Int64? {
        guard let status = try Folder.status(folders.blob(address)), status.kind == .regular else { return nil }
        return status.size
    }

    /// Begins to read the file at the blob's path as it lies on the disk; nil if there is none.
    package func reading(of address: BlobAddress) throws(FileError) -> DiskReading? {
        do { return try DiskReading(folders.blob(address)) } catch {
            if error.isAbsence { return nil }
            throw error
        }
    }

    /// Makes every name given or removed so far durable, and the bytes behind it. An error is final.
    package func synchronizeNames() throws(FileError) {
        try blobsFolder.synchronizeFileSystem()
        try faults.reach(.namesSynced)
    }

    /// Removes the file of a blob; false if there was none. The caller holds the lock of the address.
    package func unlink(_ address: BlobAddress, point: FaultPoint) throws(FileError) -> Bool {
        let existed = try Folder.remove(folders.blob(address))
        try faults.reach(point)
        return existed
    }

    /// Bytes that may still be written.
    package func freeBytes() throws(FileError) -> Int64 {
        try Folder.freeBytes(at: folders.blobs)
    }

    /// Bytes of the disk, used or not.
    package func diskBytes() throws(FileError) -> Int64 {
        try Folder.totalBytes(at: folders.blobs)
    }

    // MARK: Listing

    /// Some of the names found in one of the 256 folders.
    package struct Page: Sendable {
        package var addresses: [BlobAddress] = []
        /// Names that are no address, or belong in another folder.
        package var strangers: [String] = []
    }

    /// Goes through the names in one folder, at most `pageSize` at a time.
    package func forEachPage(
        inShard shard: String, pageSize: Int, _ body: (Page) throws(FileError) -> Void
    ) throws(FileError) {
        var page = Page()
        try Folder.forEachName(in: folders.shard(shard)) { name throws(FileError) in
            if let address = BlobAddress(hex: name), address.shard == shard {
                page.addresses.append(address)
            } else {
                page.strangers.append("\(shard)/\(name)")
            }
            if page.addresses.count + page.strangers.count >= pageSize {
                try body(page)
                page = Page()
            }
        }
        try body(page)
    }

    // MARK: Damage

    /// Moves a damaged file out of the way for someone to look at; replaces an older one of that address.
    package func setAside(_ address: BlobAddress) throws(FileError) {
        do { try Folder.rename(folders.blob(address), to: folders.setAside(address)) } catch {
            guard error.isAbsence else { throw error }
        }
        try faults.reach(.blobSetAside)
    }

    /// Removes what was set aside for an address; false if there was nothing.
    package func removeAside(_ address: BlobAddress) throws(FileError) -> Bool {
        guard try Folder.remove(folders.setAside(address)) else { return false }
        try faults.reach(.asideRemoved)
        return true
    }

    /// The addresses for which a file is set aside, at most `limit`.
    package func addressesSetAside(limit: Int) throws(FileError) -> [BlobAddress] {
        Array(try Folder.names(in: folders.damaged).compactMap { BlobAddress(hex: $0) }.prefix(limit))
    }
}

/// The folders that hold files named by address. They lie on one file system, so that a rename moves a file between them.
package struct BlobFolders: Sendable {
    /// Holds the 256 folders of blobs.
    package let blobs: String
    /// Holds files on their way in.
    package let staging: String
    /// Holds damaged files that were set aside.
    package let damaged: String

    package init(blobs: String, staging: String, damaged: String) {
        self.blobs = blobs
        self.staging = staging
        self.damaged = damaged
    }

    /// The names of the 256 folders: the first two digits of the addresses in them.
    package static let shards: [String] = (0...255).map { Hexadecimal.encode([UInt8($0)]) }

    package func shard(_ name: String) -> String { "\(blobs)/\(name)" }

    package func blob(_ address: BlobAddress) -> String { "\(blobs)/\(address.shard)/\(address.hex)" }

    package func setAside(_ address: BlobAddress) -> String { "\(damaged)/\(address.hex)" }
}

/// Why a file could not be opened.
package enum BlobFileError: Error, Sendable, CustomStringConvertible {
    /// There is no file of that name.
    case missing(path: String)
    /// There is a file, and its size is not the expected one.
    case wrongSize(path: String, expected: Int64, found: Int64)
    /// The disk could not say.
    case file(FileError)

    package var description: String {
        switch self {
        case .missing(let path): "open \(path): no such file"
        case .wrongSize(let path, let expected, let found): "\(path) has \(found) bytes instead of \(expected)"
        case .file(let error): error.description
        }
    }
}

/// Runs `body` on the file at `path`; only ENOENT is absence.
func blobFileErrors<Value: ~Copyable>(
    at path: String, _ body: () throws(FileError) -> Value
) throws(BlobFileError) -> Value {
    do { return try body() } catch { throw error.isAbsence ? .missing(path: path) : .file(error) }
}
