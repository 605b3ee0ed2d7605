import BlobFiles
package import Blobs
package import Catalog
import DiskStore
import Files
package import Store

/// What is wrong with a blob that the catalogue says is held.
package enum BlobDamage: Sendable, Hashable {
    case missing
    case wrongSize(expected: Int64, found: Int64)
    case wrongBytes
    /// The disk does not give the bytes back, for this reason.
    case unreadable(String)
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
                try self.disk.files.forEachPage(inShard: shard, pageSize: Catalog.pageRows) { page throws(FileError) in
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

    /// Reads the whole file of a blob from the disk and says what is wrong with it; nil if it is what its row says, or if
    /// the row says something else by now. `pace` is called behind every piece with the number of its bytes; when it
    /// throws, so does this. What is found wrong is looked at again under the lock of the address.
    package func examine(
        _ blob: BlobRow, pace: (_ bytes: Int) async throws(StoreError) -> Void = { _ in }
    ) async throws(StoreError) -> BlobDamage? {
        guard try await damage(of: blob, pace: pace) != nil else { return nil }
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
                try disk.files.setAside(blob.address)
                try disk.files.synchronizeNames()
            }
            return true
        }
    }

    /// The row of `address` where it says that the blob is held.
    package func heldBlob(_ address: BlobAddress) async throws(StoreError) -> BlobRow? {
        guard let row = try await read({ try $0.blob(address) }), row.state == .held else { return nil }
        return row
    }

    /// Blobs whose file gave trouble while it was being read, since this was last asked.
    package func takeSuspects() -> Set<BlobAddress> { suspects.take() }

    private func damage(
        of blob: BlobRow, pace: (_ bytes: Int) async throws(StoreError) -> Void = { _ in }
    ) async throws(StoreError) -> BlobDamage? {
        guard let row = try await heldBlob(blob.address) else { return nil }
        let beginning = try await onDisk { disk throws(FileError) in try BlobInspection.begin(row, on: disk) }
        switch beginning {
        case .damaged(let damage): return damage
        case .readable(let inspection):
            while true {
                switch try await onDisk({ _ throws(FileError) in try Self.step(inspection) }) {
                case .failed(let why): return .unreadable(why)
                case .read(let count):
                    if count == 0 { return inspection.address == row.address ? nil : .wrongBytes }
                    try await pace(count)
                }
            }
        }
    }

    private enum Step: Sendable {
        case read(Int)
        case failed(String)
    }

    private static func step(_ inspection: BlobInspection) throws(FileError) -> Step {
        do { return .read(try inspection.step()) } catch {
            guard error.isUnreadable else { throw error }
            return .failed(error.description)
        }
    }
}
