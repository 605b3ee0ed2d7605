import BlobFiles
package import Blobs
import Catalog
import DiskStore
import Files
package import Store

extension Vault {
    package func addLease(on address: BlobAddress, terms: LeaseTerms) async throws(StoreError) -> StoredBlob {
        // Nothing is removed under the lock, so the file that is seen is there when the lease is.
        try await locks.withLock(address) { () async throws(StoreError) in
            try await workers.run { () throws(StoreError) in try self.requireWhole(address, for: terms) }
            return try await write { writer, now in
                guard let blob = try writer.reader.blob(address) else { throw StoreError.notFound }
                if let end = blob.end(at: now) { throw StoreError.gone(end) }
                let lease = try self.record(
                    writer, address: address, blob: blob, size: blob.size, terms: terms, now: now)
                return StoredBlob(
                    address: address, size: blob.size, isNew: lease.isNew, uploaded: lease.created,
                    expires: lease.expires)
            }
        }
    }

    /// Throws unless the blob is held, with a file of the right size, and the lease that `terms` name would be given.
    private func requireWhole(_ address: BlobAddress, for terms: LeaseTerms) throws(StoreError) {
        _ = try LeaseRule.lifetime(terms, limits: settings)
        let (row, facts) = try slot.read { reader in
            (try reader.blob(address), try LeaseFacts(reader, address: address, terms: terms, limits: settings))
        }
        if facts.isBanned { throw .banned }
        guard let row else { throw .notFound }
        if let end = row.end(at: time.now) { throw .gone(end) }
        let isWhole = try storeErrors { () throws(FileError) in try disk.files.size(of: address) } == row.size
        guard row.state == .held, isWhole else { throw .damaged }
        try refuse(facts, terms: terms)
    }
}
