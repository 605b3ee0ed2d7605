package import Blobs
package import Store
import StoreRules

/// What an operator's word against one blob came to.
package struct Expulsion: Sendable, Hashable {
    /// Whether anything was known of the address.
    package let isKnown: Bool
    /// Leases that lived and were ended.
    package let leasesEnded: Int
    /// Files taken from the disk: none where nothing was there any more, or somebody was busy with it.
    package let removed: Removed
}

/// What only an operator may do.
extension Vault {
    /// Ends every lease on `address` as removed and takes the file away; if `isBanned`, nobody may hold it again.
    ///
    /// Durable when it returns. A file that somebody is busy with is left to the next sweep, and not served meanwhile.
    package func expel(_ address: BlobAddress, banning isBanned: Bool) async throws(StoreError) -> Expulsion {
        // Under the lock, so that no upload stands between its last look and its row.
        let count = try await locks.withLock(address) { () async throws(StoreError) in
            try await make(TakeDownBlob(address, banning: isBanned))
        }
        guard let count else { return Expulsion(isKnown: false, leasesEnded: 0, removed: Removed()) }
        return Expulsion(isKnown: true, leasesEnded: count, removed: try await remove([address]))
    }

    /// Lets `address` be held again; false if it was not banned.
    package func liftBan(on address: BlobAddress) async throws(StoreError) -> Bool {
        try await make(LiftBan(address))
    }
}
