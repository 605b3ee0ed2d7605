import Blobs
package import HTTPTypes
import NIOHTTP1

/// A request as its caller states it.
package struct OriginRequest: Sendable {
    /// How the end of a request's body is told to the origin.
    package enum RequestBody: Hashable, Sendable {
        /// There is none.
        case none
        /// By its length, in Content-Length.
        case bytes(Int64)
        /// By its last chunk.
        case chunked
    }

    package var method: HTTPRequest.Method
    /// A path with perhaps a query, which is appended to the path of the origin's address.
    package var target: String
    /// Host and Content-Length are set by the client, whatever is in here.
    package var fields: HTTPFields
    package var body: RequestBody
    /// Is told every interim response (100, 104 …), on an event loop: it must not block.
    package var onInterim: (@Sendable (HTTPResponse.Status, HTTPFields) -> Void)?

    /// `fields` must have no Connection, TE or Transfer-Encoding: those are the connection's own affairs.
    package init(
        method: HTTPRequest.Method = .get, target: String, fields: HTTPFields = [:], body: RequestBody = .none,
        onInterim: (@Sendable (HTTPResponse.Status, HTTPFields) -> Void)? = nil
    ) {
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
        self.onInterim = onInterim
    }

    /// Whether it may be sent once more when the connection breaks without an answer (RFC 9110 §9.2.2).
    var isRepeatable: Bool { body == .none && (method == .get || method == .head) }
}

/// A request as it is sent.
struct PreparedRequest: Sendable {
    let request: OriginRequest
    let head: HTTPRequestHead

    init(_ request: OriginRequest, to address: OriginAddress) throws(OriginError) {
        guard RequestTarget.isSafe(request.target), !request.target.utf8.contains(UInt8(ascii: "#")) else {
            throw .malformed("the target of the request is no path")
        }
        guard request.method != .connect else { throw .malformed("CONNECT makes no exchange") }
        var headers = HTTPHeaders()
        headers.reserveCapacity(request.fields.count + 2)
        headers.add(name: "Host", value: "\(address.origin.authority)")
        for field in request.fields where field.name.canonicalName != "host" && field.name != .contentLength {
            precondition(
                field.name != .connection && field.name != .te && field.name != .transferEncoding,
                "\(field.name) is for the connection to say, not for a request")
            headers.add(name: field.name.rawName, value: field.value)
        }
        switch request.body {
        // A request with these methods says how long its body is, even if there is none (RFC 9110 §8.6).
        case .none where [.post, .put, .patch].contains(request.method): headers.add(name: "Content-Length", value: "0")
        case .none: break
        case .bytes(let count):
            precondition(count >= 0, "a body cannot have \(count) bytes")
            headers.add(name: "Content-Length", value: "\(count)")
        case .chunked: headers.add(name: "Transfer-Encoding", value: "chunked")
        }
        self.request = request
        head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: request.method.rawValue),
            uri: address.path + request.target, headers: headers)
    }
}

/// How much of a request's body has been written: it is never more or less than was announced, since what follows it on
/// the connection would be taken for the rest, or the other way round.
struct OutgoingBody {
    private(set) var isComplete: Bool
    /// Nil where the length is not announced.
    private var restBytes: Int64?

    init(_ body: OriginRequest.RequestBody) {
        isComplete = body == .none
        restBytes =
            switch body {
            case .none: 0
            case .bytes(let count): count
            case .chunked: nil
            }
    }

    /// So many bytes are about to be written.
    mutating func take(_ count: Int) throws(OriginError) {
        if count > 0, isComplete { throw .malformed("the body of the request goes on after its end") }
        guard let rest = restBytes else { return }
        guard Int64(count) <= rest else { throw .malformed("the body of the request is longer than was announced") }
        restBytes = rest - Int64(count)
    }

    /// All has been written.
    mutating func finish() throws(OriginError) {
        if let restBytes, restBytes > 0 { throw .malformed("the body of the request is shorter than was announced") }
        isComplete = true
    }
}
