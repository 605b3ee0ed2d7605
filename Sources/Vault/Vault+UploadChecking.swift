import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
import Store

extension Vault {
    /// Says what is wrong with the file of an open upload, and gives the upload up if so wished; nil where nothing is, or
    /// where it is open no more. Under the upload's lock, so that no request is between its bytes and its row.
    func examine(_ id: UploadID, givingUp: Bool) async throws(StoreError) -> Damage? {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            guard let upload = try await read({ try $0.upload(id) }), case .open = upload.state else { return nil }
            let found = try await onDisk { disk throws(FileError) in try disk.files.stagedSize(of: id) }
            if let found, found >= upload.offset { return nil }
            if givingUp { try await drop(id) }
            guard let found else { return Damage(.lostUpload, "the upload's file is missing") }
            return Damage(
                .lostUpload, "the upload's file has \(found) bytes, but the client was told \(upload.offset)")
        }
    }
}
