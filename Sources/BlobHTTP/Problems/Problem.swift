package import HTTPTypes

/// An error as a client sees it: a problem document (RFC 9457) in the body; its code and its limit in fields as well, since
/// a response to HEAD has nothing else.
package struct Problem: Error, Hashable, Sendable {
    /// The codes, each with its status. A code never changes its meaning once published.
    package enum Code: String, CaseIterable, Sendable {
        case badRequest = "bad-request"
        case badField = "bad-field"
        case lifetimeTooLong = "lifetime-too-long"
        case ticketMissing = "ticket-missing"
        case ticketInvalid = "ticket-invalid"
        case ticketTooSmall = "ticket-too-small"
        case edgeKeyMissing = "edge-key-missing"
        case edgeKeyInvalid = "edge-key-invalid"
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
        case receiptTaken = "receipt-taken"
        case slotWordMissing = "slot-word-missing"
        case slotWord = "slot-word"
        case slotExpired = "slot-expired"
        case slotUsed = "slot-used"
        case notEncrypted = "not-encrypted"
        case lengthRequired = "length-required"
        case preconditionFailed = "precondition-failed"
        case misdirected
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
        case originUnreachable = "origin-unreachable"
        case originFailed = "origin-failed"
        case loopDetected = "loop-detected"
        case diskFull = "disk-full"

        package var status: HTTPResponse.Status {
            switch self {
            case .badRequest, .badField, .lifetimeTooLong: .badRequest
            case .ticketMissing, .ticketInvalid, .edgeKeyMissing, .edgeKeyInvalid, .slotWordMissing: .unauthorized
            case .slotWord, .slotExpired, .ticketTooSmall, .wrongSecret, .wrongSubject, .banned, .readOnly: .forbidden
            case .notFound, .damaged: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .timeout: .requestTimeout
            case .digestMismatch, .receiptTaken, .slotUsed: .conflict
            case .gone, .leaseEnded: .gone
            case .lengthRequired: .lengthRequired
            case .preconditionFailed: .preconditionFailed
            case .misdirected: .misdirectedRequest
            case .tooLarge: .contentTooLarge
            case .notSealed, .notEncrypted: .unsupportedMediaType
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
            case .originUnreachable: .gatewayTimeout
            case .originFailed: .badGateway
            case .loopDetected: HTTPResponse.Status(code: 508, reasonPhrase: "Loop Detected")
            case .diskFull: HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
            }
        }

        /// The summary that is the same for every occurrence (RFC 9457 §3.1.3).
        package var title: String {
            switch self {
            case .badRequest: "The request is not well-formed HTTP"
            case .badField: "A request field is malformed"
            case .lifetimeTooLong: "The lifetime is longer than this store allows"
            case .ticketMissing: "A ticket is required"
            case .ticketInvalid: "The ticket is not valid here"
            case .edgeKeyMissing: "The key of an edge is required"
            case .edgeKeyInvalid: "The key of the edge is not valid here"
            case .ticketTooSmall: "The ticket does not permit this"
            case .wrongSecret: "The secret does not belong to any lease on this blob"
            case .wrongSubject: "Created with a ticket of another subject"
            case .banned: "This blob is banned here"
            case .readOnly: "This server is read-only"
            case .notFound: "Not found"
            case .damaged: "The stored blob is damaged; uploading it again repairs it"
            case .methodNotAllowed: "Method not allowed here"
            case .timeout: "The request took too long"
            case .digestMismatch: "The bytes do not match the announced digest"
            case .gone: "The blob is no longer available"
            case .leaseEnded: "The lease has ended for good"
            case .receiptTaken: "A receipt hash names another lease on this blob"
            case .slotWordMissing: "An upload to a slot takes the word of the chat server"
            case .slotWord: "The word of the chat server is not for this upload"
            case .slotExpired: "The slot has expired"
            case .slotUsed: "The slot has been used"
            case .notEncrypted: "Only encrypted files are accepted here"
            case .lengthRequired: "An upload must announce its length"
            case .preconditionFailed: "The blob does not match If-Match"
            case .misdirected: "The Host of the request is not this server"
            case .tooLarge: "The blob is larger than this store accepts"
            case .notSealed: "Only sealed blobs are accepted"
            case .badRange: "The blob has no such ranges"
            case .badExpectation: "Only 100-continue can be expected"
            case .wrongMediaType: "The Content-Type is not the one required here"
            case .tusVersion: "Only tus 1.0.0 is supported"
            case .uploadComplete: "The upload is already complete"
            case .uploadDigestMismatch: "The bytes do not match the announced digest; the upload was rejected"
            case .wrongOffset: "The upload is at a different offset"
            case .wrongLength: "The upload has a different length"
            case .wrongChecksum: "The bytes do not match their checksum"
            case .superseded: "A newer request has taken over this upload"
            case .quota: "A quota is used up"
            case .rate: "The rate limit is exceeded"
            case .headerTooLarge: "The request header is too large"
            case .unavailable: "The store is temporarily unavailable"
            case .originUnreachable: "The server behind this cache cannot be reached"
            case .originFailed: "The server behind this cache failed"
            case .loopDetected: "The request has come through this cache before"
            case .diskFull: "The server's disk is full"
            }
        }
    }

    package var code: Code
    /// This occurrence in one sentence, if there is more to say than the title. It never contains a secret or a path.
    package var detail: String?
    /// Why a blob is gone or a lease has ended.
    package var reason: String?
    /// The limit that was met, as a number.
    package var limit: Int64?
    /// Which limit was met, where several could have been.
    package var limitName: String?
    package var retryAfterSeconds: Int64?
    /// The offset of a resumable upload, and the one that the request gave.
    package var offsets: Offsets?
    /// Fields that belong to this response: Allow, Content-Range, WWW-Authenticate.
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

    /// A malformed field, by its name; its value is never repeated.
    package static func badField(_ name: HTTPField.Name, _ what: String) -> Problem {
        Problem(.badField, detail: "\(name.rawName) \(what).")
    }
}
