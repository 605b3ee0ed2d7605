/// Scheme, host and port (RFC 6454 §4).
package struct WebOrigin: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable {
        case http, https

        package var defaultPort: UInt16 { self == .http ? 80 : 443 }
    }

    package let scheme: Scheme
    /// A name or an address in lower case; an IPv6 address without brackets.
    package let host: String
    package let port: UInt16

    package init(scheme: Scheme, host: String, port: UInt16) {
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    /// The host is this machine by name: `localhost`, 127/8 or ::1.
    package var isLoopback: Bool {
        host == "localhost" || NetworkAddress(host)?.isLoopback == true
    }

    /// Host and port as a person writes them: without the scheme's default port.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == scheme.defaultPort ? name : "\(name):\(port)"
    }

    package var description: String { "\(scheme.rawValue)://\(authority)" }
}

/// An absolute http or https URL of the plain kind: no user, no fragment, nothing that parsers disagree on.
package struct WebURL: Hashable, Sendable, CustomStringConvertible {
    package let origin: WebOrigin
    /// Begins with `/`.
    package let path: String
    package let query: String?

    /// Parses a URL of printable ASCII; nil for anything else, a user, a fragment, a `\`, or an invalid port.
    package init?(_ text: String) {
        guard let (scheme, rest) = Self.scheme(of: text), rest.utf8.allSatisfy(Self.isPlain) else { return nil }
        let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        guard let (host, port) = Self.hostAndPort(rest[..<authorityEnd]) else { return nil }
        origin = WebOrigin(scheme: scheme, host: host, port: port ?? scheme.defaultPort)
        let tail = rest[authorityEnd...]
        let pathEnd = tail.firstIndex(of: "?") ?? tail.endIndex
        path = pathEnd == tail.startIndex ? "/" : String(tail[..<pathEnd])
        query = pathEnd == tail.endIndex ? nil : String(tail[tail.index(after: pathEnd)...])
    }

    private init(origin: WebOrigin, path: String) {
        self.origin = origin
        self.path = path
        query = nil
    }

    /// The URL of `part` below this one, which counts as a folder whether or not it ends in `/`.
    package func appending(_ part: String) -> WebURL {
        WebURL(origin: origin, path: path.hasSuffix("/") ? path + part : "\(path)/\(part)")
    }

    /// The URL that a `Location` field refers to, relative to this one (RFC 3986 §5), without its fragment.
    /// Nil for anything but a plain URL, and for `.` and `..` parts, which clients resolve differently.
    package func resolving(_ reference: String) -> WebURL? {
        let text = reference.prefix { $0 != "#" }
        let absolute: String
        if text.contains("://"), !text.hasPrefix("/") {
            absolute = String(text)
        } else if text.hasPrefix("//") {
            absolute = "\(origin.scheme.rawValue):\(text)"
        } else if text.hasPrefix("/") {
            absolute = "\(origin)\(text)"
        } else {
            absolute = "\(origin)\(path.dropLast(lastPathPart.count))\(text)"
        }
        guard let url = WebURL(absolute) else { return nil }
        let parts = url.path.split(separator: "/")
        return parts.contains { $0 == "." || $0 == ".." || $0.lowercased().contains("%2e") } ? nil : url
    }

    /// The part of the path after its last `/`.
    package var lastPathPart: Substring {
        path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
    }

    package var description: String { "\(origin)\(path)\(query.map { "?" + $0 } ?? "")" }

    /// A host, optionally with a port: `media.example`, `media.example:8443`, `[::1]:8080`; nil for anything else.
    package static func hostAndPort(_ text: some StringProtocol) -> (host: String, port: UInt16?)? {
        let name: Substring
        let rest: Substring
        let text = Substring(text)
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { return nil }
            name = text[text.index(after: text.startIndex)..<close]
            rest = text[text.index(after: close)...]
            guard NetworkAddress(name)?.isIPv6 == true else { return nil }
        } else {
            let end = text.firstIndex(of: ":") ?? text.endIndex
            name = text[..<end]
            rest = text[end...]
            guard isHostName(name) else { return nil }
        }
        if rest.isEmpty { return (name.lowercased(), nil) }
        guard rest.first == ":", let port = port(rest.dropFirst()) else { return nil }
        return (name.lowercased(), port)
    }

    private static func scheme(of text: String) -> (WebOrigin.Scheme, Substring)? {
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://"),
            let scheme = WebOrigin.Scheme(rawValue: text[..<colon].lowercased())
        else { return nil }
        return (scheme, text[text.index(colon, offsetBy: 3)...])
    }

    private static func port(_ digits: Substring) -> UInt16? {
        guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(digits), port > 0
        else { return nil }
        return port
    }

    private static func isHostName(_ name: Substring) -> Bool {
        (1...253).contains(name.utf8.count)
            && name.utf8.allSatisfy { unit in
                switch unit {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
                default: false
                }
            }
    }

    /// Printable ASCII without what needs escaping or what parsers disagree on (RFC 3986 §2), nor `@` and `#`.
    private static func isPlain(_ unit: UInt8) -> Bool {
        switch unit {
        case 0x21, 0x24...0x3b, 0x3d, 0x3f, 0x41...0x5b, 0x5d, 0x5f, 0x61...0x7a, 0x7e: true
        default: false
        }
    }
}
