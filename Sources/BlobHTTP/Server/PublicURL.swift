package import Blobs

/// Where this server is found: scheme, host and port, and perhaps a path before every name. Absolute URLs are made
/// from this only, never from what a request claims.
package struct PublicURL: Hashable, Sendable, CustomStringConvertible {
    /// `scheme://host[:port]`, in lower case, as an Origin field names it (RFC 6454 §6.2).
    package let origin: String
    /// The host without the brackets of an IPv6 literal.
    package let host: String
    /// Empty, or a path that begins with a slash and does not end with one.
    package let path: String

    /// Reads `http://host[:port][/path]` or the same with `https`; nil for anything else, a query or a user included.
    package init?(_ text: String) {
        guard let (scheme, rest) = HTTPOrigin.splitScheme(text) else { return nil }
        let isPlain = rest.utf8.allSatisfy { (0x21...0x7e).contains($0) && !"?#@\\\"<>".utf8.contains($0) }
        let authority = rest.prefix { $0 != "/" }
        guard isPlain, let parsed = Authority(authority), !parsed.host.isEmpty else { return nil }
        var path = String(rest.dropFirst(authority.count))
        while path.hasSuffix("/") { path.removeLast() }
        self.init(HTTPOrigin(scheme: scheme, host: parsed.host, port: parsed.port ?? scheme.defaultPort), path: path)
    }

    /// The URL of a server that listens at an IP address or a host's name.
    package init(listeningAt address: Authority, scheme: HTTPOrigin.Scheme = .http) {
        let port = address.port ?? scheme.defaultPort
        self.init(HTTPOrigin(scheme: scheme, host: address.host.lowercased(), port: port), path: "")
    }

    private init(_ origin: HTTPOrigin, path: String) {
        self.origin = origin.description
        host = origin.host
        self.path = path
    }

    package var description: String { origin + path }
}
