package import Files
import Synchronization

/// A file on its way into the store. It removes itself when it goes, unless `place` gave it its name.
package struct StagedFile: ~Copyable, Sendable {
    /// Bytes after which a large file is written back on the way, so that its last sync has little left to do. No more
    /// than twice as many wait in memory.
    static let stepBytes: Int64 = 8 << 20
    /// The largest file whose bytes may be made durable by the sync of its name.
    package static let smallBytes: Int64 = 128 << 10
    /// From this size on it pays to begin writing back before that sync.
    static let earlyWriteBackBytes: Int64 = 32 << 10

    /// Bytes written so far.
    package private(set) var size: Int64 = 0

    private let id: String
    private let file: OpenFile
    private let register: StagingRegister
    private let faults: FaultPoints
    private var syncedBytes: Int64 = 0
    /// Bytes whose writing back has begun.
    private var startedBytes: Int64 = 0
    private var isPlaced = false

    /// Takes over a file that was just made under a live id of `register`.
    init(_ file: consuming OpenFile, id: String, register: StagingRegister, faults: FaultPoints) {
        self.file = file
        self.id = id
        self.register = register
        self.faults = faults
    }

    deinit {
        if !isPlaced, (try? Folder.remove(file.path)) != nil { try? faults.reach(.stagedFileRemoved) }
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
    /// synced are durable before the names are synced; only a small file may come without a sync of its own.
    package consuming func place(at path: String) throws(FileError) {
        precondition(syncedBytes == size || size <= Self.smallBytes, "a large file is synced before it gets its name")
        try Folder.rename(file.path, to: path)
        isPlaced = true
        try faults.reach(.blobNamed)
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

    func remove(_ id: String) {
        live.withLock { _ = $0.remove(id) }
    }

    func contains(_ id: String) -> Bool {
        live.withLock { $0.contains(id) }
    }
}
