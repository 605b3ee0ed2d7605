/// One field of a request or an answer.
package struct HTTPField: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// What is asked of a server.
package struct HTTPRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case put = "PUT"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"

        /// Servers expect to be told how long the body is, even where there is none (RFC 9110 §8.6).
        var expectsBody: Bool { self == .put || self == .post || self == .patch }
    }

    package var method: Method
    package var url: WebURL
    package var fields: [HTTPField]
    /// Only public addresses will do: the host comes from a stranger's message, not from the configuration.
    package var requiresPublicAddress: Bool

    package init(_ method: Method, _ url: WebURL, fields: [HTTPField] = [], requiresPublicAddress: Bool = false) {
        self.method = method
        self.url = url
        self.fields = fields
        self.requiresPublicAddress = requiresPublicAddress
    }
}

/// What a server answered, less a body that went to a file.
package struct HTTPResponse: Sendable {
    package var status: Int
    /// In the order they came, names in lower case.
    package var fields: [HTTPField]
    /// The body; empty where it went to a file.
    package var body: [UInt8]

    package init(status: Int, fields: [HTTPField] = [], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// The value of the only field of that name (in lower case); nil where there is none, or there are several.
    package subscript(name: String) -> String? {
        let values = fields.filter { $0.name == name }
        return values.count == 1 ? values[0].value : nil
    }

    /// The media type without its parameters, in lower case.
    package var mediaType: String? {
        self["content-type"]?.prefix { $0 != ";" && $0 != " " }.lowercased()
    }
}
