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

    /// Whether both lead to one server: they are equal, or one port of this machine by two of its names.
    package func isSameServer(as other: HTTPOrigin) -> Bool {
        self == other
            || (scheme, port) == (other.scheme, other.port) && [host, other.host].allSatisfy(Self.ownNames.contains)
    }

    /// What people call the machine itself, and servers that listen there.
    private static let ownNames: Set = ["localhost", "127.0.0.1", "::1"]

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

/// Where a server without ticket keys leaves its local ticket, and where a program of the same user looks for it: one
/// file for each address and port.
package enum LocalTicketPlace {
    /// `127.0.0.1:8080.ticket`, `[::1]:8080.ticket`.
    package static func fileName(address: IPAddress, port: UInt16) -> String {
        "\(Authority(host: "\(address.unmapped)", port: port)).ticket"
    }

    /// The folder in the user's runtime folder (XDG Base Directory Specification); nil where the environment names none.
    package static func runtimeFolder(_ environment: (String) -> String?) -> String? {
        guard let path = environment("XDG_RUNTIME_DIR"), path.hasPrefix("/") else { return nil }
        return "\(path)/satchel"
    }

    /// Where the ticket of `server` may be, the likeliest first: in the runtime folder, or in the store's folder by the
    /// server's own setting and default. Empty for a server that is not at a loopback address.
    package static func paths(for server: HTTPOrigin, _ environment: (String) -> String?) -> [String] {
        let hosts = server.host == "localhost" ? ["127.0.0.1", "::1"] : [server.host]
        let addresses = hosts.compactMap { IPAddress($0) }.filter(\.isLoopback)
        let storage = environment("SATCHELD_STORAGE").flatMap { $0.isEmpty ? nil : $0 } ?? "storage"
        return [runtimeFolder(environment), storage].compactMap { $0 }.flatMap { folder in
            addresses.map { "\(folder)/\(fileName(address: $0, port: server.port))" }
        }
    }
}
