import Blobs
package import HTTPTypes
import NIOHTTP1

/// The head of a final response.
package struct OriginHead: Hashable, Sendable {
    package let status: HTTPResponse.Status
    /// As they came, those about the connection included.
    package let fields: HTTPFields
    /// What Content-Length says: of the body, or in answers without one (HEAD, 304) of the body that there would be.
    package let contentLength: Int64?
}

/// How the end of a response's body is found (RFC 9112 §6.3).
enum BodyFraming: Hashable {
    /// There is no body.
    case none
    case length(Int64)
    case chunked
    /// It ends with the connection.
    case toTheEnd
}

/// What the head of a final response says, read strictly: whatever could be understood in two ways is refused.
struct ResponseReading {
    let head: OriginHead
    let framing: BodyFraming
    /// Whether the connection can serve another exchange.
    let keepsAlive: Bool

    init(_ response: HTTPResponseHead, to method: HTTPRequest.Method) throws(OriginError) {
        let status = try Self.status(response)
        guard status.code != 101 else { throw .malformed("it switches protocols, which nobody asked for") }
        let length = try Self.length(response.headers)
        let hasBody = method != .head && status.code != 204 && status.code != 304
        let framing = hasBody ? try Self.framing(response, length) : .none
        head = OriginHead(
            status: status, fields: try Self.fields(response.headers), contentLength: framing == .chunked ? nil : length
        )
        self.framing = framing
        keepsAlive = framing != .toTheEnd && Self.keepsAlive(response)
    }

    /// The status of any response.
    static func status(_ response: HTTPResponseHead) throws(OriginError) -> HTTPResponse.Status {
        let code = Int(response.status.code)
        guard (100...599).contains(code) else { throw .malformed("its status is \(code)") }
        return HTTPResponse.Status(code: code, reasonPhrase: response.status.reasonPhrase)
    }

    /// The fields of any response.
    static func fields(_ headers: HTTPHeaders) throws(OriginError) -> HTTPFields {
        var fields = HTTPFields()
        fields.reserveCapacity(headers.count)
        for (name, value) in headers {
            guard let name = HTTPField.Name(name) else { throw .malformed("it has a field with a name that is none") }
            fields.append(HTTPField(name: name, value: value))
        }
        return fields
    }

    private static func length(_ headers: HTTPHeaders) throws(OriginError) -> Int64? {
        let values = headers["content-length"]
        guard let first = values.first else { return nil }
        guard values.allSatisfy({ $0 == first }) else { throw .malformed("it has two different Content-Lengths") }
        // A number that does not fit is the largest one, which is no length.
        guard let length = SaturatingDigits.parse(first), length < .max else {
            throw .malformed("its Content-Length is no number")
        }
        return length
    }

    private static func framing(_ response: HTTPResponseHead, _ length: Int64?) throws(OriginError) -> BodyFraming {
        let codings = response.headers["transfer-encoding"]
        guard let coding = codings.first else { return length.map { .length($0) } ?? .toTheEnd }
        guard length == nil else { throw .malformed("it has both Content-Length and Transfer-Encoding") }
        guard response.version == .http1_1 else { throw .malformed("HTTP/1.0 has no Transfer-Encoding") }
        guard codings.count == 1, coding.lowercased() == "chunked" else {
            throw .malformed("its Transfer-Encoding is not just chunked")
        }
        return .chunked
    }

    /// RFC 9112 §9.3.
    private static func keepsAlive(_ response: HTTPResponseHead) -> Bool {
        let options = response.headers[canonicalForm: "connection"].map { $0.lowercased() }
        if options.contains("close") { return false }
        return response.version == .http1_1 || options.contains("keep-alive")
    }
}
