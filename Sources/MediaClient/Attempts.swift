import Transfer

/// Counts the attempts at one thing and waits between them.
struct Attempts {
    private let policy: RetryPolicy
    private let pacing: Pacing
    private let say: (String) -> Void
    private var attempt = 1

    init(_ policy: RetryPolicy, _ pacing: Pacing, say: @escaping (String) -> Void) {
        self.policy = policy
        self.pacing = pacing
        self.say = say
    }

    /// Waits as long as is right after `error`; throws it when another attempt is not worth it. `isPassing` overrules
    /// what the error by itself looks like; `beforeWaiting` is called when there is another attempt.
    mutating func wait(
        after error: MediaClientError, isPassing: Bool = false, beforeWaiting: () -> Void = {}
    ) throws(MediaClientError) {
        let failure = isPassing ? .transfer(isPassing: true) : error.asFailure
        switch policy.decide(afterAttempt: attempt, failure, random: pacing.random()) {
        case .giveUp: throw error
        case .wait(let milliseconds):
            beforeWaiting()
            let tenths = (milliseconds + 50) / 100
            say("\(error); trying again in \(tenths / 10).\(tenths % 10) s")
            pacing.sleep(milliseconds)
            attempt += 1
        }
    }

    /// Something was achieved: the attempts that follow are new ones.
    mutating func startAnew() { attempt = 1 }
}

extension MediaClientError {
    /// The error as the retry policy sees it.
    fileprivate var asFailure: RetryPolicy.Failure {
        switch self {
        case .transfer(let error): .transfer(isPassing: error.isPassing)
        case .refused(let refusal, _):
            .answer(status: refusal.status, retryAfterSeconds: refusal.retryAfterSeconds)
        default: .transfer(isPassing: false)
        }
    }
}
