import BlobFiles
package import Blobs
import Catalog
import DiskStore
import Files
import Logging
package import Store
import StoreRules

extension Vault {
    package func find(_ address: BlobAddress, for intent: ReadIntent) async throws(StoreError) -> BlobFinding {
        if let finding = try await workers.run({ () throws(StoreError) in try self.look(for: address) }) {
            return finding
        }
        // Row and file disagreed. Under the lock of the address nothing moves, so what is seen then is so.
        return try await locks.withLock(address) { () async throws(StoreError) in
            try await workers.run { () throws(StoreError) in
                if let finding = try self.look(for: address) { return finding }
                self.logger.error(
                    "A blob's file is missing or has the wrong size", metadata: ["blob": "\(address.abbreviated)"])
                self.suspects.add(address)
                return .damaged
            }
        }
    }

    package func validity(of address: BlobAddress) -> ValidityToken { generations.token(for: address) }

    /// What row and file say together; nil where the row says held and the file is not as it says.
    private func look(for address: BlobAddress) throws(StoreError) -> BlobFinding? {
        guard let row = try catalog.read({ try $0.blob(address) }) else { return .unknown }
        if let end = row.end(at: time.now) { return .gone(end) }
        guard row.state == .held, let sunset = row.sunset else { return .damaged }
        do throws(BlobFileError) {
            let file = try disk.files.open(address, size: row.size)
            return .held(
                HeldBlob(
                    address: address, size: row.size, sunset: sunset,
                    content: FileContent(file, workers: workers) { [suspects] _ in
                        // It is looked at soon.
                        suspects.add(address)
                    }))
        } catch {
            guard case .file(let cause) = error else { return nil }
            throw StoreError(cause)
        }
    }
}
