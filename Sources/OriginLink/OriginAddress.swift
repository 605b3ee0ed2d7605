package import Blobs

/// Where an origin is: scheme, host and port, and the path below which it serves.
package struct OriginAddress: Hashable, Sendable, CustomStringConvertible {
    package let origin: HTTPOrigin
    /// Empty, or a slash and more, without one at its end.
    package let path: String

    /// Reads `http(s)://host[:port][/path]`; nil for anything else, and for a user, a query or a fragment.
    package init?(_ text: String) {
        guard RequestTarget.isPrintable(text), !text.utf8.contains(where: Self.refused.contains),
            let (scheme, rest) = HTTPOrigin.splitScheme(text)
        else { return nil }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard let authority = Authority(rest[..<slash]), Self.isHost(authority.host), authority.port != 0 else {
            return nil
        }
        origin = HTTPOrigin(scheme: scheme, host: authority.host, port: authority.port ?? scheme.defaultPort)
        var path = rest[slash...]
        while path.last == "/" { path.removeLast() }
        self.path = String(path)
    }

    package var description: String { "\(origin)\(path)" }

    /// What begins a query, a fragment, or stands behind a user.
    private static let refused = Set("?#@\\".utf8)

    /// An address, or what could be a name (RFC 1123 §2.1, and the underscore that many have).
    private static func isHost(_ host: String) -> Bool {
        if host.contains(":") { return IPAddress(host) != nil }
        return !host.isEmpty && host.utf8.count <= 253
            && host.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-._".utf8.contains(byte)
            }
    }
}

/// What may stand in a request line (RFC 9112 §3.2.1).
enum RequestTarget {
    /// Whether `text` is a path with perhaps a query, and cannot end the request line or be taken for anything else.
    static func isSafe(_ text: String) -> Bool { text.utf8.first == UInt8(ascii: "/") && isPrintable(text) }

    /// Printable ASCII without a space.
    static func isPrintable(_ text: String) -> Bool { text.utf8.allSatisfy { (0x21...0x7e).contains($0) } }
}
