/// A host and perhaps a port, as URLs and the Host field write them (RFC 3986 §3.2).
package struct Authority: Hashable, Sendable, CustomStringConvertible {
    /// In lower case, without the brackets of an IPv6 address.
    package let host: String
    package let port: UInt16?

    package init(host: String, port: UInt16?) {
        self.host = host
        self.port = port
    }

    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`; nil for anything else. The host is taken as it is: whether it
    /// could be the name of one is for the caller to say.
    package init?(_ text: some StringProtocol) {
        let host: Substring
        let rest: Substring
        let text = Substring(text)
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<close]
            rest = text[text.index(after: close)...]
            guard host.contains(":") else { return nil }
        } else {
            let end = text.firstIndex(of: ":") ?? text.endIndex
            host = text[..<end]
            rest = text[end...]
        }
        if rest.isEmpty {
            port = nil
        } else {
            guard rest.first == ":", let number = SaturatingDigits.parse(rest.dropFirst()),
                let port = UInt16(exactly: number)
            else { return nil }
            self.port = port
        }
        self.host = host.lowercased()
    }

    package var description: String { bracketedHost + (port.map { ":\($0)" } ?? "") }

    /// The host as it is written in a URL.
    package var bracketedHost: String { host.contains(":") ? "[\(host)]" : host }

    /// Whether this can only be the machine itself: `localhost`, 127/8 or ::1.
    package var isLoopback: Bool { host == "localhost" || IPAddress(host)?.isLoopback == true }
}

/// Scheme, host and port: what makes two URLs lead to one server (RFC 6454 §4).
package struct HTTPOrigin: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable {
        case http, https

        package var defaultPort: UInt16 { self == .http ? 80 : 443 }
    }

    package let scheme: Scheme
    /// A name or an address in lower case, an IPv6 address without its brackets.
    package let host: String
    package let port: UInt16

    package init(scheme: Scheme, host: String, port: UInt16) {
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    /// Host and port as a person writes them: without the port where it is the scheme's own.
    package var authority: Authority { Authority(host: host, port: port == scheme.defaultPort ? nil : port) }

    /// Whether this can only be the machine itself.
    package var isLoopback: Bool { authority.isLoopback }

    package var description: String { "\(scheme.rawValue)://\(authority)" }

    /// Splits a URL into its scheme and what follows `://`; nil where it is neither http nor https.
    package static func splitScheme(_ text: some StringProtocol) -> (scheme: Scheme, rest: Substring)? {
        let text = Substring(text)
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://"),
            let scheme = Scheme(rawValue: text[..<colon].lowercased())
        else { return nil }
        return (scheme, text[colon...].dropFirst(3))
    }
}
