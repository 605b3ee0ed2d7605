package import Files
import Synchronization

/// A file on its way into the store. It removes itself when it goes, unless `place` gave it its name.
package struct StagedFile: ~Copyable, Sendable {
    /// Bytes written without a sync after which one is made: so the last sync of a large file has little left to do.
    static let syncStepBytes: Int64 = 8 << 20

    /// Bytes written so far.
    package private(set) var size: Int64 = 0

    private let id: String
    private let file: OpenFile
    private let register: StagingRegister
    private let faults: FaultPoints
    private var syncedBytes: Int64 = 0
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
        if size - syncedBytes >= Self.syncStepBytes { try synchronize() }
    }

    /// Makes the bytes durable. An error is final: after it the file is worth nothing.
    package mutating func synchronize() throws(FileError) {
        try file.synchronizeData()
        try faults.reach(.stagedBytesSynced)
        syncedBytes = size
    }

    /// Gives the synced file its final name, over whatever bore it; not durable before the names are synced.
    package consuming func place(at path: String) throws(FileError) {
        precondition(syncedBytes == size, "a file is synced before it gets its name")
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

    var count: Int { live.withLock { $0.count } }

    func contains(_ id: String) -> Bool {
        live.withLock { $0.contains(id) }
    }
}
