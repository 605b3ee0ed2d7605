import BlobFiles
package import Blobs
import Catalog
import DiskStore
import Files
import Logging
package import Store
import StoreParts
package import StoreRules
import Synchronization
import Telemetry

/// Damage to held blobs: found, set aside, logged.
extension Vault {
    package func examineSuspects() async {
        for address in takeSuspects() where !Task.isCancelled {
            do throws(StoreError) {
                guard let blob = try await heldBlob(address), let damage = try await examine(blob) else { continue }
                try await handle(damage, of: blob)
            } catch {
                logger.warning(
                    "Could not check a blob that was hard to read",
                    metadata: ["blob": "\(address.abbreviated)", "error": "\(error)"])
            }
        }
    }

    /// Hands over the blobs that were hard to read since the last call.
    package func takeSuspects() -> Set<BlobAddress> { suspects.take() }

    /// Counts and logs damage, and sets the blob aside if `DamageRule` allows it.
    func handle(_ damage: Damage, of blob: BlobRow) async throws(StoreError) {
        meters.damagesFound.add(for: damage.kind.label)
        let sums = try await read { try $0.sums() }
        let may = DamageRule.maySetAside(aside: sums.damaged.count, held: sums.held.count)
        let isAside = may ? try await setAside(blob) : false
        let facts: Logger.Metadata = [
            "blob": "\(blob.address.hex)", "kind": "\(damage.kind.label)", "detail": "\(damage.detail)",
        ]
        if isAside {
            logger.error("Set a damaged blob aside; uploading the same bytes heals it", metadata: facts)
        } else if may {
            logger.notice("A damaged blob is intact again", metadata: facts)
        } else {
            logger.error(
                "Left a damaged blob in place: too many are damaged; check the disk", metadata: facts)
        }
    }

    /// Reads the whole file of a blob and reports what is wrong with it; nil if it matches its row, or if the row has
    /// changed meanwhile. `pace` is called after each piece with its number of bytes; what it throws, this throws.
    /// Damage is confirmed under the lock of the address.
    package func examine(
        _ blob: BlobRow, pace: (_ bytes: Int) async throws(StoreError) -> Void = { _ in }
    ) async throws(StoreError) -> Damage? {
        guard try await damage(of: blob, pace: pace) != nil else { return nil }
        return try await locks.withLock(blob.address) { () async throws(StoreError) in
            try await damage(of: blob)
        }
    }

    /// Sets a damaged blob aside if it still is damaged: first the row says so, then the file moves, so that no row
    /// promises a file that is not there. Returns whether it did.
    func setAside(_ blob: BlobRow) async throws(StoreError) -> Bool {
        let faults = faults
        return try await locks.withLock(blob.address) { () async throws(StoreError) in
            guard try await damage(of: blob) != nil else { return false }
            guard try await make(MarkDamaged(blob.address)) else { return false }
            try await onDisk { disk throws(FileError) in
                try faults.reach(.damageMarked)
                try disk.files.setAside(blob.address)
                try disk.files.synchronizeNames()
            }
            return true
        }
    }

    /// The row of `address` if it says that the blob is held.
    package func heldBlob(_ address: BlobAddress) async throws(StoreError) -> BlobRow? {
        guard let row = try await read({ try $0.blob(address) }), row.state == .held else { return nil }
        return row
    }

    private func damage(
        of blob: BlobRow, pace: (_ bytes: Int) async throws(StoreError) -> Void = { _ in }
    ) async throws(StoreError) -> Damage? {
        guard let row = try await heldBlob(blob.address) else { return nil }
        let beginning = try await onDisk { disk throws(FileError) in try BlobInspection.begin(row, on: disk) }
        switch beginning {
        case .damaged(let damage): return damage
        case .readable(let inspection):
            while true {
                switch try await onDisk({ _ throws(FileError) in try inspection.step() }) {
                case .failed(let why): return Damage(.unreadable, why)
                case .end(let address):
                    return address == row.address ? nil : Damage(.wrongBytes, "the bytes have another SHA-256")
                case .read(let count): try await pace(count)
                }
            }
        }
    }
}

/// Hashes one blob's file a piece at a time; each call blocks its thread.
final class BlobInspection: Sendable {
    /// What a first look at the file shows.
    enum Beginning: Sendable {
        case damaged(Damage)
        /// It has the right size; its bytes are to be read.
        case readable(BlobInspection)
    }

    /// What reading one more piece came to.
    enum Step: Sendable {
        case read(_ bytes: Int)
        /// The file has been read, and this is the address of its bytes.
        case end(BlobAddress)
        /// The disk does not return the bytes, for this reason.
        case failed(String)
    }

    private struct State: ~Copyable {
        var reading: DiskReading
        var hasher = BlobHasher()

        init(_ reading: consuming DiskReading) { self.reading = reading }
    }

    private let state: Mutex<State>

    private init(_ reading: consuming DiskReading) {
        state = Mutex(State(reading))
    }

    /// Opens the file of `row` and looks at its size.
    static func begin(_ row: BlobRow, on disk: DiskStore) throws(FileError) -> Beginning {
        do {
            guard let found = try disk.files.size(of: row.address),
                let reading = try disk.files.reading(of: row.address)
            else {
                return .damaged(Damage(.missing, "the file is missing"))
            }
            guard found == row.size else {
                return .damaged(Damage(.wrongSize, "the file has \(found) bytes instead of \(row.size)"))
            }
            return .readable(BlobInspection(reading))
        } catch {
            guard error.isUnreadable else { throw error }
            return .damaged(Damage(.unreadable, error.description))
        }
    }

    /// Reads and hashes the next piece.
    func step() throws(FileError) -> Step {
        do {
            return try state.withLock { state throws(FileError) in
                var hasher = state.hasher
                defer { state.hasher = hasher }
                let count = try state.reading.next { hasher.update($0) }
                return count == 0 ? .end(hasher.address()) : .read(count)
            }
        } catch {
            guard error.isUnreadable else { throw error }
            return .failed(error.description)
        }
    }
}
