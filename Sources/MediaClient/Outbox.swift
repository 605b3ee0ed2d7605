import Files

/// The sends that are not over: each an entry of its own, from before its first byte leaves until its message has been
/// given out. Any number of processes may use it at once; each entry is worked on by one of them.
package struct Outbox: Sendable {
    let folder: String

    init(folder: String) { self.folder = folder }

    /// What can be seen of an entry without working on it.
    package struct Item: Sendable {
        package let record: OutboxRecord
        package let standing: OutboxStanding
        /// A process is at it.
        package let isBusy: Bool
    }

    /// Begins an entry: somewhere to seal into. It has no name and is in no list until it is published.
    func stage() throws(FileError) -> OutboxStage {
        try Folder.makeAll(folder)
        try sweep()
        return try OutboxStage(in: folder)
    }

    /// All entries, the oldest first. What cannot be read is left aside.
    func items() throws(FileError) -> [Item] {
        var items: [Item] = []
        for name in try names() {
            if let item = try item(OutboxFolder(path: "\(folder)/\(name)")) { items.append(item) }
        }
        return items.sorted { ($0.record.at, $0.record.name.description) < ($1.record.at, $1.record.name.description) }
    }

    /// Takes an entry to work on; throws `isLocked` where another process does, and `isAbsence` where there is none.
    func entry(_ name: LeaseName) throws(FileError) -> OutboxEntry? {
        try OutboxEntry(OutboxFolder(path: "\(folder)/\(name)"))
    }

    /// Removes what was being made, or taken away, by a process that is no more.
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

    private func names() throws(FileError) -> [String] {
        guard try Folder.status(folder) != nil else { return [] }
        return try Folder.names(in: folder).filter { !$0.hasPrefix(".") }
    }

    /// Nil as well for one that another process has just finished.
    private func item(_ folder: OutboxFolder) throws(FileError) -> Item? {
        guard let record = try folder.contents(of: folder.record).flatMap({ OutboxRecord(parsing: $0) }) else {
            return nil
        }
        let standing = try folder.contents(of: folder.standing).flatMap { OutboxStanding(parsing: $0) }
        return Item(record: record, standing: standing ?? OutboxStanding(), isBusy: try isBusy(folder))
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
