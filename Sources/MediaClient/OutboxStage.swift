import Files

/// An entry of the outbox in the making: a hidden folder, locked, that goes with this value unless it was published.
struct OutboxStage: ~Copyable {
    private let outbox: String
    private let place: LockedFolder
    /// What is to be sealed into.
    let blob: TemporaryFile
    private var isPublished = false

    init(in outbox: String) throws(FileError) {
        let place = try LockedFolder(in: outbox)
        let blob = try Self.blob(in: place.folder)
        self.outbox = outbox
        self.place = place
        self.blob = blob
    }

    deinit { if !isPublished { try? place.folder.remove() } }

    private static func blob(in folder: OutboxFolder) throws(FileError) -> TemporaryFile {
        do { return try TemporaryFile(in: folder.path) } catch {
            try? folder.remove()
            throw error
        }
    }

    /// Makes all of it durable under its name. From here on it can be resumed, whatever happens.
    mutating func publish(_ record: OutboxRecord) throws(MediaClientError) -> OutboxEntry {
        let text = try record.text()
        let target = OutboxFolder(path: "\(outbox)/\(record.name)")
        do throws(FileError) {
            try blob.publish(as: place.folder.blob, replacing: false)
            try place.folder.write(text, to: place.folder.record)
            try Folder.rename(place.folder.path, to: target.path, replacing: false)
            isPublished = true
            try Folder.synchronize(outbox)
            return OutboxEntry(target, record, lock: try place.lock.duplicate())
        } catch {
            throw .state(error)
        }
    }
}

/// A new hidden folder, locked for as long as this value lives.
private struct LockedFolder: ~Copyable {
    let folder: OutboxFolder
    let lock: OpenFile

    /// Whoever sweeps may take the folder before it is locked: then another one is made.
    init(in outbox: String) throws(FileError) {
        while true {
            let folder = OutboxFolder(path: "\(outbox)/.new-\(String(UInt64.random(in: .min ... .max), radix: 16))")
            try Folder.make(folder.path)
            do throws(FileError) {
                self = LockedFolder(folder, try folder.lock())
                return
            } catch {
                guard error.isLocked || error.isAbsence else { throw error }
            }
        }
    }

    private init(_ folder: OutboxFolder, _ lock: consuming OpenFile) {
        self.folder = folder
        self.lock = lock
    }
}
