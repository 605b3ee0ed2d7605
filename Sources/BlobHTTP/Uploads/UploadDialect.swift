package import Blobs
package import HTTPTypes
package import Store

/// A protocol of resumable uploads: what fields of requests mean in it, and with which fields it tells what became of
/// them. What is done lies outside: nothing here knows a store or a connection.
package protocol UploadDialect: Sendable {
    /// The fields of every answer in this dialect.
    var commonFields: HTTPFields { get }

    /// What a request that begins an upload asks for.
    func creation(_ fields: HTTPFields, subject: String) throws(Problem) -> UploadCreation

    /// What a request that appends brings.
    func part(_ fields: HTTPFields) throws(Problem) -> UploadPart

    /// Refuses what may not stand in a request that asks for the offset, or one that cancels.
    func judge(_ question: UploadQuestion, _ fields: HTTPFields) throws(Problem)

    /// The fields of the interim answer that names a new upload before its bytes come; nil where there is none.
    func announcement(of upload: ResumableUpload, at place: UploadPlace) -> HTTPFields?

    /// What is told of an upload that is open or committed, in answer to `request`.
    func answer(_ request: UploadRequest, _ upload: ResumableUpload, at place: UploadPlace) -> UploadAnswer

    /// The fields that a refusal has besides; `isFinal` if the upload ends with it.
    func refusalFields(isFinal: Bool) -> HTTPFields
}

/// A request that is answered with how an upload stands.
package enum UploadRequest: Hashable, Sendable {
    /// It began the upload; `hasPart` if it brought bytes too, or could have.
    case creation(hasPart: Bool)
    case append
    case offset
}

/// A request about an upload that brings it nothing.
package enum UploadQuestion: Hashable, Sendable {
    case offset, cancellation
}

/// An answer that tells how an upload stands.
package enum UploadAnswer: Hashable, Sendable {
    case fields(HTTPResponse.Status, HTTPFields)
    /// The answer that a plain upload would have had, with fields added or put in the place of its own.
    case stored(HTTPFields)
}

/// Where and when an answer about an upload is given.
package struct UploadPlace: Sendable {
    package let publicURL: PublicURL
    package let now: Timestamp
    /// Bytes of the largest blob.
    package let blobLimitBytes: Int64

    package init(publicURL: PublicURL, now: Timestamp, blobLimitBytes: Int64) {
        self.publicURL = publicURL
        self.now = now
        self.blobLimitBytes = blobLimitBytes
    }

    /// Where the upload goes on.
    func url(of upload: ResumableUpload) -> String { "\(publicURL)/uploads/\(upload.id.hex)" }

    /// Where the blob is served that the upload became.
    func url(of blob: StoredBlob) -> String { "\(publicURL)/\(blob.address.hex)" }
}
