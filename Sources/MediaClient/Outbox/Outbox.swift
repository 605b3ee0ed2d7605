import Files
import Glibc

/// The sends that are not finished: an entry each, from before the first byte leaves until the message has been printed.
/// Any number of processes may use it at once; only one works on an entry at a time.
package struct Outbox: Sendable {
    let folder: String

    init(folder: String) { self.folder = folder }

    /// A place to seal into. It has no name and is not listed until it is published.
    func draft() throws(FileError) -> OutboxDraft {
        try Folder.makeAll(folder)
        try sweep()
        return try OutboxDraft(in: folder)
    }

    /// All entries, the oldest first. Unreadable ones are skipped.
    func items() throws(FileError) -> [OutboxItem] {
        var items: [OutboxItem] = []
        guard try Folder.status(folder) != nil else { return items }
        for name in try Folder.names(in: folder) where !name.hasPrefix(".") {
            if let item = try item(OutboxFolder(path: "\(folder)/\(name)")) { items.append(item) }
        }
        return items.sorted { ($0.record.at, $0.record.name.description) < ($1.record.at, $1.record.name.description) }
    }

    /// Takes an entry to work on; throws `isLocked` if another process has it, and `isAbsence` if there is none.
    func entry(_ name: LeaseName) throws(FileError) -> OutboxEntry? {
        try OutboxEntry(OutboxFolder(path: "\(folder)/\(name)"))
    }

    /// Removes drafts and half-removed entries of processes that no longer exist.
    func sweep() throws(FileError) {
        guard try Folder.status(folder) != nil else { return }
        for name in try Folder.names(in: folder) where name.hasPrefix(".") {
            let leftover = OutboxFolder(path: "\(folder)/\(name)")
            do throws(FileError) {
                let lock = try leftover.lock()
                try leftover.remove()
                withExtendedLifetime(lock) {}
            } catch {
                guard error.isLocked || error.isAbsence else { throw error }
            }
        }
    }

    /// Nil as well for an entry that another process has just finished.
    private func item(_ folder: OutboxFolder) throws(FileError) -> OutboxItem? {
        guard let record = try folder.contents(of: folder.record).flatMap({ OutboxRecord(parsing: $0) }) else {
            return nil
        }
        let progress = try folder.contents(of: folder.progress).flatMap { OutboxProgress(parsing: $0) }
        return OutboxItem(record: record, progress: progress ?? OutboxProgress(), isBusy: try isBusy(folder))
    }

    private func isBusy(_ folder: OutboxFolder) throws(FileError) -> Bool {
        do throws(FileError) {
            _ = try folder.lock()
            return false
        } catch {
            guard error.isLocked || error.isAbsence else { throw error }
            return error.isLocked
        }
    }
}

/// What can be seen of an entry without working on it.
package struct OutboxItem: Sendable {
    package let record: OutboxRecord
    package let progress: OutboxProgress
    /// A process is working on it.
    package let isBusy: Bool
}

/// The files of one entry: the folder `outbox/<name>`, 0700, with
///
///     record     what is sent, and its message      written once, before the folder gets its name
///     blob       the sealed file                    removed once the server holds it
///     standing   how far it has come                rewritten after each step; missing at first
///
/// A folder whose name begins with a dot is a draft, or is being removed.
struct OutboxFolder: Sendable {
    let path: String

    var record: String { "\(path)/record" }
    var blob: String { "\(path)/blob" }
    var progress: String { "\(path)/standing" }

    /// Five times what a record with 256 receipt secrets takes.
    private static let fileLimitBytes: Int64 = 64 * 1024

    /// Locks the folder for as long as the value lives; throws `isLocked` if another process works on it, and
    /// `isAbsence` if the folder is gone.
    func lock() throws(FileError) -> OpenFile {
        let folder = try OpenFile(path, .read)
        try folder.lockExclusively()
        // One that was renamed meanwhile is being removed.
        guard try Folder.status(path) != nil, try folder.status().linkCount > 0 else {
            throw FileError(operation: "open", path: path, code: ENOENT)
        }
        return folder
    }

    /// The same for a process that will work on the entry: listings hold the lock for a moment only, so it waits for them.
    func lockToWork() throws(FileError) -> OpenFile {
        for _ in 0..<20 {
            do { return try lock() } catch {
                guard error.isLocked else { throw error }
                usleep(10_000)
            }
        }
        return try lock()
    }

    /// The file at `path`; nil if there is none, or if it is larger than any we write.
    func contents(of path: String) throws(FileError) -> [UInt8]? {
        do throws(FileError) { return try OpenFile(path, .read).contents(limitBytes: Self.fileLimitBytes) } catch {
            guard error.isAbsence else { throw error }
            return nil
        }
    }

    /// Replaces the file at `path`, durably.
    func write(_ text: String, to path: String) throws(FileError) {
        let file = try TemporaryFile(in: self.path)
        try file.file.write(Array(text.utf8)[...])
        try file.publish(as: path, replacing: true)
    }

    /// Removes the folder and what is in it.
    func remove() throws(FileError) {
        for name in try Folder.names(in: path) { try Folder.remove("\(path)/\(name)") }
        try Folder.removeEmpty(path)
    }
}
