package import BlobFiles
package import Blobs
package import Catalog
import DiskStore
import Files
package import Store
package import StoreParts
package import StoreRules
import Synchronization

/// The rows and bytes of a store on a disk.
package protocol DiskRecords: RecordSource {
    var folders: BlobFolders { get }

    /// Looks at one consistent state of the catalog, on a thread that may block.
    func look<Value: Sendable>(
        _ body: @escaping @Sendable (CatalogReader) throws -> Value
    ) async throws(StoreError) -> Value

    /// Runs something that blocks.
    func work<Value: Sendable>(
        _ body: @escaping @Sendable () throws(StoreError) -> Value
    ) async throws(StoreError) -> Value
}

extension DiskRecords {
    package func latest() async throws(StoreError) -> Timestamp { try await look { try $0.store().latest } }

    package func records(after address: BlobAddress?) async throws(StoreError) -> [BlobRecord] {
        try await look { reader in
            let records = try reader.records(
                after: address, blobs: RecordLimits.blobs, leases: RecordLimits.leases)
            return try records.map { try $0.row.state == .removing ? $0.removed(at: reader.store().latest) : $0 }
        }
    }

    package func finishedUploads(after id: UploadID?) async throws(StoreError) -> [ResumableUpload] {
        try await look { try $0.finishedUploads(after: id) }
    }

    package func bans(after address: BlobAddress?) async throws(StoreError) -> [BanRecord] {
        try await look { try $0.bans(after: address) }
    }

    package func subjects(after subject: String?) async throws(StoreError) -> [SubjectRecord] {
        try await look { try $0.subjects(after: subject) }
    }

    package func bytes(of blob: BlobRow, in range: ByteRange) async throws(StoreError) -> [UInt8] {
        let path = folders.blob(blob.address)
        return try await work { () throws(StoreError) in
            var buffer = [UInt8](repeating: 0, count: Int(range.count))
            do throws(FileError) {
                let file = try OpenFile(path, .read, followsLinks: false)
                let count = try file.read(into: &buffer, at: range.offset)
                return Array(buffer.prefix(count))
            } catch {
                // What is not there, or cannot be read, is damaged.
                guard error.isAbsence || error.isUnreadable else { throw StoreError(error) }
                return []
            }
        }
    }
}

extension BlobRecord {
    /// The same once its removal is finished.
    fileprivate func removed(at now: Timestamp) -> BlobRecord {
        var row = row
        row.state = .gone
        row.ended = row.ended ?? now
        return BlobRecord(row: row, leases: leases)
    }
}

/// A store on a disk that is moved elsewhere, while another process may serve it. Nothing of it is changed.
package final class VaultRecords: DiskRecords {
    private let layout: DiskLayout
    private let catalog: Catalog
    private let workers: BlockingPool
    /// Held once nobody serves the store any more.
    private let lock = Mutex<OpenFile?>(nil)

    private init(layout: DiskLayout, catalog: Catalog, workers: BlockingPool) {
        self.layout = layout
        self.catalog = catalog
        self.workers = workers
    }

    /// Opens the store at `path`, which must be there. Blocks. To be closed in the end.
    package static func open(at path: String, threads: Int = 8) throws(VaultError) -> VaultRecords {
        let layout = DiskLayout(root: path)
        let finding: FolderFinding
        do throws(FileError) { finding = try DiskStore.inspect(layout) } catch { throw .file(error) }
        guard finding == .store else { throw .notAStore(path: path, why: "blobs and catalog are not both there") }
        do throws(CatalogError) {
            return VaultRecords(
                layout: layout, catalog: try Catalog.openToRead(at: layout.catalog, faults: .none),
                workers: BlockingPool(threads: threads))
        } catch {
            throw .catalog(error)
        }
    }

    /// Ends what is under way, and lets others have the store again.
    package func close() async {
        await workers.shutDown()
        try? catalog.close()
        lock.withLock { $0 = nil }
    }

    package var folders: BlobFolders { layout.folders }

    package func look<Value: Sendable>(
        _ body: @escaping @Sendable (CatalogReader) throws -> Value
    ) async throws(StoreError) -> Value {
        try await work { () throws(StoreError) in
            do throws(CatalogError) { return try self.catalog.read(body) } catch { throw StoreError(error) }
        }
    }

    package func work<Value: Sendable>(
        _ body: @escaping @Sendable () throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        try await workers.run(body)
    }

    package func claim() async throws(StoreError) {
        try await work { () throws(StoreError) in
            try self.lock.withLock { lock throws(StoreError) in
                if lock != nil { return }
                do throws(FileError) { lock = try DiskStore.takeLock(self.layout) } catch {
                    throw error.isLocked
                        ? .unavailable("another process owns the store at \(self.layout.root)") : StoreError(error)
                }
            }
        }
    }
}
