import BlobFiles
package import Blobs
import Catalog
import DiskStore
import Files
package import Store

/// What is wrong with an open upload.
package enum UploadDamage: Sendable, Hashable {
    case missing
    /// Fewer bytes are here than were told.
    case short(told: Int64, found: Int64)
}

extension Vault {
    /// Says what is wrong with the file of an open upload, and gives the upload up if so wished; nil where nothing is, or
    /// where it is open no more. Under the upload's lock, so that no request is between its bytes and its row.
    package func examine(_ id: UploadID, givingUp: Bool) async throws(StoreError) -> UploadDamage? {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            guard let upload = try await read({ try $0.upload(id) }), case .open = upload.state else { return nil }
            let found = try await onDisk { disk throws(FileError) in try disk.files.stagedSize(of: id) }
            if let found, found >= upload.offset { return nil }
            if givingUp { try await drop(id) }
            return found.map { .short(told: upload.offset, found: $0) } ?? .missing
        }
    }
}
