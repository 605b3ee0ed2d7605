import Blobs
import FoundationEssentials
package import HTTPTypes
import Store

/// The body of a problem (RFC 9457 §3), with the members of `http-api.md`.
private struct ProblemDocument: Encodable {
    let type: String
    let title: String
    let status: Int
    let detail: String?
    let reason: String?
    let limit: Int64?
    let max: Int64?
    let limitName: String?
    let retryAfter: Int64?
    let expectedOffset: Int64?
    let providedOffset: Int64?

    private enum CodingKeys: String, CodingKey {
        case type, title, status, detail, reason, limit, max
        case limitName = "limit_name"
        case retryAfter = "retry_after"
        case expectedOffset = "expected-offset"
        case providedOffset = "provided-offset"
    }

    init(_ problem: Problem) {
        type = problem.code.type
        title = problem.code.title
        status = problem.code.status.code
        detail = problem.detail
        reason = problem.reason
        let isLifetime = problem.code == .lifetimeTooLong
        limit = isLifetime ? nil : problem.limit
        max = isLifetime ? problem.limit : nil
        limitName = problem.limitName
        retryAfter = problem.retryAfterSeconds
        expectedOffset = problem.offsets?.expected
        providedOffset = problem.offsets?.provided
    }
}

extension Problem.Code {
    /// The URI of the problem type: the registered one where there is one
    /// (draft-ietf-httpbis-resumable-upload, Problem Types).
    fileprivate var type: String {
        let registered = "https://iana.org/assignments/http-problem-types#"
        return switch self {
        case .wrongOffset: registered + "mismatching-upload-offset"
        case .wrongLength: registered + "inconsistent-upload-length"
        case .uploadComplete: registered + "completed-upload"
        default: "/problems/\(rawValue)"
        }
    }
}

extension Problem {
    package var status: HTTPResponse.Status { code.status }

    /// The JSON text of the body.
    package var body: [UInt8] { JSONText.encode(ProblemDocument(self)) }

    /// Every field of the response except its length. Caches never keep problems.
    package var answerFields: HTTPFields {
        var all = fields
        all[.contentType] = "application/problem+json"
        all[.cacheControl] = "no-store"
        all[.xContentTypeOptions] = "nosniff"
        all[.xReason] = code.rawValue
        if let retryAfterSeconds { all[.retryAfter] = String(retryAfterSeconds) }
        return all
    }
}

/// The JSON of this API: members in alphabetical order, slashes not escaped.
enum JSONText {
    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else {
            preconditionFailure("a document of texts and whole numbers always encodes")
        }
        return Array(data)
    }
}
