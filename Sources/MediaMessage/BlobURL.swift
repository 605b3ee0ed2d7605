package import Blobs

/// The URL of a sealed blob: scheme, host, port and path only, with the address as the last part of the path.
///
///     https://media.example:8443/files/<64 hex>.bin
///     └ scheme └ host       └ port └ folders └ address, optionally with "." and 1…16 ASCII letters and digits
///
/// Host names are ASCII letters, digits, `-`, `_` and `.`; an IPv6 address stands in brackets (RFC 3986 §3.2.2).
/// No part of the path is empty, `.` or `..`, even written with `%2e`, so that no client rewrites it.
package struct BlobURL: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable {
        case http, https

        /// The port if none is given.
        package var defaultPort: Int { self == .https ? 443 : 80 }
    }

    /// The most bytes in a URL.
    package static let limitBytes = 2048

    package let scheme: Scheme
    /// In lower case; an IPv6 address with brackets.
    package let host: String
    /// As written; nil if it was left out.
    package let givenPort: Int?
    /// The parts of the path before the last.
    package let folders: [String]
    package let address: BlobAddress
    /// The part after the address, without the dot.
    package let fileExtension: String?

    /// The port to connect to.
    package var port: Int { givenPort ?? scheme.defaultPort }

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

    /// The same origin with other folders, and without a file extension.
    init(_ place: WebPlace, folders: [String], address: BlobAddress) {
        scheme = place.scheme
        host = place.host
        givenPort = place.givenPort
        self.folders = folders
        self.address = address
        fileExtension = nil
    }
}

/// Scheme, host, port and the parts of a path.
struct WebPlace {
    let scheme: BlobURL.Scheme
    let host: String
    let givenPort: Int?
    let parts: [String]

    init?(_ text: some StringProtocol) {
        guard text.utf8.count <= BlobURL.limitBytes, isVisibleASCII(text), let colon = text.firstIndex(of: ":"),
            let scheme = BlobURL.Scheme(rawValue: text[..<colon].lowercased()),
            text[colon...].hasPrefix("://")
        else { return nil }
        let rest = text[colon...].dropFirst(3)
        guard let slash = rest.firstIndex(of: "/"), let (host, port) = Self.authority(String(rest[..<slash])) else {
            return nil
        }
        let parts = rest[slash...].dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ isPathPart($0) }) else { return nil }
        self.scheme = scheme
        self.host = host
        givenPort = port
        self.parts = parts.map { String($0) }
    }

    private static func authority(_ text: String) -> (host: String, port: Int?)? {
        let hostEnd: String.Index
        if text.hasPrefix("[") {
            guard let bracket = text.firstIndex(of: "]") else { return nil }
            hostEnd = text.index(after: bracket)
        } else {
            hostEnd = text.firstIndex(of: ":") ?? text.endIndex
        }
        let host = text[..<hostEnd].lowercased()
        guard isHost(host) else { return nil }
        let portText = text[hostEnd...]
        if portText.isEmpty { return (host, nil) }
        guard portText.hasPrefix(":"), let port = Self.port(portText.dropFirst()) else { return nil }
        return (host, port)
    }

    /// 1…65535 in digits, without leading zeros.
    private static func port(_ text: Substring) -> Int? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), !text.hasPrefix("0"), text.utf8.count <= 5,
            let port = Int(text), port <= 65_535
        else { return nil }
        return port
    }
}
