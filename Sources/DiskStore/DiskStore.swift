package import BlobFiles
package import Blobs
package import Files
package import Store
import Synchronization

/// A storage folder and its lock, identity and ballast. The folder belongs to this process alone for as long as this
/// value lives.
///
/// Every call blocks its thread.
package final class DiskStore: Sendable {
    package let layout: DiskLayout
    /// The id that lies beside the blobs.
    package let identity: StoreIdentity
    /// The blobs, and the files that are to become blobs.
    package let files: BlobFiles

    private let lock: Mutex<OpenFile?>
    private let ballastBytes: Int64
    private let faults: FaultPoints

    /// Opens the finished store at `layout` for the holder of its lock.
    package init(
        _ layout: DiskLayout, lock: consuming OpenFile, ballastBytes: Int64, faults: FaultPoints
    ) throws(FileError) {
        self.layout = layout
        self.lock = Mutex(lock)
        self.ballastBytes = ballastBytes
        self.faults = faults
        identity = try Self.identity(at: layout)
        files = try BlobFiles(layout.folders, owner: Self.owner(of: layout), faults: faults)
    }

    // MARK: Ballast

    /// Whether the ballast lies on the disk in full.
    package func hasBallast() throws(FileError) -> Bool {
        guard let status = try Folder.status(layout.ballast) else { return false }
        return status.size >= ballastBytes
    }

    /// Takes the space that a full disk will need for deleting, if it is not taken yet and `keepFreeBytes` stay free
    /// beside it. Returns whether it is there now.
    package func allocateBallast(keepFreeBytes: Int64) throws(FileError) -> Bool {
        guard ballastBytes > 0, try !hasBallast() else { return true }
        let (needed, overflow) = ballastBytes.addingReportingOverflow(keepFreeBytes)
        guard !overflow, try files.freeBytes() >= needed else { return false }
        do {
            let ballast = try OpenFile(layout.ballast, .openOrCreate(permissions: 0o600))
            if let owner = files.owner { try ballast.give(to: owner) }
            try ballast.allocate(ballastBytes)
            try faults.reach(.ballastAllocated)
            return true
        } catch {
            _ = try? Folder.remove(layout.ballast)
            if error.isFullDisk { return false }
            throw error
        }
    }

    /// Gives the space up. Returns whether there was any.
    package func releaseBallast() throws(FileError) -> Bool {
        guard try Folder.remove(layout.ballast) else { return false }
        try faults.reach(.ballastReleased)
        return true
    }

    // MARK: Probes

    /// Writes, syncs and removes a small file, the sync of its name included: proof that the disk keeps bytes again.
    package func probe() throws(FileError) {
        var file = try files.stage()
        try file.write([UInt8](repeating: 0xa5, count: 4096))
        try file.synchronize()
        try files.synchronizeNames()
        try faults.reach(.probeSynced)
    }

    /// Writes, syncs and removes a small file, as an upload would until it gets its name.
    package func tryWriting() throws(FileError) {
        var file = try files.stage()
        try file.write([UInt8](repeating: 0x5a, count: 4096))
        try file.synchronize()
    }

    // MARK: The lock file

    /// Gives the folder back: another process, or another value, may own it from now on.
    package func releaseLock() {
        lock.withLock { $0 = nil }
    }

    /// Notes in the lock file how many transactions the catalog has seen. Not synced: a number that is too small only
    /// hides that a catalog was restored from a copy; it never accuses a good one.
    package func note(commits: Int64) throws(FileError) {
        let digits = Array(String(commits).utf8)
        let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: max(0, 19 - digits.count))
        let text = zeros + digits + [UInt8(ascii: "\n")]
        try lock.withLock { lock throws(FileError) in try lock?.write(text, at: 0) }
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

/// Where everything lies in a storage folder; storage/README.md describes it for people.
package struct DiskLayout: Sendable {
    /// The storage folder.
    package let root: String

    package init(root: String) {
        self.root = root
    }

    package var blobs: String { "\(root)/blobs.v1" }
    package var identity: String { "\(blobs)/STORE" }
    package var staging: String { "\(root)/staging" }
    package var damaged: String { "\(root)/damaged" }
    package var catalog: String { "\(root)/catalog.sqlite" }
    package var lock: String { "\(root)/lock" }
    package var controlSocket: String { "\(root)/control.sock" }
    package var ballast: String { "\(root)/ballast" }
    /// Where a store is made before `blobs.v1` and `catalog.sqlite` are renamed into place.
    package var making: String { "\(root)/making" }

    /// The folders of files named by address.
    package var folders: BlobFolders { BlobFolders(blobs: blobs, staging: staging, damaged: damaged) }

    package func blob(_ address: BlobAddress) -> String { folders.blob(address) }
}
