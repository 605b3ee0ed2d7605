import Files

/// An entry of the outbox that this process works on, and no other, for as long as this object lives.
final class OutboxEntry {
    private let folder: OutboxFolder
    private let lock: OpenFile
    let record: OutboxRecord
    private(set) var standing: OutboxStanding

    /// One that was just made.
    init(_ folder: OutboxFolder, _ record: OutboxRecord, lock: consuming OpenFile) {
        self.folder = folder
        self.lock = lock
        self.record = record
        standing = OutboxStanding()
    }

    /// One that is there; nil if it cannot be read.
    convenience init?(_ folder: OutboxFolder) throws(FileError) {
        let lock = try folder.lockToWork()
        guard let record = try folder.contents(of: folder.record).flatMap({ OutboxRecord(parsing: $0) }) else {
            return nil
        }
        self.init(folder, record, lock: lock)
        standing = try folder.contents(of: folder.standing).flatMap { OutboxStanding(parsing: $0) } ?? standing
    }

    /// The sealed file.
    func blob() throws(FileError) -> OpenFile { try OpenFile(folder.blob, .read) }

    /// Writes down how far it is, durably; nothing is written where nothing is new.
    func note(_ new: OutboxStanding) throws(FileError) {
        guard new != standing else { return }
        try folder.write(new.text, to: folder.standing)
        standing = new
    }

    /// The server holds the blob: no copy of it is needed here.
    func dropBlob() throws(FileError) { try Folder.remove(folder.blob) }

    /// Takes the entry out of the outbox, in one step, and removes its files.
    func remove() throws(FileError) {
        let outbox = parentFolder(of: folder.path)
        let leaving = OutboxFolder(path: "\(outbox)/.old-\(record.name)-\(UInt64.random(in: .min ... .max))")
        try Folder.rename(folder.path, to: leaving.path)
        try leaving.remove()
        try Folder.synchronize(outbox)
    }
}
