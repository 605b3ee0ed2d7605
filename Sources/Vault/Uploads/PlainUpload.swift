import Blobs
import Store

/// An upload in one request: it has no row before it is committed, and nothing is left of it otherwise.
final class PlainUpload: UploadSession {
    private let vault: Vault
    private let announcement: UploadAnnouncement
    private let writer: UploadWriter

    init(_ announcement: UploadAnnouncement, _ writer: UploadWriter, in vault: Vault) {
        self.vault = vault
        self.announcement = announcement
        self.writer = writer
    }

    deinit { writer.slot.giveBack() }

    func append(_ bytes: [UInt8]) async throws(StoreError) {
        do throws(StoreError) { try await writer.append(bytes) } catch {
            await abandon()
            throw error
        }
    }

    func commit() async throws(StoreError) -> StoredBlob {
        do throws(StoreError) {
            let blob = try await vault.commit(writer, as: announcement)
            // The bytes were held already, so this upload's own file was not placed.
            if !blob.isNew { await writer.close() }
            writer.slot.giveBack()
            return blob
        } catch {
            await abandon()
            throw error
        }
    }

    func abandon() async {
        await writer.close()
        writer.slot.giveBack()
    }
}
