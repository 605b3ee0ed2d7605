package import Blobs
import Foundation
import GRDB
package import Store
import StoreRules

/// Uploads that outlive their requests.
extension CatalogReader {
    /// How an upload stands; nil for one never made, or forgotten.
    package func upload(_ id: UploadID) throws -> ResumableUpload? {
        try database.row("SELECT \(UploadColumns.all) FROM upload WHERE id = ?", [id.data])
            .map { try ResumableUpload($0) }
    }

    /// The next open uploads in the order of their ids, at most `pageRows`; from the first where `id` is nil.
    package func openUploads(after id: UploadID?) throws -> [ResumableUpload] {
        try database.rows(
            """
            SELECT \(UploadColumns.all) FROM upload INDEXED BY upload_open
            WHERE state = 1 AND id > ? ORDER BY id LIMIT ?
            """, [id?.data ?? Data(), Catalog.pageRows]
        ).map { try ResumableUpload($0) }
    }

    /// Uploads whose time is up at `now`, finished ones too, soonest first, from behind `previous` on.
    package func dueUploads(at now: Timestamp, after previous: ResumableUpload?, limit: Int) throws -> [ResumableUpload]
    {
        try database.rows(
            """
            SELECT \(UploadColumns.all) FROM upload
            WHERE expires <= ? AND (expires, id) > (?, ?) ORDER BY expires, id LIMIT ?
            """, [now.seconds, previous?.expires.seconds ?? .min, previous?.id.data ?? Data(), limit]
        ).map { try ResumableUpload($0) }
    }

    /// The number of open uploads, and of the bytes that are here of them.
    package func openUploadSum() throws -> BlobTotal {
        let row = try database.row(
            """
            SELECT count(*) AS count, coalesce(sum(received), 0) AS bytes FROM upload INDEXED BY upload_open
            WHERE state = 1
            """)
        return BlobTotal(count: row?["count"] ?? 0, bytes: row?["bytes"] ?? 0)
    }

    /// Whether an upload that may still be resumed owns the staged file of this id.
    package func isOpenUpload(_ id: UploadID) throws -> Bool {
        try database.number("SELECT 1 FROM upload WHERE id = ? AND state = 1", [id.data]) != nil
    }
}

extension ResumableUpload {
    init(_ row: Row) throws {
        let length: Int64? = row["size"]
        self.init(
            id: try row.required((row["id"] as Data?).flatMap { UploadID(bytes: $0) }, "id"),
            state: try State(row), length: length, offset: row["received"],
            announcement: UploadAnnouncement(
                size: length, address: try (row["announced"] as Data?).map { _ in try row.address("announced") },
                terms: try LeaseTerms(row)),
            expires: Timestamp(seconds: row["expires"]))
    }

    /// The exact inverse.
    func values() throws -> [SQLValue] {
        let terms = announcement.terms
        var blob: StoredBlob?
        var refusal: String?
        switch state {
        case .open: break
        case .committed(let stored): blob = stored
        case .refused(let error):
            guard let words = error.refusal else { throw CatalogError.failed("catalog: a refusal that passes") }
            refusal = words
        }
        return [
            .of(id), .of(state.number), .of(terms.subject), .of(length), .of(offset), .of(announcement.address),
            .of(terms.owner), .bytes(terms.receipts.flatMap(\.bytes)), .of(terms.lifetime), .of(terms.recipients),
            .of(terms.entitlement.largestBytes), .of(terms.entitlement.longestLifetime), .of(expires),
            .of(blob?.address), .of(blob?.uploaded), .of(blob?.expires), .of(blob.map { $0.isNews ? 1 : 0 }),
            .of(refusal),
        ]
    }
}

extension ResumableUpload.State {
    private static let openNumber = 1
    private static let committedNumber = 2
    private static let refusedNumber = 3

    fileprivate var number: Int {
        switch self {
        case .open: Self.openNumber
        case .committed: Self.committedNumber
        case .refused: Self.refusedNumber
        }
    }

    fileprivate init(_ row: Row) throws {
        switch row["state"] as Int {
        case Self.openNumber: self = .open
        case Self.committedNumber:
            let (uploaded, expires) = (row.timestamp("uploaded"), row.timestamp("held_until"))
            self = .committed(
                StoredBlob(
                    address: try row.address(), size: row["received"], isNew: row["is_new"] == 1,
                    uploaded: try row.required(uploaded, "uploaded"), expires: try row.required(expires, "held_until")))
        case Self.refusedNumber:
            self = .refused(
                try row.required((row["refusal"] as String?).flatMap { StoreError(refusal: $0) }, "refusal"))
        default: throw CatalogError.failed("catalog: an upload in an unknown state")
        }
    }
}

extension LeaseTerms {
    fileprivate init(_ row: Row) throws {
        let receipts: Data = row["receipts"]
        let hashes = stride(from: 0, to: receipts.count, by: SecretHash.byteCount).compactMap {
            SecretHash(bytes: receipts.dropFirst($0).prefix(SecretHash.byteCount))
        }
        self.init(
            lifetime: (row["lifetime"] as Int64?).flatMap { Lifetime(seconds: $0) }, recipients: row["recipients"],
            owner: (row["owner"] as Data?).flatMap { SecretHash(bytes: $0) }, receipts: hashes,
            subject: row["subject"],
            entitlement: Entitlement(
                largestBytes: row["largest_bytes"],
                longestLifetime: (row["longest_seconds"] as Int64?).flatMap { Lifetime(seconds: $0) }))
    }
}

/// The columns of an upload, as `ResumableUpload` reads and returns them.
enum UploadColumns {
    static let count = 18
    static let all = """
        id, state, subject, size, received, announced, owner, receipts, lifetime, recipients, largest_bytes, \
        longest_seconds, expires, address, uploaded, held_until, is_new, refusal
        """
}
