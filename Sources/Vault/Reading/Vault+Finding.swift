import BlobFiles
package import Blobs
import Catalog
import DiskStore
import Files
import Logging
package import Store
import StoreParts
import StoreRules

extension Vault {
    package func find(_ address: BlobAddress, for intent: ReadIntent) async throws(StoreError) -> BlobFinding {
        if let finding = try await looks.find(address, by: { self.look(for: $0, answer: $1) }) { return finding }
        return try await lookAgain(at: address) { () throws(StoreError) in try self.look(for: address) }
    }

    package func find(_ alias: AliasName) async throws(StoreError) -> AliasFinding {
        let first = try await workers.run { () throws(StoreError) -> (BlobAddress, ValidityToken, BlobFinding?)? in
            // Before the look, and from the address, which is that of one blob for as long as the name leads anywhere.
            guard let address = try self.catalog.read({ try $0.address(of: alias) }) else { return nil }
            let validity = self.validity(of: address)
            return (address, validity, try self.look(for: alias))
        }
        guard let (address, validity, finding) = first else { return AliasFinding(.unknown, validity: nil) }
        if let finding { return AliasFinding(finding, validity: validity) }
        let again = try await lookAgain(at: address) { () throws(StoreError) in try self.look(for: alias) }
        return AliasFinding(again, validity: nil)
    }

    package func validity(of address: BlobAddress) -> ValidityToken { generations.token(for: address) }

    /// Row and file disagreed. Under the lock of the address nothing moves, so what is seen then is so.
    private func lookAgain(
        at address: BlobAddress, _ look: @escaping @Sendable () throws(StoreError) -> BlobFinding?
    ) async throws(StoreError) -> BlobFinding {
        try await locks.withLock(address) { () async throws(StoreError) in
            try await workers.run { () throws(StoreError) in
                if let finding = try look() { return finding }
                self.logger.error(
                    "A blob's file is missing or has the wrong size", metadata: ["blob": "\(address.abbreviated)"])
                self.suspects.add(address)
                return .damaged
            }
        }
    }

    /// What row and file of each blob say together; nil where the row says held and the file is not as it says.
    private func look(for addresses: [BlobAddress], answer: (Int, Result<BlobFinding?, StoreError>) -> Void) {
        let rows: [BlobRow?]
        do throws(StoreError) { rows = try catalog.read { try $0.blobs(addresses) } } catch {
            for index in addresses.indices { answer(index, .failure(error)) }
            return
        }
        for (index, row) in rows.enumerated() {
            answer(index, Result { () throws(StoreError) in try self.look(at: row) })
        }
    }

    /// The same of one blob.
    private func look(for address: BlobAddress) throws(StoreError) -> BlobFinding? {
        try look(at: try catalog.read { try $0.blob(address) })
    }

    private func look(at row: BlobRow?) throws(StoreError) -> BlobFinding? {
        guard let row, !row.isHidden else { return .unknown }
        if let end = row.end(at: time.now) { return .gone(end) }
        guard row.state == .held, let sunset = row.sunset else { return .damaged }
        return try open(row, until: sunset)
    }

    /// The same of the blob that a name leads to, by what is said of its own lease.
    private func look(for alias: AliasName) throws(StoreError) -> BlobFinding? {
        guard let (row, lease) = try catalog.read({ try $0.aliased(alias) }) else { return .unknown }
        if let end = lease.end(at: time.now) { return .gone(end) }
        guard row.state == .held else { return .damaged }
        return try open(row, until: lease.expires)
    }

    private func open(_ row: BlobRow, until sunset: Timestamp) throws(StoreError) -> BlobFinding? {
        do throws(BlobFileError) {
            let file = try disk.files.open(row.address, size: row.size)
            guard let content = try content(of: file, row) else { return nil }
            return .held(HeldBlob(address: row.address, size: row.size, sunset: sunset, content: content))
        } catch {
            guard case .file(let cause) = error else { return nil }
            throw StoreError(cause)
        }
    }

    /// The bytes of a small blob, since this thread may wait for the disk; the file of a large one. Nil where there are
    /// fewer bytes than there should be.
    private func content(of file: consuming OpenFile, _ row: BlobRow) throws(BlobFileError) -> (any BlobContent)? {
        // It is looked at soon.
        let suspect = { @Sendable [suspects] (_: FileError) in suspects.add(row.address) }
        guard row.size <= Self.bytesReadAtOnce else {
            return FileContent(file, workers: workers, onFailure: suspect)
        }
        var bytes = [UInt8](repeating: 0, count: Int(row.size))
        do throws(FileError) {
            return try file.read(into: &bytes, at: 0) == bytes.count ? MemoryContent(bytes) : nil
        } catch {
            suspect(error)
            throw .file(error)
        }
    }

    /// The size up to which a blob is read as it is opened, and no file stays open for it.
    private static let bytesReadAtOnce: Int64 = 32 << 10
}
