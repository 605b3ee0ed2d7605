package import Blobs
package import Files
package import Store
import Synchronization

/// The files of one storage folder. It belongs to this process alone for as long as this value lives.
///
/// Every call blocks its thread. None of them knows who holds a blob: that is the catalogue's.
package final class DiskStore: Sendable {
    package let layout: DiskLayout
    /// The id that lies beside the blobs.
    package let identity: StoreIdentity

    private let lock: Mutex<OpenFile?>
    private let blobsFolder: OpenFile
    let register = StagingRegister()
    let ballastBytes: Int64
    let faults: FaultPoints

    /// Opens the finished store at `layout` for the holder of its lock.
    package init(
        _ layout: DiskLayout, lock: consuming OpenFile, ballastBytes: Int64, faults: FaultPoints
    ) throws(FileError) {
        self.layout = layout
        self.lock = Mutex(lock)
        self.ballastBytes = ballastBytes
        self.faults = faults
        identity = try Self.identity(at: layout)
        blobsFolder = try OpenFile(layout.blobs, .read)
        try Folder.make(layout.staging)
        try Folder.make(layout.damaged)
    }

    // MARK: Blobs

    /// Opens the file of a blob and makes sure that it has the blob's size.
    package func open(_ address: BlobAddress, size: Int64) throws(DiskError) -> OpenFile {
        let path = layout.blob(address)
        let file = try diskErrors(at: path) { () throws(FileError) in try OpenFile(path, .read, followsLinks: false) }
        let status = try diskErrors(at: path) { () throws(FileError) in try file.status() }
        guard status.kind == .regular, status.size == size else {
            throw .wrongSize(path: path, expected: size, found: status.size)
        }
        return file
    }

    /// Bytes of the plain file at the blob's place; nil if there is none.
    package func size(of address: BlobAddress) throws(FileError) -> Int64? {
        guard let status = try Folder.status(layout.blob(address)), status.kind == .regular else { return nil }
        return status.size
    }

    /// Begins to read the file at the blob's place as it lies on the disk; nil if there is none.
    package func reading(of address: BlobAddress) throws(FileError) -> DiskReading? {
        do { return try DiskReading(layout.blob(address)) } catch {
            if error.isAbsence { return nil }
            throw error
        }
    }

    /// Makes every name given or taken so far durable, and the bytes behind it. An error is final.
    package func synchronizeNames() throws(FileError) {
        try blobsFolder.synchronizeFileSystem()
        try faults.reach(.namesSynced)
    }

    /// Removes the file of a blob; false if there was none. Only a sweep does this, under the lock of the address.
    package func unlink(_ address: BlobAddress, point: FaultPoint) throws(FileError) -> Bool {
        let wasThere = try Folder.remove(layout.blob(address))
        try faults.reach(point)
        return wasThere
    }

    // MARK: Damage

    /// Moves a damaged file out of the way, for someone to look at; an older one of that address goes.
    package func setAside(_ address: BlobAddress) throws(FileError) {
        do { try Folder.rename(layout.blob(address), to: layout.setAside(address)) } catch {
            guard error.isAbsence else { throw error }
        }
        try faults.reach(.blobSetAside)
    }

    /// Removes what was set aside for an address; false if there was nothing.
    package func removeAside(_ address: BlobAddress) throws(FileError) -> Bool {
        guard try Folder.remove(layout.setAside(address)) else { return false }
        try faults.reach(.asideRemoved)
        return true
    }

    /// The addresses for which something is set aside, at most `limit`.
    package func addressesSetAside(limit: Int) throws(FileError) -> [BlobAddress] {
        Array(try Folder.names(in: layout.damaged).compactMap { BlobAddress(hex: $0) }.prefix(limit))
    }

    // MARK: Staging

    /// A new empty file on its way in.
    package func stage() throws(FileError) -> StagedFile {
        let id = register.newID()
        let file: OpenFile
        do {
            file = try OpenFile("\(layout.staging)/\(id)", .create(permissions: 0o400))
        } catch {
            register.remove(id)
            throw error
        }
        let staged = StagedFile(file, id: id, register: register, faults: faults)
        try faults.reach(.stagedFileCreated)
        return staged
    }

    /// The names of staged files that nobody in this process works on.
    package func deadStagedNames() throws(FileError) -> [String] {
        try Folder.names(in: layout.staging).filter { !register.contains($0) }
    }

    /// Removes a staged file that nobody works on.
    package func removeStaged(_ name: String) throws(FileError) {
        guard try Folder.remove("\(layout.staging)/\(name)") else { return }
        try faults.reach(.stagedFileRemoved)
    }

    /// Writes, syncs and removes a small file: proof that the disk takes and keeps bytes again.
    package func probe() throws(FileError) {
        var file = try stage()
        try file.write([UInt8](repeating: 0xa5, count: 4096))
        try file.synchronize()
        try synchronizeNames()
        try faults.reach(.probeSynced)
    }

    /// Writes, syncs and removes a small file, as an upload would until it gets its name.
    package func tryWriting() throws(FileError) {
        var file = try stage()
        try file.write([UInt8](repeating: 0x5a, count: 4096))
        try file.synchronize()
    }

    /// Bytes that may still be written.
    package func freeBytes() throws(FileError) -> Int64 {
        try Folder.freeBytes(at: layout.root)
    }

    // MARK: The lock file

    /// Gives the folder back: another process, or another value, may own it from now on.
    package func releaseLock() {
        lock.withLock { $0 = nil }
    }

    /// Notes in the lock file how many transactions the catalogue has seen. Not synced: a number that is too small
    /// only hides that a catalogue was put back from a copy; it never accuses a good one.
    package func note(commits: Int64) throws(FileError) {
        let digits = String(commits)
        let text = String(repeating: "0", count: max(0, 19 - digits.count)) + digits + "\n"
        try lock.withLock { lock throws(FileError) in try lock?.write(Array(text.utf8), at: 0) }
        try faults.reach(.commitNoted)
    }

    /// The number noted last; nil if none is legible.
    package func notedCommits() throws(FileError) -> Int64? {
        var buffer = [UInt8](repeating: 0, count: 20)
        let count = try lock.withLock { lock throws(FileError) in
            try lock?.read(into: &buffer, at: 0) ?? 0
        }
        let digits = buffer.prefix(count).prefix { $0 != UInt8(ascii: "\n") }
        return Int64(String(decoding: digits, as: UTF8.self))
    }
}
