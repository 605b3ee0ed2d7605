package import Transfer

/// A host as a configuration names it: `media.example`, `media.example:8443` or `https://media.example`.
package struct HostPattern: Hashable, Sendable, CustomStringConvertible {
    private let scheme: WebOrigin.Scheme?
    private let host: String
    /// Nil for the port that belongs to the scheme.
    private let port: UInt16?

    /// Nil for anything that is no host, with a port and a scheme at most.
    package init?(_ text: some StringProtocol) {
        if text.contains("://") {
            guard let url = WebURL(String(text)), url.path == "/", url.query == nil else { return nil }
            self.init(url.origin)
        } else {
            guard let (host, port) = WebURL.hostAndPort(text) else { return nil }
            self.init(scheme: nil, host: host, port: port)
        }
    }

    private init(scheme: WebOrigin.Scheme?, host: String, port: UInt16?) {
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    /// Exactly this origin.
    package init(_ origin: WebOrigin) {
        self.init(scheme: origin.scheme, host: origin.host, port: origin.port)
    }

    package var description: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return (scheme.map { "\($0.rawValue)://" } ?? "") + name + (port.map { ":\($0)" } ?? "")
    }

    package func matches(_ origin: WebOrigin) -> Bool {
        origin.host == host && (scheme == nil || origin.scheme == scheme)
            && origin.port == port ?? origin.scheme.defaultPort
    }
}

/// Where a message may send us.
package struct HostPolicy: Sendable {
    /// Hosts of the configuration, wherever their addresses lie.
    package var configured: [HostPattern]
    /// Hosts that were named for this one time: public addresses only.
    package var named: [HostPattern]
    /// Plain http to other machines is fine.
    package var allowsHTTP: Bool

    package init(configured: [HostPattern], named: [HostPattern] = [], allowsHTTP: Bool = false) {
        self.configured = configured
        self.named = named
        self.allowsHTTP = allowsHTTP
    }

    package enum Verdict: Hashable, Sendable {
        /// `requiresPublicAddress`: not to an address inside a private network.
        case allowed(requiresPublicAddress: Bool)
        /// Not without a word from the person.
        case unknownHost
        /// Plain http over a network.
        case unprotected
    }

    /// Judges a place that a message, or a redirect, names.
    package func verdict(on origin: WebOrigin) -> Verdict {
        guard isProtected(origin) else { return .unprotected }
        if configured.contains(where: { $0.matches(origin) }) { return .allowed(requiresPublicAddress: false) }
        if named.contains(where: { $0.matches(origin) }) { return .allowed(requiresPublicAddress: true) }
        return .unknownHost
    }

    /// https, or http that never leaves this machine, or that was allowed.
    package func isProtected(_ origin: WebOrigin) -> Bool {
        origin.scheme == .https || origin.isLoopback || allowsHTTP
    }
}
