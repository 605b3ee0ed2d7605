/// When a request is worth making again, and how long to wait first: exponential backoff with full jitter.
package struct RetryPolicy: Sendable {
    /// Attempts in all, the first included; at least 1.
    package var attempts: Int
    /// The upper end of the first wait, doubled for each further one.
    package var firstWaitMilliseconds: Int64 = 500
    /// No wait of our own choosing is longer.
    package var longestWaitMilliseconds: Int64 = 30_000
    /// A server that asks for a longer wait than this is not waited for.
    package var longestObedienceSeconds: Int64 = 120
    /// Whether a full disk is waited for, which passes only when an operator acts.
    package var waitsForOperators = false

    package init(attempts: Int = 6) {
        self.attempts = max(1, attempts)
    }

    /// For what shall go out however long it takes: ends only with a refusal for good.
    package static var untilDone: RetryPolicy {
        var policy = RetryPolicy(attempts: .max)
        policy.longestWaitMilliseconds = 300_000
        policy.longestObedienceSeconds = 86_400
        policy.waitsForOperators = true
        return policy
    }

    /// What went wrong with an attempt.
    package enum Failure: Sendable {
        /// No usable answer.
        case transfer(isPassing: Bool)
        /// An answer with this status, and the seconds of its `Retry-After`.
        case answer(status: Int, retryAfterSeconds: Int64?)
    }

    package enum Decision: Hashable, Sendable {
        case wait(milliseconds: Int64)
        case giveUp
    }

    /// Decides after attempt number `attempt` (from 1) has failed. `random` is any 64 random bits.
    package func decide(afterAttempt attempt: Int, _ failure: Failure, random: UInt64) -> Decision {
        guard attempt < attempts, isPassing(failure) else { return .giveUp }
        if case .answer(_, let seconds?) = failure {
            guard seconds <= longestObedienceSeconds else { return .giveUp }
            // The jitter comes on top: never sooner than asked, and not all at once.
            return .wait(milliseconds: max(0, seconds) * 1000 + Int64(random % UInt64(firstWaitMilliseconds + 1)))
        }
        let doublings = min(attempt - 1, 20)
        let ceiling = min(firstWaitMilliseconds << doublings, longestWaitMilliseconds)
        return .wait(milliseconds: Int64(random % UInt64(ceiling + 1)))
    }

    /// 408, 423, 425, 429, and the 5xx of a server that is overloaded, restarting or behind a broken gateway.
    /// 507 passes only when an operator acts; 501 and 505 never do.
    private func isPassing(_ failure: Failure) -> Bool {
        switch failure {
        case .transfer(let isPassing): isPassing
        case .answer(507, _): waitsForOperators
        case .answer(let status, _): [408, 423, 425, 429, 500, 502, 503, 504].contains(status)
        }
    }
}

/// What retrying needs from the world, so that tests need neither time nor chance.
package struct Pacing: Sendable {
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
