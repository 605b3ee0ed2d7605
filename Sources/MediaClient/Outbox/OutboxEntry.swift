import Blobs
import Files

/// An entry of the outbox, locked by this process for as long as this object lives.
final class OutboxEntry {
    private let folder: OutboxFolder
    private let lock: OpenFile
    let record: OutboxRecord
    private(set) var progress: OutboxProgress
    /// The server has begun to take it at some time, whatever it has of it now.
    private(set) var wasBegun = false

    /// One that was just made.
    init(_ folder: OutboxFolder, _ record: OutboxRecord, lock: consuming OpenFile) {
        self.folder = folder
        self.lock = lock
        self.record = record
        progress = OutboxProgress()
    }

    /// One from disk; nil if it cannot be read.
    convenience init?(_ folder: OutboxFolder) throws(FileError) {
        let lock = try folder.lockToWork()
        guard let record = try folder.contents(of: folder.record).flatMap({ OutboxRecord(parsing: $0) }) else {
            return nil
        }
        self.init(folder, record, lock: lock)
        progress = try folder.contents(of: folder.progress).flatMap { OutboxProgress(parsing: $0) } ?? progress
    }

    /// The sealed file.
    func blob() throws(FileError) -> OpenFile { try OpenFile(folder.blob, .read) }

    /// Records how far it has come, durably, unless nothing has changed.
    func note(_ new: OutboxProgress) throws(FileError) {
        guard new != progress else { return }
        wasBegun = wasBegun || new.upload != nil
        try folder.write(new.text, to: folder.progress)
        progress = new
    }

    /// Records why it has not been sent.
    func noteFailure(_ error: MediaClientError, at moment: Timestamp, _ delegate: ClientDelegate) {
        var progress = progress
        progress.failure = error.description
        progress.failedAt = moment
        do throws(FileError) { try note(progress) } catch {
            delegate.notify("warning: the outbox could not be written: \(error)")
        }
    }

    /// Records that the server holds the blob; its copy here is no longer needed. The message is worth more than
    /// either: a failure only warns.
    func noteStored(_ stored: RemoteBlob, _ delegate: ClientDelegate) {
        var progress = OutboxProgress()
        progress.acknowledged = stored.size
        progress.url = stored.url
        progress.mirrors = stored.mirrors
        progress.expires = stored.expires
        do throws(FileError) {
            try note(progress)
            try Folder.remove(folder.blob)
        } catch {
            // What the server said counts, written down or not.
            self.progress = progress
            delegate.notify("warning: the outbox could not be written: \(error)")
        }
    }

    /// Takes the entry out of the outbox in one step, then removes its files.
    func remove() throws(FileError) {
        let outbox = parentFolder(of: folder.path)
        let leaving = OutboxFolder(path: "\(outbox)/.old-\(record.name)-\(UInt64.random(in: .min ... .max))")
        try Folder.rename(folder.path, to: leaving.path)
        try leaving.remove()
        try Folder.synchronize(outbox)
    }
}

/// An entry in the making: a hidden folder, locked, that is removed with this value unless it was published.
struct OutboxDraft: ~Copyable {
    private let outbox: String
    private let place: LockedFolder
    /// What to seal into.
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

    /// Another process may sweep the folder before it is locked: then a new one is made.
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
