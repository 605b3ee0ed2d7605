package import Blobs
import Foundation
import GRDB
package import Store

/// What happens to uploads that outlive their requests. Each throws `.notFound` where the upload is not open any more.
extension CatalogWriter {
    /// Notes a new upload, whose empty file is there.
    package func addUpload(_ id: UploadID, _ announcement: UploadAnnouncement, expires: Timestamp) throws {
        let terms = announcement.terms
        try database.run(
            """
            INSERT INTO upload (
                id, state, subject, size, received, announced, owner, receipts, lifetime, recipients, largest_bytes,
                longest_seconds, expires)
            VALUES (?, 1, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                id.data, terms.subject, announcement.size, announcement.address?.data, terms.owner?.data,
                Data(terms.receipts.flatMap(\.bytes)), terms.lifetime?.seconds, terms.recipients,
                terms.entitlement.largestBytes, terms.entitlement.longestLifetime?.seconds, expires.seconds,
            ])
    }

    /// Notes that the first `offset` bytes are synced and, where it is told by now, how many there are in all.
    package func moveUpload(_ id: UploadID, to offset: Int64, length: Int64?, expires: Timestamp) throws {
        try expectOne(
            database.run(
                "UPDATE upload SET received = ?, size = coalesce(size, ?), expires = ? WHERE id = ? AND state = 1",
                [offset, length, expires.seconds, id.data]))
    }

    /// Notes that an upload became this blob, in the transaction that makes its lease.
    package func commitUpload(_ id: UploadID, as blob: StoredBlob, expires: Timestamp) throws {
        try expectOne(
            database.run(
                """
                UPDATE upload SET
                    state = 2, size = ?2, received = ?2, address = ?3, uploaded = ?4, held_until = ?5, is_new = ?6,
                    expires = ?7
                WHERE id = ?1 AND state = 1
                """,
                [
                    id.data, blob.size, blob.address.data, blob.uploaded.seconds, blob.expires.seconds,
                    blob.isNew ? 1 : 0, expires.seconds,
                ]))
    }

    /// Notes that an upload can never be taken. Its file goes afterwards.
    package func refuseUpload(_ id: UploadID, because error: StoreError, expires: Timestamp) throws {
        guard let refusal = error.refusal else { throw CatalogError.failed("catalogue: a refusal that passes") }
        try expectOne(
            database.run(
                "UPDATE upload SET state = 3, refusal = ?, expires = ? WHERE id = ? AND state = 1",
                [refusal, expires.seconds, id.data]))
    }

    /// Forgets an upload, whatever its state. Its file goes afterwards.
    package func dropUpload(_ id: UploadID) throws {
        try database.run("DELETE FROM upload WHERE id = ?", [id.data])
    }

    private func expectOne(_ changed: Int) throws {
        if changed != 1 { throw StoreError.notFound }
    }
}
