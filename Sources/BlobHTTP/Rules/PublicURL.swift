/// Where this server is found: scheme, host and port, and perhaps a path before every name. Absolute URLs are made
/// from this alone, never from what a request claims.
package struct PublicURL: Hashable, Sendable, CustomStringConvertible {
    /// `scheme://host[:port]`, in lower case, as an Origin field names it (RFC 6454 §6.2).
    package let origin: String
    /// The host without the brackets of an IPv6 literal.
    package let host: String
    /// Empty, or a path that begins with a slash and does not end with one.
    package let path: String

    /// Reads `http://host[:port][/path]` or the same with `https`; nil for anything else, a query or a user among it.
    package init?(_ text: String) {
        guard let scheme = ["http", "https"].first(where: { text.lowercased().hasPrefix($0 + "://") }) else {
            return nil
        }
        let rest = text.dropFirst(scheme.count + 3)
        let authority = rest.prefix { $0 != "/" }
        let isPlain = rest.utf8.allSatisfy { (0x21...0x7e).contains($0) && !"?#@\\\"<>".utf8.contains($0) }
        guard isPlain, let parsed = Authority(String(authority)), !parsed.host.isEmpty else { return nil }
        let isDefaultPort = parsed.port == (scheme == "http" ? 80 : 443)
        let port = isDefaultPort ? nil : parsed.port
        origin = "\(scheme)://\(parsed.bracketedHost)\(port.map { ":\($0)" } ?? "")"
        host = parsed.host
        var path = String(rest.dropFirst(authority.count))
        while path.hasSuffix("/") { path.removeLast() }
        self.path = path
    }

    /// The URL of a server that listens at an IP address or a host's name.
    package init(listeningAt host: String, port: Int, scheme: String = "http") {
        let authority = Authority(host: host.lowercased(), port: port)
        let isDefaultPort = port == (scheme == "http" ? 80 : 443)
        origin = "\(scheme)://\(authority.bracketedHost)\(isDefaultPort ? "" : ":\(port)")"
        self.host = authority.host
        path = ""
    }

    package var description: String { origin + path }
}

/// A host and perhaps a port, as the Host field and URLs write them (RFC 3986 §3.2).
package struct Authority: Hashable, Sendable, CustomStringConvertible {
    /// In lower case, without the brackets of an IPv6 literal.
    package let host: String
    package let port: Int?

    package init(host: String, port: Int?) {
        self.host = host
        self.port = port
    }

    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`; nil for anything else.
    package init?(_ text: String) {
        var host = text[...]
        var portText: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            portText = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            portText = text[text.index(after: colon)...]
            if portText?.contains(":") ?? false { return nil }
        }
        var port: Int?
        if let portText {
            guard let number = SaturatingDigits.parse(String(portText)), (0...65_535).contains(number) else {
                return nil
            }
            port = Int(number)
        }
        self.init(host: host.lowercased(), port: port)
    }

    package var description: String { bracketedHost + (port.map { ":\($0)" } ?? "") }

    var bracketedHost: String { host.contains(":") ? "[\(host)]" : host }

    /// Whether this can only be the machine itself: `localhost`, 127/8, ::1 or ::ffff:127/104.
    package var isLoopback: Bool {
        if host == "localhost" { return true }
        let mapped = host.hasPrefix("::ffff:") ? host.dropFirst("::ffff:".count) : host[...]
        return host == "::1" || Self.isLoopbackIPv4(mapped)
    }

    private static func isLoopbackIPv4(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let areNumbers = parts.allSatisfy { part in
            part.count <= 3 && (SaturatingDigits.parse(String(part)) ?? 256) <= 255
        }
        return parts.count == 4 && areNumbers && parts[0] == "127"
    }
}
