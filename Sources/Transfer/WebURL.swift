package import Blobs

/// Names that may lead out of a private network, judged without asking anybody.
enum PublicName {
    /// Domains that mean something else in every network: RFC 6761 §6.3, RFC 6762 §3, RFC 8375, and `internal`, which
    /// ICANN reserved in 2024; `localdomain` is what many resolvers make of `localhost`.
    private static let privateDomains = ["localhost", "localdomain", "local", "internal", "home.arpa"]

    /// False for names of this machine and of local networks, for a name without a dot, which is looked up in domains of
    /// the network, and for an IPv4 address in another form than four decimal numbers: `127.1`, `0x7f000001`,
    /// `2130706433`. Resolvers read a name whose last part is a number as an address (URL Standard §3.5).
    static func mayBe(_ host: String) -> Bool {
        if IPAddress(host) != nil { return true }
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count > 1, let last = labels.last, !isNumber(last) else { return false }
        return !privateDomains.contains { name == $0 || name.hasSuffix(".\($0)") }
    }

    private static func isNumber(_ label: Substring) -> Bool {
        let isHexadecimal = label.hasPrefix("0x") || label.hasPrefix("0X")
        let digits = isHexadecimal ? label.dropFirst(2) : label
        return digits.utf8.allSatisfy { unit in
            (0x30...0x39).contains(unit) || isHexadecimal && Character(Unicode.Scalar(unit)).isHexDigit
        }
    }
}

extension HTTPOrigin {
    /// False where it cannot be outside of this machine or a private network, by its name or address alone.
    package var mayBePublic: Bool { IPAddress(host).map(\.isPublic) ?? PublicName.mayBe(host) }
}

/// An absolute http or https URL of the plain kind: no user, no fragment, nothing that parsers disagree on.
package struct WebURL: Hashable, Sendable, CustomStringConvertible {
    package let origin: HTTPOrigin
    /// Begins with `/`.
    package let path: String
    package let query: String?

    /// Parses a URL of printable ASCII; nil for anything else, a user, a fragment, a `\`, or an invalid port.
    package init?(_ text: String) {
        guard let (scheme, rest) = HTTPOrigin.splitScheme(text), rest.utf8.allSatisfy(Self.isPlain) else { return nil }
        let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        guard let authority = Self.authority(rest[..<authorityEnd]) else { return nil }
        origin = HTTPOrigin(scheme: scheme, host: authority.host, port: authority.port ?? scheme.defaultPort)
        let tail = rest[authorityEnd...]
        let pathEnd = tail.firstIndex(of: "?") ?? tail.endIndex
        path = pathEnd == tail.startIndex ? "/" : String(tail[..<pathEnd])
        query = pathEnd == tail.endIndex ? nil : String(tail[tail.index(after: pathEnd)...])
    }

    private init(origin: HTTPOrigin, path: String) {
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
    package static func authority(_ text: some StringProtocol) -> Authority? {
        // The port as it is written back: no zero, no leading zeros.
        guard let authority = Authority(text), authority.port != 0,
            authority.description.utf8.count == text.utf8.count
        else { return nil }
        let isHost =
            text.hasPrefix("[") ? IPAddress(authority.host)?.isIPv6 == true : isHostName(authority.host[...])
        return isHost ? authority : nil
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
