package import Blobs
package import Files

/// Files named by address: opened, staged, placed, removed, listed, set aside.
///
/// Every call blocks its thread. Nothing here knows who holds a blob, or whether anybody does.
package final class BlobFiles: Sendable {
    package let folders: BlobFolders

    private let blobsFolder: OpenFile
    let staged = StagedNames()
    let faults: FaultPoints

    /// Opens `folders.blobs`, which must be there with its 256 folders; makes the other two where they are missing.
    package init(_ folders: BlobFolders, faults: FaultPoints) throws(FileError) {
        self.folders = folders
        self.faults = faults
        blobsFolder = try OpenFile(folders.blobs, .read)
        try Folder.make(folders.staging)
        try Folder.make(folders.damaged)
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
