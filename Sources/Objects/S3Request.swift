import Blobs
import HTTPTypes

/// One request to an S3-compatible store, before it is signed.
struct S3Request: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        case put, get, size, list, remove, versioning

        /// Whether the store changes something.
        var isWrite: Bool { self == .put || self == .remove }
        /// Whether the request has a body, perhaps an empty one.
        var hasBody: Bool { isWrite }
    }

    let kind: Kind
    /// Of the object, with the prefix of all names; empty for the bucket.
    var key = ""
    /// Names and values as they are, not encoded.
    var query: [(name: String, value: String)] = []
    /// Fields beside Host and what the signature adds, with names in lower case.
    var fields: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// SHA-256 of `body`.
    var digest = S3Request.emptyDigest
    /// Bytes of the largest body of an answer that is not an error.
    var answerLimit: Int64 = 64 << 10

    var method: HTTPRequest.Method {
        switch kind {
        case .put: .put
        case .get, .list, .versioning: .get
        case .size: .head
        case .remove: .post
        }
    }

    /// SHA-256 of nothing.
    static let emptyDigest = BlobAddress(of: [])
}

/// An answer to one.
struct S3Answer: Sendable {
    /// Bytes of the largest error that is read.
    static let errorLimit: Int64 = 64 << 10

    let status: Int
    let fields: HTTPFields
    let body: [UInt8]
    /// Of the object, as HEAD tells it.
    let contentLength: Int64?
}
