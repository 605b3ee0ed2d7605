package import Blobs
package import Store
import StoreRules

extension Vault {
    package func addLease(on address: BlobAddress, terms: LeaseTerms) async throws(StoreError) -> StoredBlob {
        // Nothing is removed under the lock, so the file that is seen is there when the lease is.
        try await locks.withLock(address) { () async throws(StoreError) in
            let limits = settings.leaseLimits
            let change = try await workers.run { () throws(StoreError) in
                let size = try self.fileSize(of: address)
                let change = AddLease(address: address, terms: terms, limits: limits, fileSize: size)
                _ = try self.judge(change)
                return change
            }
            return try await make(change)
        }
    }
}
