package import Blobs
import Transfer

/// A host as the configuration names it: `media.example`, `media.example:8443` or `https://media.example`.
package struct HostPattern: Hashable, Sendable, CustomStringConvertible {
    private let scheme: HTTPOrigin.Scheme?
    private let host: String
    /// Nil for the default port of the scheme.
    private let port: UInt16?

    /// Nil for anything but a host, optionally with a port and a scheme.
    package init?(_ text: some StringProtocol) {
        if text.contains("://") {
            guard let url = WebURL(String(text)), url.path == "/", url.query == nil else { return nil }
            self.init(url.origin)
        } else {
            guard let authority = WebURL.authority(text) else { return nil }
            self.init(scheme: nil, host: authority.host, port: authority.port)
        }
    }

    private init(scheme: HTTPOrigin.Scheme?, host: String, port: UInt16?) {
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    /// Exactly this origin.
    package init(_ origin: HTTPOrigin) {
        self.init(scheme: origin.scheme, host: origin.host, port: origin.port)
    }

    package var description: String {
        "\(scheme.map { "\($0.rawValue)://" } ?? "")\(Authority(host: host, port: port))"
    }

    package func matches(_ origin: HTTPOrigin) -> Bool {
        guard scheme == nil || origin.scheme == scheme else { return false }
        return HTTPOrigin(scheme: origin.scheme, host: host, port: port ?? origin.scheme.defaultPort)
            .isSameServer(as: origin)
    }
}

/// Where a message may lead.
package struct HostPolicy: Sendable {
    /// Hosts from the configuration, at any address.
    package var configured: [HostPattern]
    /// Hosts named for this one time: public addresses only.
    package var named: [HostPattern]
    /// Plain http to other machines is allowed.
    package var allowsHTTP: Bool

    package init(configured: [HostPattern], named: [HostPattern] = [], allowsHTTP: Bool = false) {
        self.configured = configured
        self.named = named
        self.allowsHTTP = allowsHTTP
    }

    package enum Verdict: Hashable, Sendable {
        /// `requiresPublicAddress`: not to an address inside a private network.
        case allowed(requiresPublicAddress: Bool)
        /// The person has to be asked.
        case unknownHost
        /// Plain http over a network.
        case unprotected
    }

    /// Judges a host that a message or a redirect names.
    package func verdict(on origin: HTTPOrigin) -> Verdict {
        guard isProtected(origin) else { return .unprotected }
        if configured.contains(where: { $0.matches(origin) }) { return .allowed(requiresPublicAddress: false) }
        if named.contains(where: { $0.matches(origin) }) { return .allowed(requiresPublicAddress: true) }
        return .unknownHost
    }

    /// https, or http that stays on this machine or was allowed.
    package func isProtected(_ origin: HTTPOrigin) -> Bool {
        origin.scheme == .https || origin.isLoopback || allowsHTTP
    }
}

/// A URL where we may go.
struct PermittedURL: Hashable, Sendable {
    let url: WebURL
    let requiresPublicAddress: Bool
}

/// Where one message may lead: what the policy allows, and what the person allows, who is asked about each host once.
final class HostGate {
    private let policy: HostPolicy
    private let asks: (HTTPOrigin) -> Bool
    private var answers: [HTTPOrigin: Bool] = [:]

    init(_ policy: HostPolicy, asks: @escaping (HTTPOrigin) -> Bool) {
        self.policy = policy
        self.asks = asks
    }

    /// Throws `.unprotected` and `.hostNotAllowed`.
    func permit(_ url: WebURL) throws(MediaClientError) -> PermittedURL {
        switch policy.verdict(on: url.origin) {
        case .allowed(let requiresPublicAddress):
            return PermittedURL(url: url, requiresPublicAddress: requiresPublicAddress)
        case .unprotected: throw .unprotected(url.origin)
        case .unknownHost:
            // A yes leads to public addresses only: where there is none, to ask would help nobody.
            guard url.origin.mayBePublic, answer(about: url.origin) else { throw .hostNotAllowed(url.origin) }
            return PermittedURL(url: url, requiresPublicAddress: true)
        }
    }

    /// Makes a request, and those that redirects lead to, as far as we may go there. `response` is nil for an outcome that
    /// is more than an answer.
    func follow<Outcome>(
        _ start: PermittedURL, by rule: RedirectRule, response: (Outcome) -> HTTPResponse?,
        request: (PermittedURL) throws(MediaClientError) -> Outcome
    ) throws(MediaClientError) -> Outcome {
        var place = start
        var redirects = 0
        while true {
            let outcome = try request(place)
            guard let response = response(outcome), RedirectRule.isRedirect(response.status) else { return outcome }
            redirects += 1
            switch rule.step(from: place.url, location: response["location"], count: redirects) {
            case .refuse(let why):
                let target = RedirectRule.target(of: response["location"], from: place.url)
                throw .redirect("\(target): \(why)", host: place.url.origin.authority.description)
            // Where we are we may be: an edge need not be a place that messages lead to.
            case .follow(let url) where url.origin == start.url.origin:
                place = PermittedURL(url: url, requiresPublicAddress: start.requiresPublicAddress)
            case .follow(let url): place = try permit(url)
            }
        }
    }

    private func answer(about origin: HTTPOrigin) -> Bool {
        if let answer = answers[origin] { return answer }
        let answer = asks(origin)
        answers[origin] = answer
        return answer
    }
}

/// Where a download may be redirected: three times at most, to a blob of the same address, never from https to http.
/// Whether we go to the host is for `HostPolicy` to say.
struct RedirectRule: Sendable {
    static let limit = 3

    /// Nil for a file that is named otherwise.
    let address: BlobAddress?

    enum Step: Hashable, Sendable {
        case follow(WebURL)
        case refuse(String)
    }

    /// Decides on redirect number `count` (from 1) away from `url`, whose response had this `Location`.
    func step(from url: WebURL, location: String?, count: Int) -> Step {
        guard count <= Self.limit else { return .refuse("more than \(Self.limit) redirects") }
        guard let location, let next = url.resolving(location) else { return .refuse("no valid Location") }
        guard url.origin.scheme == .http || next.origin.scheme == .https else {
            return .refuse("it leaves https")
        }
        guard let address else { return .follow(next) }
        let name = next.lastPathPart.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)[0]
        guard name == address.hex else { return .refuse("that is a different file") }
        return .follow(next)
    }

    /// Where a redirect leads, in words, without the query, which may hold secrets.
    static func target(of location: String?, from url: WebURL) -> String {
        guard let next = location.flatMap({ url.resolving($0) }) else { return "to an invalid address" }
        return "to \(next.origin)\(next.path.prefix(200))"
    }

    static func isRedirect(_ status: Int) -> Bool { [301, 302, 303, 307, 308].contains(status) }
}
