package import Blobs
package import Store
package import StoreRules

/// An open upload that takes a place.
package struct UploadPlace: Sendable, Hashable {
    package let id: UploadID
    package let subject: String
    /// How many places its subject takes.
    package let places: Int
    package let hasBytes: Bool
    package let expires: Timestamp
}

/// Uploads that outlive their requests.
extension SharedReader {
    /// How an upload stands; nil for one never made, or forgotten.
    package func upload(_ id: UploadID) throws(SharedCatalogError) -> KeptUpload? {
        try uploads(ask(.lookAtUploads, PostgresParameter(.bytes, [.bytes(id.bytes)]))).first
    }

    /// The next open uploads in the order of their ids, at most `pageRows`; from the first where `id` is nil.
    package func openUploads(after id: UploadID?) throws(SharedCatalogError) -> [KeptUpload] {
        try uploads(ask(.openUploads, .init(.bytes(id?.bytes ?? [])), limit(SharedCatalog.pageRows)))
    }

    /// Uploads whose time is up at `now`, finished ones too, soonest first, from behind `previous` on.
    package func dueUploads(
        at now: Timestamp, after previous: ResumableUpload?, limit count: Int
    ) throws(SharedCatalogError) -> [KeptUpload] {
        try uploads(
            ask(
                .dueUploads, .init(.of(now)), .init(.number(previous?.expires.seconds ?? .min)),
                .init(.bytes(previous?.id.bytes ?? [])), limit(count)))
    }

    func uploads(_ rows: PostgresRows) throws(SharedCatalogError) -> [KeptUpload] {
        var uploads: [KeptUpload] = []
        for row in rows.all {
            let found = try UploadRow(row)
            uploads.append(KeptUpload(upload: found.upload, objects: found.objects))
        }
        return uploads
    }

    /// The number of open uploads, and of the bytes that are here of them.
    package func openUploadSum() throws(SharedCatalogError) -> BlobTotal {
        let row = try one(.openUploadSum)
        return BlobTotal(count: try row.number(0), bytes: try row.number(1))
    }

    /// What a subject's open uploads come to.
    package func kept(of subject: String) throws(SharedCatalogError) -> KeptShare {
        guard let row = try ask(.findKept, .texts([subject])).first else { return KeptShare() }
        return KeptShare(uploads: try row.int(1), bytes: try row.number(2))
    }

    /// The open upload that is the first to lose its place: of the subject that has the most, one without bytes, the one
    /// that waits longest.
    package func firstToLose() throws(SharedCatalogError) -> UploadPlace? {
        guard let row = try ask(.firstToLose).first else { return nil }
        return UploadPlace(
            id: try row.value(0), subject: try row.text(1), places: try row.int(2), hasBytes: try row.flag(3),
            expires: try row.time(4))
    }
}

extension PostgresStatement {
    fileprivate static let openUploads = PostgresStatement(
        "open uploads",
        """
        SELECT \(UploadRow.columns) FROM satchel.upload WHERE state = 1 AND id > $1::bytea ORDER BY id LIMIT $2::bigint
        """)
    fileprivate static let dueUploads = PostgresStatement(
        "due uploads",
        """
        SELECT \(UploadRow.columns) FROM satchel.upload
        WHERE expires <= $1::bigint AND (expires, id) > ($2::bigint, $3::bytea) ORDER BY expires, id LIMIT $4::bigint
        """)
    fileprivate static let openUploadSum = PostgresStatement(
        "open upload sum",
        "SELECT count(*), coalesce(sum(received), 0)::bigint FROM satchel.upload WHERE state = 1")
    fileprivate static let firstToLose = PostgresStatement(
        "first to lose",
        """
        SELECT id, subject, places, received > 0, expires FROM (
            SELECT id, subject, received, expires, count(*) OVER (PARTITION BY subject) AS places
            FROM satchel.upload WHERE state = 1) u
        ORDER BY places DESC, received > 0, expires, id LIMIT 1
        """)
}
