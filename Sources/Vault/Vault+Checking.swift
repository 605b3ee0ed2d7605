package import Blobs
package import Catalog
import DiskStore
import Files

/// What is wrong with a blob that the catalogue says is held.
package enum BlobDamage: Sendable, Hashable {
    case missing
    case wrongSize(expected: Int64, found: Int64)
    case wrongBytes
}

/// What the files of one of the 256 folders are to the catalogue.
package struct ShardSurvey: Sendable {
    /// Files that a row accounts for.
    package var accounted = 0
    /// Files that no row accounted for at that moment; an upload may be about to write it.
    package var suspects: [BlobAddress] = []
    /// Names that are no blob's.
    package var strangers: [String] = []
}

extension Vault {
    /// Goes through the files of one folder and asks the catalogue for each.
    package func survey(shard: String) async throws(StoreError) -> ShardSurvey {
        try await workers.run { () throws(StoreError) in
            var survey = ShardSurvey()
            var failure: StoreError?
            try storeErrors { () throws(FileError) in
                try self.disk.forEachPage(inShard: shard, pageSize: Catalog.pageRows) { page throws(FileError) in
                    do throws(StoreError) {
                        let accounted = try self.slot.read { try $0.accounted(page.addresses) }
                        survey.accounted += accounted.count
                        survey.suspects += page.addresses.filter { !accounted.contains($0) }
                        survey.strangers += page.strangers
                    } catch {
                        failure = error
                    }
                }
            }
            if let failure { throw failure }
            return survey
        }
    }

    /// Reads the whole file of a blob and says what is wrong with it; nil if it is what its row says, or if the row
    /// says something else by now. What is found wrong is looked at again under the lock of the address.
    package func examine(_ blob: BlobRow) async throws(StoreError) -> BlobDamage? {
        guard try await damage(of: blob) != nil else { return nil }
        return try await locks.withLock(blob.address) { () async throws(StoreError) in
            try await damage(of: blob)
        }
    }

    /// Sets a damaged blob aside if it still is damaged: first the row says so, then the file moves, so that no row
    /// promises a file that is not there. Tells whether it did.
    package func setAside(_ blob: BlobRow) async throws(StoreError) -> Bool {
        let faults = faults
        return try await locks.withLock(blob.address) { () async throws(StoreError) in
            guard try await damage(of: blob) != nil else { return false }
            let isMarked = try await write { writer, _ in
                try writer.move(blob.address, from: [.held], to: .damaged)
            }
            guard isMarked else { return false }
            try await onDisk { disk throws(FileError) in
                try faults.reach(.damageMarked)
                try disk.setAside(blob.address)
                try disk.synchronizeNames()
            }
            return true
        }
    }

    private func damage(of blob: BlobRow) async throws(StoreError) -> BlobDamage? {
        guard let row = try await read({ try $0.blob(blob.address) }), row.state == .held else { return nil }
        return try await onDisk { disk throws(FileError) in
            guard let found = try disk.size(of: row.address) else { return .missing }
            guard found == row.size else { return .wrongSize(expected: row.size, found: found) }
            guard let digest = try disk.digest(of: row.address) else { return .missing }
            return digest == row.address ? nil : .wrongBytes
        }
    }
}
