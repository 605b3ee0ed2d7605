import Blobs
import FoundationEssentials
package import HTTPTypes
package import Store

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
        if let limit { all[.xLimit] = String(limit) }
        if let limitName { all[.xLimitName] = limitName }
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

extension Problem {
    /// Seconds to wait before asking an unavailable store again.
    static let pauseSeconds: Int64 = 5

    /// The response to an error of the store. Facts about the server's disk stay in its log.
    package init(storeError error: StoreError) {
        switch error {
        case .tooLarge(let limitBytes): self.init(.tooLarge, limit: limitBytes)
        case .notSealed: self.init(.notSealed)
        case .notEncrypted: self.init(.notEncrypted)
        case .lengthMismatch(let announced, let received):
            self.init(.badField, detail: "Content-Length announced \(announced) bytes, but \(received) arrived.")
        case .digestMismatch(let announced, let actual):
            self.init(.digestMismatch, detail: "Announced \(announced.hex), received \(actual.hex).")
        case .lifetimeTooLong(let limit): self.init(.lifetimeTooLong, limit: limit.seconds)
        case .sizeNotEntitled(let limitBytes): self = .ticketTooSmall("max_size", limit: limitBytes)
        case .lifetimeNotEntitled(let limit): self = .ticketTooSmall("max_lifetime", limit: limit.seconds)
        case .recipientsNotEntitled(let limit): self = .ticketTooSmall("recipients", limit: Int64(limit))
        case .leaseEnded(let reason): self.init(.leaseEnded, reason: reason.rawValue)
        case .receiptTaken: self.init(.receiptTaken)
        case .aliasTaken: self.init(.slotUsed)
        case .notFound: self.init(.notFound)
        case .gone(let reason): self.init(.gone, reason: reason.rawValue)
        case .damaged: self.init(.damaged)
        case .wrongSecret: self.init(.wrongSecret)
        case .wrongSubject: self.init(.wrongSubject)
        case .banned: self.init(.banned)
        case .wrongOffset(let offset): self.init(.wrongOffset, fields: [.uploadOffset: "\(offset)"])
        case .wrongLength: self.init(.wrongLength)
        case .wrongChecksum: self.init(.wrongChecksum)
        case .superseded: self.init(.superseded)
        case .busy(let limit, let seconds): self.init(.quota, limitName: limit, retryAfterSeconds: seconds)
        case .diskFull: self.init(.diskFull)
        case .unavailable(let why): self.init(.unavailable, detail: why, retryAfterSeconds: Self.pauseSeconds)
        case .outcomeUnknown:
            self.init(
                .unavailable, detail: "The outcome is unknown: query the lease before retrying.",
                retryAfterSeconds: Self.pauseSeconds)
        case .io:
            self.init(.unavailable, detail: "The store failed.", retryAfterSeconds: Self.pauseSeconds)
        }
    }
}

extension Problem {
    /// The response to an error about a resumable upload, where it differs from that for a plain one; nil where it does
    /// not.
    init?(resuming error: StoreError, in part: AppendRequest?) {
        switch error {
        case .wrongOffset(let offset):
            self.init(storeError: error)
            offsets = part.map { Offsets(expected: offset, provided: $0.offset) }
        case .lengthMismatch(let announced, _): self.init(.wrongLength, limit: announced)
        case .digestMismatch(let announced, let actual):
            self.init(.uploadDigestMismatch, detail: "Announced \(announced.hex), received \(actual.hex).")
        default: return nil
        }
    }

    /// The response to any error about a resumable upload.
    init(_ error: StoreError, in part: AppendRequest?) {
        self = Problem(resuming: error, in: part) ?? Problem(storeError: error)
    }
}
