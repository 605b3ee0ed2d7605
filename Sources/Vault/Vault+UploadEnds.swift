import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
import Store
import StoreRules

/// How uploads that outlive their requests end, other than as a blob.
extension Vault {
    /// Notes that the upload can never be taken and gives back what it had. Where that cannot be noted it stays open, and
    /// its end is found again by whoever goes on with it.
    func refuse(_ id: UploadID, because error: StoreError) async {
        let lifetime = settings.finishedUploadLifetime
        do throws(StoreError) {
            try await make(RefuseUpload(id: id, because: error, lifetime: lifetime))
        } catch {
            return kept.park(id, nil, nil)
        }
        await removeStaged(id)
        kept.forget(id)
    }

    /// Forgets the upload, whatever its state, and removes what it has on the disk. Its lock is held.
    func drop(_ id: UploadID) async throws(StoreError) {
        await kept[id]?.turn?.endAbandoned()
        try await make(DropUpload(id: id))
        await removeStaged(id)
        kept.forget(id)
    }

    /// Removes the staged file. What cannot be removed now has no row, and the sweep takes it.
    func removeStaged(_ id: UploadID) async {
        try? await onDisk { disk throws(FileError) in try disk.files.removeStaged(id.hex) }
    }

    /// Takes up the open uploads that an earlier process left: their places and their shares of the disk.
    func takeUpUploads() async throws(StoreError) {
        var last: UploadID?
        while true {
            let from = last
            let page = try await read { try $0.openUploads(after: from) }
            guard let next = page.last?.id else { return }
            last = next
            for upload in page {
                let place = UploadPlace(
                    again: upload.announcement.terms.subject, bytes: Usage.bytes(for: upload.length ?? upload.offset),
                    in: uploads)
                let space = ParkedSpace(Reservation(renewing: upload.length, after: upload.offset, from: ledger))
                kept.keep(KeptUploads.Kept(place: place, space: space), as: upload.id)
            }
        }
    }
}
