import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
import Store
import StoreRules

/// Changes to the rows of resumable uploads, with what each means for file and slot. The caller holds the upload's lock,
/// except for a new upload. `nameAndRecord` commits one.
extension Vault {
    /// Makes the row of a new upload durable, and the name of its empty file. Returns when it expires.
    func addRow(of id: UploadID, _ announcement: UploadAnnouncement) async throws(StoreError) -> Timestamp {
        let change = CreateUpload(id: id, announcement: announcement, lifetime: settings.uploadLifetime)
        let result: Result<Timestamp, StoreError> = await withCheckedContinuation { continuation in
            committer.perform(change) { _ in
                true
            } completion: {
                continuation.resume(returning: $0)
            }
        }
        return try result.get()
    }

    /// The upload's row, whoever asks, expired or not.
    func row(of id: UploadID) async throws(StoreError) -> ResumableUpload {
        guard let upload = try await read({ try $0.upload(id) }) else { throw .notFound }
        return upload
    }

    /// Sets how far the upload is durable, and its length if that is known by now.
    func moveRow(of id: UploadID, to offset: Int64, length: Int64?) async throws(StoreError) {
        try await make(AdvanceUpload(id: id, offset: offset, length: length, lifetime: settings.uploadLifetime))
    }

    /// Records that the upload can never be taken, and discards its bytes. If that fails the upload stays open, and is
    /// refused again when it is resumed.
    func refuse(_ id: UploadID, because error: StoreError) async {
        do throws(StoreError) {
            try await make(RefuseUpload(id: id, because: error, lifetime: settings.finishedUploadLifetime))
        } catch {
            return uploads.park(id, nil)
        }
        await discard(id)
    }

    /// Removes the upload's row, whatever its state, and discards its bytes.
    func drop(_ id: UploadID) async throws(StoreError) {
        await uploads[id]?.session?.endAbandoned()
        try await make(DropUpload(id: id))
        await discard(id)
    }

    /// Removes the staged file of an upload that is not open any more, and gives its slot back. The sweep removes a file
    /// that cannot be removed now.
    func discard(_ id: UploadID) async {
        try? await onDisk { disk throws(FileError) in try disk.files.removeStaged(id.hex) }
        uploads.forget(id)
    }

    /// Takes slots for the open uploads that an earlier process left.
    func takeUpUploads() async throws(StoreError) {
        var last: UploadID?
        while true {
            let from = last
            let page = try await read { try $0.openUploads(after: from) }
            guard let next = page.last?.id else { return }
            last = next
            for upload in page { uploads.add(upload.id, UploadSlot(restoring: upload, in: uploads)) }
        }
    }
}
