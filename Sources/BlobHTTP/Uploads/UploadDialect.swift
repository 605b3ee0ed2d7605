package import Blobs
package import HTTPTypes
import HummingbirdCore
package import Store

/// A protocol for resumable uploads: what the fields of its requests mean, and with which fields it responds. It
/// performs nothing: no dialect knows a store or a connection.
package protocol UploadDialect: Sendable {
    /// The fields of every response in this dialect.
    var commonFields: HTTPFields { get }

    /// Parses a request that creates an upload.
    func creation(_ fields: HTTPFields, subject: String) throws(Problem) -> UploadCreation

    /// Parses a request that appends.
    func part(_ fields: HTTPFields) throws(Problem) -> AppendRequest

    /// Refuses fields that do not belong in a request for the offset, or in one that cancels.
    func validate(_ question: UploadQuestion, _ fields: HTTPFields) throws(Problem)

    /// The fields of the interim response that names a new upload before its bytes arrive; nil where there is none.
    func announcement(of upload: ResumableUpload, at place: UploadContext) -> HTTPFields?

    /// The response to `request` about an upload that is open or committed.
    func answer(_ request: UploadRequest, _ upload: ResumableUpload, at place: UploadContext) -> UploadAnswer

    /// Additional fields of a refusal; `isFinal` if it ends the upload.
    func refusalFields(isFinal: Bool) -> HTTPFields
}

/// A request whose response reports the status of an upload.
package enum UploadRequest: Hashable, Sendable {
    /// It created the upload; `hasPart` if it contained bytes as well, or could have.
    case creation(hasPart: Bool)
    case append
    case offset
}

/// A request about an upload that contains none of its bytes.
package enum UploadQuestion: Hashable, Sendable {
    case offset, cancellation
}

/// A response that reports the status of an upload.
package enum UploadAnswer: Hashable, Sendable {
    case fields(HTTPResponse.Status, HTTPFields)
    /// The response that a plain upload would have had, with these fields added or replaced.
    case stored(HTTPFields)
}

/// What a response about an upload depends on besides the upload.
package struct UploadContext: Sendable {
    package let publicURL: PublicURL
    package let now: Timestamp
    /// Bytes of the largest blob.
    package let blobLimitBytes: Int64

    package init(publicURL: PublicURL, now: Timestamp, blobLimitBytes: Int64) {
        self.publicURL = publicURL
        self.now = now
        self.blobLimitBytes = blobLimitBytes
    }

    /// The URL of the upload.
    func url(of upload: ResumableUpload) -> String { "\(publicURL)/uploads/\(upload.id.hex)" }

    /// The URL of the blob that the upload became.
    func url(of blob: StoredBlob) -> String { "\(publicURL)/\(blob.address.hex)" }
}

extension Route {
    /// The dialect of a request to this route; nil where there is none, as in a plain upload.
    ///
    /// `/uploads` is for tus only. An upload by its id responds in the dialect of the request, and in the latest draft
    /// where the request does not say. Throws where it names two, and for a plain upload that claims that more will follow.
    package func uploadDialect(_ fields: HTTPFields) throws(Problem) -> (any UploadDialect)? {
        switch self {
        case .uploads: return TusDialect()
        case .upload:
            if let draft = DraftDialect(beginning: fields) { return draft }
            try DraftDialect.validate(plain: fields)
            return nil
        case .resumable: return try fields.uploadDialect()
        default: return nil
        }
    }

    /// What OPTIONS says about uploads.
    func uploadOffer(blobLimitBytes: Int64) -> HTTPFields {
        switch self {
        case .uploads: TusDialect.offer(blobLimitBytes: blobLimitBytes)
        case .upload: DraftDialect.offer(blobLimitBytes: blobLimitBytes)
        case .resumable:
            TusDialect.offer(blobLimitBytes: blobLimitBytes) + DraftDialect.offer(blobLimitBytes: blobLimitBytes)
        default: [:]
        }
    }

    /// The method of a request to this route. A POST to an upload by its id stands for another one where
    /// `X-HTTP-Method-Override` names it (tus 1.0); the field is ignored everywhere else.
    package func method(of request: HTTPRequest) -> HTTPRequest.Method {
        guard case .resumable = self, request.method == .post else { return request.method }
        let meant = [HTTPRequest.Method.patch, .delete, .head].first {
            $0.rawValue == request.headerFields[.xHTTPMethodOverride]?.uppercased()
        }
        return meant ?? .post
    }
}

extension HTTPFields {
    /// The dialect of a request to an upload by its id.
    func uploadDialect() throws(Problem) -> any UploadDialect {
        let draft = DraftDialect(naming: self)
        guard self[.tusResumable] != nil else { return draft ?? DraftDialect(.v8, isNamed: false) }
        guard self[.uploadDraftInteropVersion] == nil else {
            throw .badField(.tusResumable, "and Upload-Draft-Interop-Version name two protocols")
        }
        return TusDialect()
    }
}

extension Response {
    /// Adds the fields of a refusal in the dialect of the request, where that is known.
    mutating func addUploadFields(of error: any Error, _ request: Request, _ route: Route?) {
        guard let dialect = try? route?.uploadDialect(request.headers) else { return }
        let isFinal =
            switch error {
            case let problem as Problem: [.uploadDigestMismatch, .uploadComplete].contains(problem.code)
            case let error as StoreError: error.isFinalForUpload
            default: false
            }
        for field in dialect.commonFields { headers[field.name] = field.value }
        for field in dialect.refusalFields(isFinal: isFinal) { headers[field.name] = field.value }
    }
}

/// The bytes that one request adds to a resumable upload, as announced in its fields, whatever the dialect.
package struct AppendRequest: Hashable, Sendable {
    /// How the last byte is recognized.
    package enum Ending: Hashable, Sendable {
        /// The request says whether its bytes are the last ones.
        case stated(isLast: Bool)
        /// The upload is complete when it has its full length.
        case atLength
    }

    /// Where its bytes begin.
    package var offset: Int64
    /// How many there are; nil where that is known only at their end.
    package var count: Int64?
    /// The length of the whole upload, where the request gives it.
    package var length: Int64?
    package var ending: Ending
    /// The checksum that the bytes must have.
    package var checksum: UploadChecksum?

    package init(
        offset: Int64 = 0, count: Int64?, length: Int64? = nil, ending: Ending, checksum: UploadChecksum? = nil
    ) {
        self.offset = offset
        self.count = count
        self.length = length
        self.ending = ending
        self.checksum = checksum
    }

    /// The same for the store.
    var append: UploadAppend { UploadAppend(offset: offset, length: length, checksum: checksum) }

    /// Where its bytes end; nil where that is not announced, or overflows.
    private var end: Int64? {
        guard let count else { return nil }
        let (end, isTooLarge) = offset.addingReportingOverflow(count)
        return isTooLarge ? nil : end
    }

    /// Refuses a part that exceeds the length of the whole, or claims to be the last but ends before it.
    package func validate(length: Int64?) throws(Problem) {
        guard let length, count != nil else { return }
        guard let end, end <= length, end == length || ending != .stated(isLast: true) else {
            throw Problem(.wrongLength, limit: length)
        }
    }

    /// Whether the upload is complete once it is at `offset`.
    package func completes(at offset: Int64, length: Int64?) -> Bool {
        switch ending {
        case .stated(let isLast): isLast
        case .atLength: offset == length
        }
    }

    /// Refuses a part of a committed upload, unless it may be the one that completed it, whose response may have been
    /// lost.
    package func validate(committed size: Int64) throws(Problem) {
        switch ending {
        case .stated(isLast: true):
            guard count == nil || end == size else { throw Problem(.wrongLength, limit: size) }
        case .stated(isLast: false): throw Problem(.uploadComplete)
        case .atLength:
            guard offset == size else { throw Problem(StoreError.wrongOffset(size), in: self) }
            guard count ?? 0 == 0 else { throw Problem(.wrongLength, limit: size) }
        }
    }
}

/// A parsed request that creates a resumable upload.
package struct UploadCreation: Sendable {
    package var announcement: UploadAnnouncement
    /// Its own bytes, possibly none; nil where they come with other requests.
    package var part: AppendRequest?
}
