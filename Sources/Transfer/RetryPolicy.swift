/// Whether a request is worth retrying, and how long to wait first: exponential backoff with full jitter.
package struct RetryPolicy: Sendable {
    /// Attempts in all, including the first; at least 1.
    package var attempts: Int
    /// The upper bound of the first wait, doubled for each further one.
    package var firstWaitMilliseconds: Int64 = 500
    /// The longest wait that is not the server's choice.
    package var longestWaitMilliseconds: Int64 = 30_000
    /// If a server asks for a longer wait than this, we give up.
    package var longestObedienceSeconds: Int64 = 120
    /// Whether to retry when the server's disk is full, which ends only when an operator acts.
    package var waitsForOperators = false

    package init(attempts: Int = 6) {
        self.attempts = max(1, attempts)
    }

    /// Keeps trying however long it takes; ends only with a final refusal.
    package static var untilDone: RetryPolicy {
        var policy = RetryPolicy(attempts: .max)
        policy.longestWaitMilliseconds = 300_000
        policy.longestObedienceSeconds = 86_400
        policy.waitsForOperators = true
        return policy
    }

    /// What went wrong with an attempt.
    package enum Failure: Sendable {
        /// No usable response.
        case transfer(isTransient: Bool)
        /// A response with this status, and the seconds of its `Retry-After`.
        case answer(status: Int, retryAfterSeconds: Int64?)
    }

    package enum Decision: Hashable, Sendable {
        case wait(milliseconds: Int64)
        case giveUp
    }

    /// Decides after attempt number `attempt` (from 1) has failed. `random` is any 64 random bits.
    package func decide(afterAttempt attempt: Int, _ failure: Failure, random: UInt64) -> Decision {
        guard attempt < attempts, isTransient(failure) else { return .giveUp }
        if case .answer(_, let seconds?) = failure {
            guard seconds <= longestObedienceSeconds else { return .giveUp }
            // Jitter is added: never sooner than asked, and not all clients at once.
            return .wait(milliseconds: max(0, seconds) * 1000 + Int64(random % UInt64(firstWaitMilliseconds + 1)))
        }
        let doublings = min(attempt - 1, 20)
        let ceiling = min(firstWaitMilliseconds << doublings, longestWaitMilliseconds)
        return .wait(milliseconds: Int64(random % UInt64(ceiling + 1)))
    }

    /// 408, 423, 425, 429, and the 5xx of a server that is overloaded, restarting or behind a broken gateway.
    /// 507 ends only when an operator acts; 501 and 505 are permanent.
    private func isTransient(_ failure: Failure) -> Bool {
        switch failure {
        case .transfer(let isTransient): isTransient
        case .answer(507, _): waitsForOperators
        case .answer(let status, _): [408, 423, 425, 429, 500, 502, 503, 504].contains(status)
        }
    }
}

/// The clock, randomness and sleep that retrying needs; tests pass their own.
package struct RetryEnvironment: Sendable {
    /// Seconds since 1970.
    package var wallSeconds: @Sendable () -> Int64
    package var random: @Sendable () -> UInt64
    package var sleep: @Sendable (_ milliseconds: Int64) -> Void

    package init(
        wallSeconds: @escaping @Sendable () -> Int64, random: @escaping @Sendable () -> UInt64,
        sleep: @escaping @Sendable (_ milliseconds: Int64) -> Void
    ) {
        self.wallSeconds = wallSeconds
        self.random = random
        self.sleep = sleep
    }
}

/// The `Date` field: the clock of whoever answered (RFC 9110 §6.6.1).
package enum AnswerDate {
    /// Seconds since 1970; nil if the answer does not say.
    package static func seconds(_ response: HTTPResponse) -> Int64? { response["date"].flatMap(CurlDate.seconds) }
}

/// The `Retry-After` field: seconds, or a date (RFC 9110 §10.2.3).
package enum RetryAfter {
    /// Seconds to wait from `now` (in seconds since 1970); 0 for a past date, nil for an invalid value.
    package static func seconds(_ text: String, now: Int64) -> Int64? {
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return Int64(text) ?? .max
        }
        guard let date = CurlDate.seconds(text) else { return nil }
        let (difference, overflow) = date.subtractingReportingOverflow(now)
        return overflow ? nil : max(0, difference)
    }
}
