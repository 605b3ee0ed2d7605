package import Blobs
package import Files

/// A file on its way in. It removes itself when this value goes, unless it was placed under its final name, or belongs
/// to a resumable upload and is kept.
package struct StagedFile: ~Copyable, Sendable {
    /// Bytes after which a large file is written back on the way, so that its last sync has little left to do. At most
    /// twice as many are dirty in memory.
    static let writeBackBytes: Int64 = 8 << 20
    /// The largest file whose bytes may be made durable by the sync of its name.
    package static let smallBytes: Int64 = 128 << 10
    /// From this size on it pays to begin writing back before that sync.
    package static let earlyWriteBackBytes: Int64 = 32 << 10

    /// Bytes written so far.
    package private(set) var size: Int64
    /// Those of them that are durable.
    private var syncedBytes: Int64
    /// Those of them whose writing back has begun.
    private var startedBytes: Int64

    private let name: String
    private let file: OpenFile
    private let files: BlobFiles
    private var isPlaced = false
    private var isKept: Bool

    /// Takes over a file that was just made under a live name in `files`, or a kept one with `size` bytes, all synced.
    init(
        _ file: consuming OpenFile, name: String, in files: BlobFiles, size: Int64 = 0, isKept: Bool = false
    ) {
        self.file = file
        self.name = name
        self.files = files
        self.size = size
        self.isKept = isKept
        syncedBytes = size
        startedBytes = size
    }

    deinit {
        if !isPlaced, !isKept, (try? Folder.remove(file.path)) != nil { try? files.faults.reach(.stagedFileRemoved) }
        files.release(name)
    }

    /// From now on the file stays in staging when this value goes.
    package mutating func keep() { isKept = true }

    // MARK: Bytes

    /// Appends `bytes`. After an error the file is worth nothing beyond what was synced.
    package mutating func write(_ bytes: [UInt8]) throws(FileError) {
        try file.write(bytes)
        try files.faults.reach(.stagedBytesWritten)
        size += Int64(bytes.count)
        if size - startedBytes >= Self.writeBackBytes { try writeBack() }
    }

    /// Begins to write back what is new, and waits for what was begun before.
    private mutating func writeBack() throws(FileError) {
        try file.startWriteBack(from: startedBytes, count: size - startedBytes)
        if startedBytes > 0 { try file.finishWriteBack(from: 0, count: startedBytes) }
        startedBytes = size
        try files.faults.reach(.stagedBytesWrittenBack)
    }

    /// Truncates the file to its first `count` bytes.
    package mutating func cut(to count: Int64) throws(FileError) {
        try file.truncate(to: count)
        try file.seek(to: count)
        try files.faults.reach(.stagedFileCut)
        size = count
        syncedBytes = min(syncedBytes, count)
        startedBytes = min(startedBytes, count)
    }

    /// The first `count` bytes.
    package func head(_ count: Int) throws(BlobFileError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let filled = try blobFileErrors(at: file.path) { () throws(FileError) in try file.read(into: &buffer, at: 0) }
        guard filled == count else {
            throw .wrongSize(path: file.path, expected: Int64(count), found: Int64(filled))
        }
        return buffer
    }

    /// The digest of everything written so far, read from the file.
    package func hasher() throws(FileError) -> BlobHasher {
        var hasher = BlobHasher()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var offset: Int64 = 0
        while true {
            let count = try file.read(into: &buffer, at: offset)
            if count == 0 { return hasher }
            hasher.update(buffer, first: count)
            offset += Int64(count)
        }
    }

    // MARK: Durability

    /// Makes the bytes durable. An error is final: after it nothing but what was synced before counts.
    package mutating func synchronize() throws(FileError) {
        try file.synchronizeData()
        try files.faults.reach(.stagedBytesSynced)
        syncedBytes = size
    }

    /// Syncs the file, unless it is a small one that the sync of its name makes durable. One that is kept is always synced,
    /// since its bytes count even where it gets no name.
    package mutating func flush() throws(FileError) {
        if isKept || size > Self.smallBytes { return try synchronize() }
        if size >= Self.earlyWriteBackBytes { try file.startWriteBack(from: 0, count: size) }
    }

    /// Gives the file its address as its name, replacing whatever had it. Name and unsynced bytes are durable once the names are
    /// synced; only a small file may come without a sync of its own. A kept file has its staged name besides, until that
    /// is removed: the upload is still there if the batch fails.
    package consuming func place(as address: BlobAddress) throws(FileError) {
        precondition(syncedBytes == size || size <= Self.smallBytes, "a large file is synced before it gets its name")
        let path = files.folders.blob(address)
        if isKept { try link(at: path) } else { try Folder.rename(file.path, to: path) }
        isPlaced = true
        try files.faults.reach(.blobNamed)
    }

    /// A link cannot replace a name, so it is made beside and renamed.
    private func link(at path: String) throws(FileError) {
        let link = files.newName()
        files.use(link)
        defer { files.release(link) }
        let beside = files.path(of: link)
        try file.setPermissions(0o400)
        do { try file.link(as: beside) } catch {
            guard error.isAboutNoLinks else { throw error }
            try copy(to: beside)
        }
        do {
            try files.faults.reach(.stagedFileLinked)
            try Folder.rename(beside, to: path)
        } catch {
            _ = try? Folder.remove(beside)
            throw error
        }
        // Between two names of one file a rename does nothing (rename(2)).
        try Folder.remove(beside)
    }

    /// Where the file system has no hard links, the second name is that of a durable copy.
    private borrowing func copy(to path: String) throws(FileError) {
        let copy = try files.newFile(at: path, permissions: 0o400)
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var offset: Int64 = 0
        do {
            while true {
                let count = try file.read(into: &buffer, at: offset)
                if count == 0 { return try copy.synchronizeData() }
                try copy.write(Array(buffer[..<count]), at: offset)
                offset += Int64(count)
            }
        } catch {
            _ = try? Folder.remove(path)
            throw error
        }
    }
}
