package import Blobs

/// The URL of a sealed blob: scheme, host, port and path only, with the address as the last part of the path.
///
///     https://media.example:8443/files/<64 hex>.bin
///     └ scheme └ host       └ port └ folders └ address, optionally with "." and 1…16 ASCII letters and digits
///
/// Host names are ASCII letters, digits, `-`, `_` and `.`; IPv6 addresses are in brackets (RFC 3986 §3.2.2).
/// No part of the path is empty, `.` or `..`, even written with `%2e`, so that no client rewrites it.
package struct BlobURL: Hashable, Sendable, CustomStringConvertible {
    /// The most bytes in a URL.
    package static let limitBytes = 2048

    package let scheme: HTTPOrigin.Scheme
    /// In lower case; an IPv6 address with brackets.
    package let host: String
    /// As written; nil if it was left out.
    package let givenPort: UInt16?
    /// The parts of the path before the last.
    package let folders: [String]
    package let address: BlobAddress
    /// The part after the address, without the dot.
    package let fileExtension: String?

    /// The port to connect to.
    package var port: UInt16 { givenPort ?? scheme.defaultPort }

    /// Scheme, host and port: two URLs with the same origin are on the same server (RFC 6454 §4).
    package var origin: String { "\(scheme.rawValue)://\(host):\(port)" }

    /// The host, with the port if one was given: the `Host` field of a request.
    package var authority: String { givenPort.map { "\(host):\($0)" } ?? host }

    /// The path, starting with `/`.
    package var path: String {
        "/" + (folders + [address.hex + (fileExtension.map { "." + $0 } ?? "")]).joined(separator: "/")
    }

    /// Everything before the address, where the server's API is: `https://media.example:8443/files`.
    package var base: String {
        (["\(scheme.rawValue)://\(authority)"] + folders).joined(separator: "/")
    }

    package var description: String { "\(scheme.rawValue)://\(authority)\(path)" }

    /// Parses a URL; nil if it breaks any of the rules above.
    package init?(_ text: some StringProtocol) {
        guard let place = WebPlace(text), let last = place.parts.last else { return nil }
        let pieces = last.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = BlobAddress(hex: pieces[0]) else { return nil }
        if pieces.count == 2 {
            guard (1...16).contains(pieces[1].utf8.count), pieces[1].utf8.allSatisfy(isAlphanumeric) else { return nil }
            fileExtension = String(pieces[1])
        } else {
            fileExtension = nil
        }
        scheme = place.scheme
        host = place.host
        givenPort = place.givenPort
        folders = Array(place.parts.dropLast())
        self.address = address
    }

    /// The blob below `base`, without a file extension.
    init(_ base: BlobBase, _ address: BlobAddress) {
        scheme = base.place.scheme
        host = base.place.host
        givenPort = base.place.givenPort
        folders = base.place.parts
        self.address = address
        fileExtension = nil
    }
}

/// What comes before the address in a blob's URL, or before `/open/` in a link: `https://media.example:8443/files`, without
/// a slash at the end. By the rules of `BlobURL`.
package struct BlobBase: Hashable, Sendable, CustomStringConvertible {
    let place: WebPlace

    package init?(_ text: some StringProtocol) {
        guard let place = WebPlace(text + "/x") else { return nil }
        self.place = place.with(parts: place.parts.dropLast())
    }

    /// The base of a link to `place`, of which the last two parts are left out.
    init(link place: WebPlace) { self.place = place.with(parts: place.parts.dropLast(2)) }

    package var description: String { place.description }

    /// https, or http to the machine itself.
    package var isProtected: Bool { place.scheme == .https || Authority(place.host)?.isLoopback == true }
}

/// Scheme, host, port and the parts of a path.
struct WebPlace: Hashable, Sendable, CustomStringConvertible {
    let scheme: HTTPOrigin.Scheme
    let host: String
    let givenPort: UInt16?
    private(set) var parts: [String]

    var description: String {
        let authority = givenPort.map { "\(host):\($0)" } ?? host
        return (["\(scheme.rawValue)://\(authority)"] + parts).joined(separator: "/")
    }

    func with(parts: some Sequence<String>) -> WebPlace {
        var place = self
        place.parts = Array(parts)
        return place
    }

    init?(_ text: some StringProtocol) {
        guard text.utf8.count <= BlobURL.limitBytes, isVisibleASCII(text),
            let (scheme, rest) = HTTPOrigin.splitScheme(text), let slash = rest.firstIndex(of: "/"),
            let authority = Self.authority(rest[..<slash])
        else { return nil }
        let parts = rest[slash...].dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ isPathPart($0) }) else { return nil }
        self.scheme = scheme
        host = authority.bracketedHost
        givenPort = authority.port
        self.parts = parts.map { String($0) }
    }

    private static func authority(_ text: Substring) -> Authority? {
        // The port as it is written back: no zero, no leading zeros.
        guard let authority = Authority(text), authority.port != 0,
            authority.description.utf8.count == text.utf8.count
        else { return nil }
        let isValid = text.hasPrefix("[") ? IPAddress(authority.host)?.isIPv6 == true : isHost(authority.host)
        return isValid ? authority : nil
    }
}
