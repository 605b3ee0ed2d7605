package import Blobs
package import Store
package import StoreRules

/// A store that is moved: its rows, whole and in order, and its bytes. It may be served meanwhile: each call sees it as it
/// is at that moment.
package protocol RecordSource: Sendable {
    /// The latest time that the store has relied on.
    func latest() async throws(StoreError) -> Timestamp

    /// The next records in the order of their addresses, as many as `RecordLimits` allow; from the first where `address` is
    /// nil, none at the end. A removal that has begun is told as finished.
    func records(after address: BlobAddress?) async throws(StoreError) -> [BlobRecord]

    /// The next uploads that are committed or refused, in the order of their ids; none at the end.
    func finishedUploads(after id: UploadID?) async throws(StoreError) -> [ResumableUpload]

    /// The next bans in the order of their addresses; none at the end.
    func bans(after address: BlobAddress?) async throws(StoreError) -> [BanRecord]

    /// The next subjects that have made leases of late, in the order of the bytes of their names; none at the end.
    func subjects(after subject: String?) async throws(StoreError) -> [SubjectRecord]

    /// The bytes of a held blob in this range, or as many as there are.
    func bytes(of blob: BlobRow, in range: ByteRange) async throws(StoreError) -> [UInt8]

    /// Throws `.unavailable` while anybody else serves the store. Once it has returned nobody does until this value goes.
    func claim() async throws(StoreError)
}

/// How much is moved in one step.
package enum RecordLimits {
    package static let blobs = 500
    /// No more blobs once there are so many leases.
    package static let leases = 10_000
    /// Bytes of a blob that are in memory.
    package static let pieceBytes: Int64 = 8 << 20
}

/// A store that another one is moved into. Nobody else uses it.
package protocol RecordSink: RecordSource {
    /// Bytes that are here and durable, and that no row names yet.
    associatedtype Bytes: Sendable

    /// Fetches the bytes of a blob; nil where they are not the blob's.
    func take(_ blob: BlobRow, from source: some RecordSource) async throws(StoreError) -> Bytes?

    /// Makes the rows of these addresses what they are elsewhere. What is held needs `bytes`, unless it was held before.
    func replace(
        _ records: [BlobRecord], bytes: [BlobAddress: Bytes], dropping dropped: [BlobAddress]
    ) async throws(StoreError)

    /// Makes these uploads, bans and days what they are elsewhere.
    func replace(_ change: ReplaceUploads) async throws(StoreError)
    func replace(_ change: ReplaceBans) async throws(StoreError)
    func replace(_ change: ReplaceDays) async throws(StoreError)
}
