import BlobFiles
package import Blobs
import Files
import Store
import Synchronization

/// What lasts from one start to the next, and what is checked meanwhile.
extension DiskCache {
    // MARK: Saving

    /// Saves the index, with the position in the change feed up to which it is true. What cannot be saved is looked for at
    /// the next start.
    package func save(feedPosition: String?) async {
        let snapshot = snapshot(feedPosition)
        _ = try? await threads.run { [folder] () throws(StoreError) in
            do throws(FileError) {
                try folder.files.synchronizeNames()
                let path = folder.indexPath
                try Folder.remove(path + ".new")
                let file = try OpenFile(path + ".new", .create(permissions: 0o600))
                for piece in snapshot { try file.write(piece) }
                try file.synchronize()
                try Folder.rename(path + ".new", to: path)
            } catch {
                folder.note(error)
            }
        }
    }

    // MARK: Restoring

    /// Takes up what was saved. Returns the position in the change feed that belongs to it.
    package func restore() -> String? {
        guard (try? Folder.status(folder.indexPath)) != nil else { return nil }
        do {
            let restored = try IndexSnapshot.read(OpenFile(folder.indexPath, .read, followsLinks: false))
            var index = restored.index
            // A blob that went and came back after the snapshot was not synced, and its file may have any bytes.
            if restored.bootID != folder.boot { index.distrustAll() }
            adopt(index)
            return restored.feedPosition
        } catch {
            folder.noteSnapshot("\(error)")
            return nil
        }
    }

    /// Compares the index with the files that are there: one that it does not know is adopted, or removed where the machine
    /// was restarted since and what was not synced may be anything; an entry without a file goes. Takes its time.
    package func reconcile(at now: @escaping @Sendable () -> Timestamp) async {
        let known = addressesByShard()
        for shard in BlobFolders.shards {
            let lost = try? await threads.run { [self] () throws(StoreError) in
                var lost = known[shard] ?? []
                do throws(FileError) {
                    try folder.files.forEachPage(inShard: shard, pageSize: 1024) { page throws(FileError) in
                        for address in page.addresses where lost.remove(address) == nil { adopt(address, at: now()) }
                        for name in page.strangers { try Folder.remove("\(folder.files.folders.blobs)/\(name)") }
                    }
                } catch {
                    folder.note(error)
                    return [] as Set<BlobAddress>
                }
                return lost
            }
            for address in lost ?? [] { forget(address, because: .damaged) }
        }
        isReconciled.store(true, ordering: .releasing)
    }

    /// What is known of a blob whose file is there although the index does not know it yet: soon after a start.
    package func findFile(of address: BlobAddress, at now: Timestamp) async -> CacheEntry? {
        if isReconciled.load(ordering: .acquiring) { return nil }
        _ = try? await threads.run { () throws(StoreError) in self.adopt(address, at: now) }
        return entry(of: address)
    }

    /// A file that the index may not know.
    private func adopt(_ address: BlobAddress, at now: Timestamp) {
        guard entry(of: address) == nil, let found = try? Folder.status(folder.files.folders.blob(address)) else {
            return
        }
        guard found.kind == .regular, !folder.isAfterRestart, found.modifiedSeconds > now.seconds else {
            return folder.remove(address)
        }
        let status = found
        var entry = CacheEntry(
            address: address, size: status.size, sunset: Timestamp(seconds: status.modifiedSeconds), arrived: now,
            isUnverified: true)
        // The origin has not been asked about it for who knows how long.
        entry.checked = Timestamp(seconds: 0)
        keep(entry)
    }

    // MARK: Tending

    /// What is done now and then as long as a cache serves, once a second.
    package struct Tending: Sendable {
        /// Seconds between two saved indexes.
        static let roundsBetweenSnapshots = 60
        /// Entries that are looked at in each round.
        static let examined = 20_000

        package var now: @Sendable () -> Timestamp
        /// Bytes of large blobs that are hashed in a second; 0 for none.
        package var checkedBytesPerSecond: Int64
        /// What else is tidied.
        package var tidy: @Sendable () -> Void
        /// Saves the index.
        package var save: @Sendable () async -> Void
        /// Told of each blob that had rotted.
        package var onRotten: @Sendable (BlobAddress) -> Void

        package init(
            now: @escaping @Sendable () -> Timestamp, checkedBytesPerSecond: Int64,
            tidy: @escaping @Sendable () -> Void, save: @escaping @Sendable () async -> Void,
            onRotten: @escaping @Sendable (BlobAddress) -> Void
        ) {
            self.now = now
            self.checkedBytesPerSecond = checkedBytesPerSecond
            self.tidy = tidy
            self.save = save
            self.onRotten = onRotten
        }
    }

    /// Compares the index with the files, and from then on drops what should not stay, checks large blobs and saves the
    /// index, until the task is cancelled.
    package func tend(_ tending: Tending) async {
        await reconcile(at: tending.now)
        var rounds = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            if Task.isCancelled { return }
            rounds += 1
            for address in due(at: tending.now(), examining: Tending.examined) { forget(address, because: .ended) }
            tending.tidy()
            if tending.checkedBytesPerSecond > 0 {
                for rotten in await check(upTo: tending.checkedBytesPerSecond) { tending.onRotten(rotten) }
            }
            if rounds % Tending.roundsBetweenSnapshots == 0 { await tending.save() }
        }
    }

    // MARK: Checking

    /// Hashes large blobs, about `bytes` of them, each in its turn; returns those that have rotted, which are gone now.
    package func check(upTo bytes: Int64) async -> [BlobAddress] {
        var rotten: [BlobAddress] = []
        for entry in nextLarge(upTo: bytes) {
            if case .rotten = await open(entry.unverified) { rotten.append(entry.address) }
        }
        return rotten
    }
}

extension CacheEntry {
    /// The same, to be hashed before its next use.
    fileprivate var unverified: CacheEntry {
        var entry = self
        entry.isUnverified = true
        return entry
    }
}
