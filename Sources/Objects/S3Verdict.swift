import Blobs
import HTTPTypes

/// What an answer of an S3-compatible store means.
enum S3Verdict: Hashable, Sendable {
    /// It did what was asked for.
    case done
    /// There is no such object; as an answer to HEAD, that or a refusal.
    case absent
    /// The object ends before the range that was asked for.
    case beyond
    /// It may be done by another attempt.
    case again(RetryRule.Failure)
    /// The request was signed by another clock than the store's, which tells this time.
    case skewed(Timestamp)
    /// It will not be done by another one.
    case end(ObjectError)

    init(_ kind: S3Request.Kind, _ answer: S3Answer) {
        // What an object holds may look like an error.
        let mayBeError = !(200..<300).contains(answer.status) || kind != .get
        let code = mayBeError && answer.body.count <= S3Answer.errorLimit ? S3Document.errorCode(answer.body) : nil
        self.init(kind, status: answer.status, code: code, fields: answer.fields)
    }

    /// - Parameters:
    ///   - status: Of HTTP.
    ///   - code: Of the error's document, where there is one.
    init(_ kind: S3Request.Kind, status: Int, code: String?, fields: HTTPFields) {
        let words = [code, "status \(status)"].compactMap { $0 }.joined(separator: ", ")
        switch (status, code) {
        // An error where there should be none, as SlowDown behind a 200 that was sent too early.
        case (200..<300, "SlowDown"?), (429, _), (503, _):
            self = .again(.overloaded(retryAfterSeconds: Self.wait(fields)))
        case (200, nil),
            (206, nil) where kind == .get, (204, nil) where kind == .remove:
            self = .done
        case (200..<300, _): self = .again(.nonsense("it answered with \(words)"))
        case (404, "NoSuchKey"?) where kind == .get || kind == .size: self = .absent
        // HEAD has no document: what a refusal is about has to be found out otherwise.
        case (400..<500, nil) where kind == .size: self = .absent
        case (404, "NoSuchBucket"?): self = .end(.refused(Self.noBucket))
        case (404, _): self = .again(.nonsense("it answered with \(words)"))
        case (416, _) where kind == .get: self = .beyond
        case (507, _), (_, "QuotaExceeded"?), (_, "InsufficientStorage"?), (_, "XMinioStorageFull"?): self = .end(.full)
        case (403, "RequestTimeTooSkewed"?): self = Self.skewed(fields, words)
        case (400, "RequestTimeout"?), (400, "IncompleteBody"?), (408, _), (409, "OperationAborted"?),
            // Bytes were changed on their way.
            (400, "BadDigest"?), (400, "XAmzContentSHA256Mismatch"?), (400, "InvalidDigest"?):
            self = .again(.broken("it answered with \(words)"))
        case (501, _): self = .end(.refused("it cannot do that (\(words))"))
        case (500..<600, _): self = .again(.broken("it answered with \(words)"))
        case (300..<400, _): self = .end(.refused("the bucket is elsewhere (\(words))"))
        default: self = .end(.refused(words))
        }
    }

    static let noBucket = "there is no such bucket"

    private static func skewed(_ fields: HTTPFields, _ words: String) -> S3Verdict {
        guard let time = fields[.date].flatMap({ HTTPDate.parse($0) }) else { return .end(.refused(words)) }
        return .skewed(time)
    }

    /// What Retry-After says, in seconds (RFC 9110 §10.2.3).
    private static func wait(_ fields: HTTPFields) -> Int64? {
        fields[.retryAfter].flatMap { SaturatingDigits.parse($0) }
    }
}
