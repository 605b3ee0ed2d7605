/// One field of a request or a response.
package struct HTTPField: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A request without its body.
package struct HTTPRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case put = "PUT"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"

        /// Servers expect a Content-Length even without a body (RFC 9110 §8.6).
        var expectsBody: Bool { self == .put || self == .post || self == .patch }
    }

    package var method: Method
    package var url: WebURL
    package var fields: [HTTPField]
    /// Connects to public addresses only: the host comes from a message, not from the configuration.
    package var requiresPublicAddress: Bool
    /// Gives up unless the first byte of the response's body is there after this long, connecting included; nil to wait as
    /// long as the settings say.
    package var firstByteMilliseconds: Int?
    /// Whether the response may come compressed; its body is unpacked here.
    package var acceptsCompression = false
    /// The most bytes of a body that does not go to a file, unpacked.
    package var answerLimitBytes = TransferSettings.answerLimitBytes

    package init(
        _ method: Method, _ url: WebURL, fields: [HTTPField] = [], requiresPublicAddress: Bool = false,
        firstByteMilliseconds: Int? = nil
    ) {
        self.method = method
        self.url = url
        self.fields = fields
        self.requiresPublicAddress = requiresPublicAddress
        self.firstByteMilliseconds = firstByteMilliseconds
    }
}

/// A response, without a body that went to a file.
package struct HTTPResponse: Sendable {
    package var status: Int
    /// In the order they came, names in lower case.
    package var fields: [HTTPField]
    /// The body; empty if it went to a file.
    package var body: [UInt8]

    package init(status: Int, fields: [HTTPField] = [], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// The value of the only field of that name (in lower case); nil if there is none, or more than one.
    package subscript(name: String) -> String? {
        let values = fields.filter { $0.name == name }
        return values.count == 1 ? values[0].value : nil
    }

    /// The media type without its parameters, in lower case.
    package var mediaType: String? {
        self["content-type"]?.prefix { $0 != ";" && $0 != " " }.lowercased()
    }
}

/// Collects the head of a response line by line. A new status line starts over, which drops interim responses.
struct ResponseHead {
    /// The most bytes in all lines together.
    static let limitBytes = 64 * 1024

    private(set) var response = HTTPResponse(status: 0)
    private var byteCount = 0

    /// Takes the next line, with its line ending. False if it is malformed or the head is too long.
    mutating func take(_ line: [UInt8]) -> Bool {
        byteCount += line.count
        guard byteCount <= Self.limitBytes else { return false }
        let text = String(decoding: line, as: UTF8.self).trimmingEnding()
        if text.isEmpty { return true }
        if text.hasPrefix("HTTP/") { return begin(text) }
        guard let colon = text.firstIndex(of: ":") else { return false }
        let value = text[text.index(after: colon)...].trimmingBlanks()
        response.fields.append(HTTPField(text[..<colon].lowercased(), String(value)))
        return true
    }

    private mutating func begin(_ statusLine: Substring) -> Bool {
        let parts = statusLine.split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[1].utf8.count == 3, let status = Int(parts[1]), status >= 100 else {
            return false
        }
        response = HTTPResponse(status: status)
        return true
    }
}

extension String {
    fileprivate func trimmingEnding() -> Substring {
        self[...].dropLast { $0 == "\r" || $0 == "\n" || $0 == "\r\n" }
    }
}

extension Substring {
    fileprivate func trimmingBlanks() -> Substring {
        drop { $0 == " " || $0 == "\t" }.dropLast { $0 == " " || $0 == "\t" }
    }

    fileprivate func dropLast(while condition: (Character) -> Bool) -> Substring {
        var rest = self
        while let last = rest.last, condition(last) { rest.removeLast() }
        return rest
    }
}
