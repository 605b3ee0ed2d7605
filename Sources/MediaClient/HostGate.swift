import Transfer

/// Whom one message may lead to, by the policy and by what the person answers, who is asked about each host once.
final class HostGate {
    private let policy: HostPolicy
    private let asks: (WebOrigin) -> Bool
    private var answers: [WebOrigin: Bool] = [:]

    init(_ policy: HostPolicy, asks: @escaping (WebOrigin) -> Bool) {
        self.policy = policy
        self.asks = asks
    }

    /// A place where we may go.
    struct Place: Hashable, Sendable {
        let url: WebURL
        let requiresPublicAddress: Bool
    }

    /// Throws `.unprotected` and `.hostNotAllowed`.
    func permit(_ url: WebURL) throws(MediaClientError) -> Place {
        switch policy.verdict(on: url.origin) {
        case .allowed(let requiresPublicAddress): return Place(url: url, requiresPublicAddress: requiresPublicAddress)
        case .unprotected: throw .unprotected(url.origin)
        case .unknownHost:
            guard answer(about: url.origin) else { throw .hostNotAllowed(url.origin) }
            return Place(url: url, requiresPublicAddress: true)
        }
    }

    private func answer(about origin: WebOrigin) -> Bool {
        if let answer = answers[origin] { return answer }
        let answer = asks(origin)
        answers[origin] = answer
        return answer
    }
}
