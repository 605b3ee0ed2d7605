package import Blobs
import HTTPTypes
import Store

/// A request to read a blob: the address, and what of GET or HEAD bears on the response.
package struct ReadRequest: Hashable, Sendable {
    /// Why a request is refused whatever the blob.
    package enum Fault: Hashable, Sendable {
        /// It has a body, which would mean nothing (RFC 9110 §9.3.1).
        case body
        /// It expects something other than `100-continue` (RFC 9110 §10.1.1).
        case expectation

        var problem: Problem {
            switch self {
            case .body: Problem(.badRequest, detail: "GET and HEAD take no body.")
            case .expectation: Problem(.badExpectation)
            }
        }
    }

    package let address: BlobAddress
    package var isHead: Bool
    package var range: String?
    package var preconditions: Preconditions
    package var fault: Fault?
    /// Whom the response counts against; nil where that is not worth looking up.
    package var client: ClientAddress?

    package init(
        _ address: BlobAddress, isHead: Bool = false, range: String? = nil,
        preconditions: Preconditions = Preconditions(), fault: Fault? = nil
    ) {
        self.address = address
        self.isHead = isHead
        self.range = range
        self.preconditions = preconditions
        self.fault = fault
    }

    /// From a head that HTTP/2 has framed; nil for every other request.
    init?(_ head: HTTPRequest) {
        guard head.method == .get || head.method == .head, let path = head.path, let address = Route.blob(inPath: path)
        else { return nil }
        let fields = head.headerFields
        self.init(
            address, isHead: head.method == .head, range: fields[.range],
            preconditions: Preconditions(
                ifMatch: fields[.ifMatch], ifNoneMatch: fields[.ifNoneMatch], ifRange: fields[.ifRange]))
        if let length = fields[.contentLength], length != "0" {
            fault = .body
        } else if let expectation = fields[.expect], expectation.lowercased() != "100-continue" {
            fault = .expectation
        }
    }

    /// Whether it asks for nothing but the whole blob.
    var isPlain: Bool { range == nil && preconditions == Preconditions() }

    /// The hint for the store. A client that sends If-None-Match nearly always has the blob, and needs none of its
    /// bytes.
    var intent: ReadIntent {
        if isHead || preconditions.ifNoneMatch != nil { return .head }
        return range == nil ? .whole : .ranges
    }
}
