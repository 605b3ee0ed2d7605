package import Blobs
package import Files
import Store
import Synchronization

/// A file on its way into the store. It removes itself when it goes, unless `place` gave it its name or it is one that
/// outlives the requests that fill it.
package struct StagedFile: ~Copyable, Sendable {
    /// Bytes after which a large file is written back on the way, so that its last sync has little left to do. No more
    /// than twice as many wait in memory.
    static let stepBytes: Int64 = 8 << 20
    /// The largest file whose bytes may be made durable by the sync of its name.
    package static let smallBytes: Int64 = 128 << 10
    /// From this size on it pays to begin writing back before that sync.
    static let earlyWriteBackBytes: Int64 = 32 << 10

    /// Bytes written so far.
    package private(set) var size: Int64
    /// Those of them that are durable.
    private var syncedBytes: Int64

    private let id: String
    private let file: OpenFile
    private let register: StagingRegister
    private let faults: FaultPoints
    /// Bytes whose writing back has begun.
    private var startedBytes: Int64
    private var isPlaced = false
    /// Whether the file stays in staging when this value goes.
    private var isKept: Bool

    /// Takes over a file that was just made under a live id of `register`, or `size` bytes of a kept one, all synced.
    init(
        _ file: consuming OpenFile, id: String, register: StagingRegister, faults: FaultPoints, size: Int64 = 0,
        isKept: Bool = false
    ) {
        self.file = file
        self.id = id
        self.register = register
        self.faults = faults
        self.size = size
        self.isKept = isKept
        syncedBytes = size
        startedBytes = size
    }

    deinit {
        if !isPlaced, !isKept, (try? Folder.remove(file.path)) != nil { try? faults.reach(.stagedFileRemoved) }
        register.remove(id)
    }

    /// Adds `bytes` at the end. After an error the file is worth nothing.
    package mutating func write(_ bytes: [UInt8]) throws(FileError) {
        try file.write(bytes)
        try faults.reach(.stagedBytesWritten)
        size += Int64(bytes.count)
        if size - startedBytes >= Self.stepBytes { try writeBack() }
    }

    /// Begins to write back what is new, and waits for what was begun before that.
    private mutating func writeBack() throws(FileError) {
        try file.startWriteBack(from: startedBytes, count: size - startedBytes)
        if startedBytes > 0 { try file.finishWriteBack(from: 0, count: startedBytes) }
        startedBytes = size
        try faults.reach(.stagedBytesWrittenBack)
    }

    /// From now on the file stays in staging when this value goes.
    package mutating func keep() { isKept = true }

    /// Cuts what was written last: the first `count` bytes stay.
    package mutating func cut(to count: Int64) throws(FileError) {
        try file.truncate(to: count)
        try file.seek(to: count)
        try faults.reach(.stagedFileCut)
        size = count
        syncedBytes = min(syncedBytes, count)
        startedBytes = min(startedBytes, count)
    }

    /// The first `count` bytes.
    package func head(_ count: Int) throws(DiskError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let filled = try diskErrors(at: file.path) { () throws(FileError) in try file.read(into: &buffer, at: 0) }
        guard filled == count else {
            throw .wrongSize(path: file.path, expected: Int64(count), found: Int64(filled))
        }
        return buffer
    }

    /// The address of what was written so far, all of it read again.
    package func address() throws(FileError) -> BlobAddress { try file.address() }

    /// Makes the bytes durable. An error is final: after it the file is worth nothing.
    package mutating func synchronize() throws(FileError) {
        try file.synchronizeData()
        try faults.reach(.stagedBytesSynced)
        syncedBytes = size
    }

    /// Gets a small file ready to be synced together with its name.
    package func prepareForNaming() throws(FileError) {
        if size >= Self.earlyWriteBackBytes { try file.startWriteBack(from: 0, count: size) }
    }

    /// Gives the file its final name, over whatever bore it. Neither the name nor the bytes of a file that has not been
    /// synced are durable before the names are synced; only a small file may come without a sync of its own. A kept file
    /// has its staged name besides, until somebody removes that: the upload is still there if the batch fails.
    package consuming func place(at path: String) throws(FileError) {
        precondition(syncedBytes == size || size <= Self.smallBytes, "a large file is synced before it gets its name")
        if isKept { try link(at: path) } else { try Folder.rename(file.path, to: path) }
        isPlaced = true
        try faults.reach(.blobNamed)
    }

    /// A link cannot replace a name, so it is made beside and renamed.
    private func link(at path: String) throws(FileError) {
        let link = register.newID()
        defer { register.remove(link) }
        let beside = String(file.path.dropLast(id.count)) + link
        try file.setPermissions(0o400)
        try file.link(as: beside)
        do {
            try faults.reach(.stagedFileLinked)
            try Folder.rename(beside, to: path)
        } catch {
            _ = try? Folder.remove(beside)
            throw error
        }
        // Between two names of one file a rename does nothing (rename(2)).
        try Folder.remove(beside)
    }
}

extension OpenFile {
    /// The address of the bytes from the first to the last.
    borrowing func address() throws(FileError) -> BlobAddress {
        var hasher = BlobHasher()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var offset: Int64 = 0
        while true {
            let count = try read(into: &buffer, at: offset)
            if count == 0 { return hasher.address() }
            hasher.update(buffer, first: count)
            offset += Int64(count)
        }
    }
}

/// Which files in the staging folder belong to somebody who is still at work.
final class StagingRegister: Sendable {
    private let live = Mutex<Set<String>>([])

    /// A new random id of 32 hexadecimal digits that counts as live from now on.
    func newID() -> String {
        let halves = (0..<2).map { _ in
            let digits = String(UInt64.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        let id = halves.joined()
        live.withLock { _ = $0.insert(id) }
        return id
    }

    func insert(_ id: String) {
        live.withLock { _ = $0.insert(id) }
    }

    func remove(_ id: String) {
        live.withLock { _ = $0.remove(id) }
    }

    func contains(_ id: String) -> Bool {
        live.withLock { $0.contains(id) }
    }
}
