/// How often, and after how much waiting, a request to an object store is sent again: at most three times, within
/// twenty seconds of the first. A value that decides; its owner waits.
struct RetryRule {
    /// Why an attempt came to nothing.
    enum Failure: Error, Hashable {
        /// The store says that it is asked too much; perhaps for how long it wants to be left alone.
        case overloaded(retryAfterSeconds: Int64?)
        /// It answered that it failed, closed the connection, or fell silent.
        case broken(String)
        /// It answered with what makes no sense.
        case nonsense(String)
    }

    enum Step: Hashable, Sendable {
        /// Once more, on another connection, after so long.
        case again(after: Duration)
        case end(ObjectError)
    }

    /// Attempts behind the first.
    static let repetitions = 3

    /// No attempt begins after so long.
    let limit: Duration
    private var repetitions = 0

    init(limit: Duration = .seconds(20)) {
        self.limit = limit
    }

    /// - Parameters:
    ///   - elapsed: Since the first attempt began.
    ///   - chance: From 0 to 1, at random: those who failed together do not come again together.
    mutating func next(after failure: Failure, elapsed: Duration, chance: Double) -> Step {
        let wait: Duration
        switch failure {
        case .overloaded(let seconds?): wait = .seconds(min(seconds, 3600)) + .milliseconds(500) * chance
        case .overloaded(nil): wait = .milliseconds(500 << repetitions) * (0.5 + chance)
        case .broken, .nonsense: wait = .milliseconds(50 << (2 * repetitions)) * (0.5 + chance)
        }
        guard repetitions < Self.repetitions, elapsed + wait < limit else { return .end(Self.error(failure)) }
        repetitions += 1
        return .again(after: wait)
    }

    /// What a request comes to whose last attempt ended so.
    static func error(_ failure: Failure) -> ObjectError {
        switch failure {
        case .overloaded(let seconds):
            .unavailable("it is asked too much", retryAfterSeconds: min(max(seconds ?? 5, 1), 3600))
        case .broken(let reason): .unavailable(reason, retryAfterSeconds: 5)
        case .nonsense(let reason): .failed(reason)
        }
    }
}
