package import OriginLink

/// How a client of an S3-compatible store behaves.
package struct S3Settings: Sendable {
    /// Requests that read, and as many that write, at once.
    package var requests: Int
    /// How long the store may say and take nothing in one attempt.
    package var silence: Duration
    /// How long all attempts of one request may take.
    package var limit: Duration
    /// Who vouches for the store over TLS; nil for whom the system trusts.
    package var trust: OriginTrust?
    /// Is told of every request when it is over; it must not block.
    package var observe: @Sendable (S3Report) -> Void

    package init(
        requests: Int = 64, silence: Duration = .seconds(10), limit: Duration = .seconds(20),
        trust: OriginTrust? = nil, observe: @escaping @Sendable (S3Report) -> Void = { _ in }
    ) {
        self.requests = requests
        self.silence = silence
        self.limit = limit
        self.trust = trust
        self.observe = observe
    }
}

/// What became of one request to an object store.
package struct S3Report: Hashable, Sendable {
    /// All that a store is asked for.
    package static let operations = S3Request.Kind.allCases.map(\.rawValue)

    /// What was asked for, one of `operations`.
    package let operation: String
    package let outcome: S3Outcome
    /// How often it was sent; 0 where writes had stopped, or its turn did not come.
    package let attempts: Int
    /// From the call to its end, waiting included.
    package let duration: Duration
}

/// How a request to an object store ended.
package enum S3Outcome: String, CaseIterable, Sendable {
    case done, absent, full, refused, unavailable, failed

    init(_ error: ObjectError) {
        switch error {
        case .full: self = .full
        case .refused: self = .refused
        case .unavailable: self = .unavailable
        case .failed: self = .failed
        }
    }
}
