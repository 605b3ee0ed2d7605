import Transfer

/// Counts the attempts at one thing, and waits between them.
struct RetryLoop {
    private let policy: RetryPolicy
    let environment: RetryEnvironment
    private let notify: (String) -> Void
    private var attempt = 1

    init(_ policy: RetryPolicy, _ environment: RetryEnvironment, notify: @escaping (String) -> Void) {
        self.policy = policy
        self.environment = environment
        self.notify = notify
    }

    /// One attempt, and no more.
    var once: RetryLoop { RetryLoop(RetryPolicy(attempts: 1), environment, notify: notify) }

    /// Milliseconds to wait after `error`; throws it when another attempt is not worth it. `isTransient` overrides what
    /// the error itself suggests.
    func delay(after error: MediaClientError, isTransient: Bool = false) throws(MediaClientError) -> Int64 {
        let failure = isTransient ? .transfer(isTransient: true) : error.asFailure
        switch policy.decide(afterAttempt: attempt, failure, random: environment.random()) {
        case .giveUp: throw error
        case .wait(let milliseconds): return milliseconds
        }
    }

    /// Announces the next attempt and waits for it.
    mutating func wait(_ milliseconds: Int64, after error: MediaClientError) {
        let tenths = max(1, (milliseconds + 50) / 100)
        notify("\(error); retrying in \(tenths / 10).\(tenths % 10) s")
        environment.sleep(milliseconds)
        attempt += 1
    }

    mutating func wait(after error: MediaClientError) throws(MediaClientError) {
        wait(try delay(after: error), after: error)
    }

    /// Something was achieved: the count starts over.
    mutating func startOver() { attempt = 1 }
}

extension MediaClientError {
    /// The error as the retry policy sees it.
    fileprivate var asFailure: RetryPolicy.Failure {
        switch self {
        case .transfer(let error): .transfer(isTransient: error.isTransient)
        case .refused(let problem, _): .answer(status: problem.status, retryAfterSeconds: problem.retryAfterSeconds)
        default: .transfer(isTransient: false)
        }
    }
}
