package import HTTPTypes

/// A refusal as a client reads it: RFC 9457 in the body, the short reason in `X-Reason` as well, since that is all an
/// answer to HEAD has.
package struct Problem: Error, Hashable, Sendable {
    /// The short reasons, and with each its status. Codes never change their meaning once published.
    package enum Code: String, CaseIterable, Sendable {
        case badRequest = "bad-request"
        case badField = "bad-field"
        case lifetimeTooLong = "lifetime-too-long"
        case ticketMissing = "ticket-missing"
        case ticketInvalid = "ticket-invalid"
        case ticketTooSmall = "ticket-too-small"
        case wrongSecret = "wrong-secret"
        case wrongSubject = "wrong-subject"
        case banned
        case readOnly = "read-only"
        case notFound = "not-found"
        case damaged
        case methodNotAllowed = "method-not-allowed"
        case timeout
        case digestMismatch = "digest-mismatch"
        case gone
        case leaseEnded = "lease-ended"
        case lengthRequired = "length-required"
        case preconditionFailed = "precondition-failed"
        case tooLarge = "too-large"
        case notSealed = "not-sealed"
        case badRange = "bad-range"
        case badExpectation = "bad-expectation"
        case wrongMediaType = "wrong-media-type"
        case tusVersion = "tus-version"
        case uploadComplete = "upload-complete"
        case uploadDigestMismatch = "upload-digest-mismatch"
        case wrongOffset = "wrong-offset"
        case wrongLength = "wrong-length"
        case wrongChecksum = "wrong-checksum"
        case superseded
        case quota
        case rate
        case headerTooLarge = "header-too-large"
        case unavailable
        case diskFull = "disk-full"

        package var status: HTTPResponse.Status {
            switch self {
            case .badRequest, .badField, .lifetimeTooLong: .badRequest
            case .ticketMissing, .ticketInvalid: .unauthorized
            case .ticketTooSmall, .wrongSecret, .wrongSubject, .banned, .readOnly: .forbidden
            case .notFound, .damaged: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .timeout: .requestTimeout
            case .digestMismatch: .conflict
            case .gone, .leaseEnded: .gone
            case .lengthRequired: .lengthRequired
            case .preconditionFailed: .preconditionFailed
            case .tooLarge: .contentTooLarge
            case .notSealed: .unsupportedMediaType
            case .badRange: .rangeNotSatisfiable
            case .badExpectation: .expectationFailed
            case .wrongOffset, .superseded: .conflict
            case .wrongLength, .uploadComplete: .badRequest
            case .uploadDigestMismatch: .unprocessableContent
            case .wrongMediaType: .unsupportedMediaType
            case .tusVersion: .preconditionFailed
            case .wrongChecksum: HTTPResponse.Status(code: 460, reasonPhrase: "Checksum Mismatch")
            case .quota, .rate: .tooManyRequests
            case .headerTooLarge: .requestHeaderFieldsTooLarge
            case .unavailable: .serviceUnavailable
            case .diskFull: HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
            }
        }

        /// The summary that is the same for every occurrence (RFC 9457 §3.1.3).
        package var title: String {
            switch self {
            case .badRequest: "The request is not well-formed HTTP"
            case .badField: "A field of the request is malformed"
            case .lifetimeTooLong: "Nothing is kept that long here"
            case .ticketMissing: "This needs a ticket"
            case .ticketInvalid: "This ticket is not taken here"
            case .ticketTooSmall: "The ticket does not reach that far"
            case .wrongSecret: "The secret names no lease on this blob"
            case .wrongSubject: "The lease was made with a ticket of another subject"
            case .banned: "This blob is not wanted here"
            case .readOnly: "This server only serves downloads"
            case .notFound: "There is nothing here"
            case .damaged: "The blob is damaged; uploading its bytes again heals it"
            case .methodNotAllowed: "This method does not apply here"
            case .timeout: "The request came too slowly"
            case .digestMismatch: "The bytes are not the ones announced"
            case .gone: "The blob was held once and is gone"
            case .leaseEnded: "This lease has ended, and what ended stays ended"
            case .lengthRequired: "An upload must announce its length"
            case .preconditionFailed: "The blob is not the one that If-Match asks for"
            case .tooLarge: "The blob is larger than this store takes"
            case .notSealed: "Only sealed blobs are taken here"
            case .badRange: "The blob has no such ranges"
            case .badExpectation: "Only 100-continue can be expected"
            case .wrongMediaType: "The bytes have another type than this takes"
            case .tusVersion: "Only tus 1.0.0 is spoken here"
            case .uploadComplete: "The upload is complete"
            case .uploadDigestMismatch: "The bytes are not the ones announced, and the upload is refused"
            case .wrongOffset: "The upload stands at another offset"
            case .wrongLength: "The upload has another length"
            case .wrongChecksum: "The bytes do not add up to their checksum"
            case .superseded: "A newer request goes on with this upload"
            case .quota: "A limit is used up for now"
            case .rate: "Too much at once; the same later is welcome"
            case .headerTooLarge: "The request's header is too large"
            case .unavailable: "The store cannot do this now"
            case .diskFull: "The disk is full"
            }
        }
    }

    package var code: Code
    /// This occurrence in one sentence, if there is more to say than the title; no secret and no path of the server.
    package var detail: String?
    /// Why a blob is gone or a lease has ended.
    package var reason: String?
    /// The limit that was met, as a number.
    package var limit: Int64?
    /// Which limit was met, where several could have been.
    package var limitName: String?
    package var retryAfterSeconds: Int64?
    /// Where a resumable upload stands, and where the request would have gone on with it.
    package var offsets: Offsets?
    /// Fields that belong to this answer: Allow, Content-Range, WWW-Authenticate.
    package var fields: HTTPFields

    /// Two offsets that should have been one.
    package struct Offsets: Hashable, Sendable {
        package let expected: Int64
        package let provided: Int64
    }

    package init(
        _ code: Code, detail: String? = nil, reason: String? = nil, limit: Int64? = nil, limitName: String? = nil,
        retryAfterSeconds: Int64? = nil, fields: HTTPFields = [:]
    ) {
        self.code = code
        self.detail = detail
        self.reason = reason
        self.limit = limit
        self.limitName = limitName
        self.retryAfterSeconds = retryAfterSeconds
        self.fields = fields
    }

    /// A field that could not be read, by its name; the value is never repeated.
    package static func badField(_ name: HTTPField.Name, _ what: String) -> Problem {
        Problem(.badField, detail: "\(name.rawName) \(what).")
    }
}
