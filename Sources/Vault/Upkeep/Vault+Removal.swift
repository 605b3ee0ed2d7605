import BlobFiles
package import Blobs
import Catalog
import DiskStore
import Files
package import Store
import StoreParts
import StoreRules

/// What a sweep took away.
package struct Removed: Sendable, Hashable {
    package var count = 0
    package var bytes: Int64 = 0

    package init(count: Int = 0, bytes: Int64 = 0) {
        self.count = count
        self.bytes = bytes
    }
}

/// What an operator's word against one blob came to.
package struct Takedown: Sendable, Hashable {
    /// Whether anything was known of the address.
    package let isKnown: Bool
    /// Leases that lived and were ended.
    package let leasesEnded: Int
    /// Files taken from the disk: none where nothing was there any more, or somebody was busy with it.
    package let removed: Removed
}

/// What sweeps do to a store. They decide; here is the order in which it becomes durable.
extension Vault {
    /// The most blobs that are removed, or leases that are ended, in one transaction.
    package static let removalBatch = 500

    /// Removes those of at most `removalBatch` blobs that no lease holds: mark, unlink, forget. A blob that somebody
    /// is busy with is left for the next pass.
    package func remove(_ addresses: [BlobAddress]) async throws(StoreError) -> Removed {
        let locked = addresses.filter { locks.tryAcquire($0) }
        defer { for address in locked { locks.release(address) } }
        if locked.isEmpty { return Removed() }
        let faults = faults
        // The rows are looked at again: since they were read, the same bytes may have come anew.
        let marked = try await make(MarkForRemoval(locked))
        if marked.isEmpty { return Removed() }
        try await onDisk { disk throws(FileError) in
            try faults.reach(.removalMarked)
            for blob in marked {
                _ = try disk.files.unlink(blob.address, point: .blobUnlinked)
                _ = try disk.files.removeAside(blob.address)
            }
        }
        try await make(FinishRemovals(marked.map(\.address)))
        try await onDisk { _ throws(FileError) in try faults.reach(.blobForgotten) }
        return Removed(count: marked.count, bytes: marked.reduce(0) { $0 + $1.size })
    }

    /// Removes those of the files that no row accounts for; one that somebody is busy with is left.
    package func removeOrphans(_ addresses: [BlobAddress]) async throws(StoreError) -> Removed {
        let locked = addresses.filter { locks.tryAcquire($0) }
        defer { for address in locked { locks.release(address) } }
        let accounted = try await read { try $0.accounted(locked) }
        let removed = try await onDisk { disk throws(FileError) in
            var removed = Removed()
            for address in locked where !accounted.contains(address) {
                guard let size = try disk.files.size(of: address),
                    try disk.files.unlink(address, point: .orphanUnlinked)
                else {
                    continue
                }
                removed.count += 1
                removed.bytes += size
            }
            return removed
        }
        try await make(DropSightings(of: locked))
        return removed
    }

    /// Those of the files that no row accounts for and that nobody is busy with.
    package func orphans(among addresses: [BlobAddress]) async throws(StoreError) -> [BlobAddress] {
        let accounted = try await read { try $0.accounted(addresses) }
        let suspects = addresses.filter { !accounted.contains($0) }
        // An upload between its name and its row holds the lock, so its file is no orphan.
        let locked = suspects.filter { locks.tryAcquire($0) }
        defer { for address in locked { locks.release(address) } }
        if locked.isEmpty { return [] }
        let known = try await read { try $0.accounted(locked) }
        return try await onDisk { disk throws(FileError) in
            var orphans: [BlobAddress] = []
            for address in locked where !known.contains(address) {
                if try disk.files.size(of: address) != nil { orphans.append(address) }
            }
            return orphans
        }
    }

    /// Removes what was set aside for an address whose blob is not damaged any more; false if it stays.
    package func removeAside(_ address: BlobAddress) async throws(StoreError) -> Bool {
        try await locks.withLock(address) { () async throws(StoreError) in
            if try await read({ try $0.blob(address) })?.state == .damaged { return false }
            return try await onDisk { disk throws(FileError) in try disk.files.removeAside(address) }
        }
    }

    /// Takes the wall clock's time as the present, although a later one was committed.
    package func trustClock() async throws(StoreError) {
        let wall = time.clock.wall
        time.reset(to: wall)
        try await make(ResetLatest(wall))
        time.reset(to: wall)
    }

    // MARK: What an operator does

    /// Ends every lease on `address` as removed and takes the file away; if `isBanned`, nobody may hold it again.
    ///
    /// Durable when it returns. A file that somebody is busy with is left to the next sweep, and not served meanwhile.
    package func takeDown(_ address: BlobAddress, banning isBanned: Bool) async throws(StoreError) -> Takedown {
        // Under the lock, so that no upload stands between its last look and its row.
        let count = try await locks.withLock(address) { () async throws(StoreError) in
            try await make(TakeDownBlob(address, banning: isBanned))
        }
        guard let count else { return Takedown(isKnown: false, leasesEnded: 0, removed: Removed()) }
        return Takedown(isKnown: true, leasesEnded: count, removed: try await remove([address]))
    }

    /// Lets `address` be held again; false if it was not banned.
    package func liftBan(on address: BlobAddress) async throws(StoreError) -> Bool {
        try await make(LiftBan(address))
    }
}
