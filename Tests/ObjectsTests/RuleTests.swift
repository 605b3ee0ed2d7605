import Testing

@testable import Objects

@Suite struct RetryRuleTests {
    private func next(
        _ rule: inout RetryRule, after failure: RetryRule.Failure, elapsed: Duration, chance: Double
    ) -> RetryRule.Step {
        rule.next(after: failure, elapsed: elapsed, chance: chance)
    }

    @Test func `what breaks is sent again three times, each time later, and is then not available`() {
        var rule = RetryRule()
        var waits: [Duration] = []
        for _ in 0..<3 {
            guard case .again(let wait) = next(&rule, after: .broken("x"), elapsed: .zero, chance: 0.5) else { return }
            waits.append(wait)
        }
        #expect(waits == [.milliseconds(50), .milliseconds(200), .milliseconds(800)])
        #expect(
            next(&rule, after: .broken("x"), elapsed: .zero, chance: 0.5)
                == .end(.unavailable("x", retryAfterSeconds: 5)))
    }

    @Test(arguments: [0.0, 0.25, 1.0])
    func `those who failed together come again apart, by up to three times as much`(_ chance: Double) {
        var rule = RetryRule()
        #expect(
            next(&rule, after: .broken("x"), elapsed: .zero, chance: chance)
                == .again(after: .milliseconds(50) * (0.5 + chance)))
        rule = RetryRule()
        #expect(
            next(&rule, after: .overloaded(retryAfterSeconds: nil), elapsed: .zero, chance: chance)
                == .again(after: .milliseconds(500) * (0.5 + chance)))
    }

    @Test func `no attempt begins behind the limit, and none that the store does not want by then`() {
        var rule = RetryRule()
        #expect(
            next(&rule, after: .broken("x"), elapsed: .milliseconds(19_990), chance: 0.5)
                == .end(.unavailable("x", retryAfterSeconds: 5)))
        #expect(
            next(&rule, after: .overloaded(retryAfterSeconds: 60), elapsed: .zero, chance: 0)
                == .end(.unavailable("it is asked too much", retryAfterSeconds: 60)))
        #expect(
            next(&rule, after: .overloaded(retryAfterSeconds: .max), elapsed: .zero, chance: 0)
                == .end(.unavailable("it is asked too much", retryAfterSeconds: 3600)))
        #expect(
            next(&rule, after: .overloaded(retryAfterSeconds: 3), elapsed: .zero, chance: 0)
                == .again(after: .seconds(3))
        )
        #expect(
            next(&rule, after: .overloaded(retryAfterSeconds: 0), elapsed: .zero, chance: 0) == .again(after: .zero))
    }

    @Test func `nonsense to the end is a failure of the store's`() {
        #expect(RetryRule.error(.nonsense("x")) == .failed("x"))
        #expect(
            RetryRule.error(.overloaded(retryAfterSeconds: nil))
                == .unavailable("it is asked too much", retryAfterSeconds: 5))
    }
}

@Suite struct WriteBreakerTests {
    private let start = ContinuousClock.now

    private func ask(_ breaker: inout WriteBreaker, now: ContinuousClock.Instant) -> WriteBreaker.Permission {
        breaker.ask(now: now)
    }

    private func fail(_ breaker: inout WriteBreaker, now: ContinuousClock.Instant) -> Bool {
        breaker.failed(now: now)
    }

    private func broken() -> WriteBreaker {
        var breaker = WriteBreaker()
        for number in 1...10 {
            #expect(ask(&breaker, now: start) == .go)
            #expect(fail(&breaker, now: start) == (number == 10))
        }
        return breaker
    }

    @Test func `after ten failures in a row writes stop for a second; then one tries, and those that follow go by it`()
    {
        var breaker = broken()
        #expect(ask(&breaker, now: start) == .stop(.seconds(1)))
        #expect(ask(&breaker, now: start + .milliseconds(900)) == .stop(.milliseconds(100)))
        let later = start + .seconds(1)
        #expect(ask(&breaker, now: later) == .go)
        #expect(ask(&breaker, now: later) == .stop(.seconds(1)))
        // It failed: a second more.
        #expect(!fail(&breaker, now: later))
        #expect(ask(&breaker, now: later + .milliseconds(999)) == .stop(.milliseconds(1)))
        #expect(ask(&breaker, now: later + .seconds(1)) == .go)
        breaker.succeeded()
        #expect(ask(&breaker, now: later) == .go)
        #expect(ask(&breaker, now: later) == .go)
    }

    @Test func `a success in between begins the count anew`() {
        var breaker = WriteBreaker()
        for _ in 0..<30 {
            for _ in 0..<9 { #expect(!fail(&breaker, now: start)) }
            breaker.succeeded()
        }
        #expect(ask(&breaker, now: start) == .go)
    }

    @Test func `what was under way when writes stopped does not stop them longer`() {
        var breaker = broken()
        #expect(!fail(&breaker, now: start + .milliseconds(500)))
        #expect(ask(&breaker, now: start + .seconds(1)) == .go)
    }

    @Test func `where the one that tries is given up, or never heard of again, another does`() {
        var breaker = broken()
        let later = start + .seconds(2)
        #expect(ask(&breaker, now: later) == .go)
        breaker.abandoned()
        #expect(ask(&breaker, now: later) == .go)
        #expect(ask(&breaker, now: later + .seconds(29)) == .stop(.seconds(1)))
        #expect(ask(&breaker, now: later + .seconds(30)) == .go)
    }
}

@Suite struct PaceTests {
    private struct NoTurn: Error {}

    private func begin(_ pace: inout Pace) throws -> Int {
        guard let turn = pace.begin() else { throw NoTurn() }
        return turn
    }

    @Test func `there are as many at once as there may be`() throws {
        var pace = Pace(limit: 3)
        let turns = (0..<3).map { _ in pace.begin() }
        #expect(turns == [0, 0, 0])
        #expect(throws: NoTurn.self) { try begin(&pace) }
        pace.end(0, wasOverloaded: false)
        #expect(try begin(&pace) == 0)
    }

    @Test func `a complaint halves them, once for all that were under way, and each round of successes adds one`()
        throws
    {
        var pace = Pace(limit: 64)
        for _ in 0..<64 { _ = pace.begin() }
        for _ in 0..<64 { pace.end(0, wasOverloaded: true) }
        #expect(pace.allowed == 32)
        let turn = try begin(&pace)
        pace.end(turn, wasOverloaded: true)
        // There was one alone.
        #expect(pace.allowed == 2)
        for expected in [3, 4, 5] {
            for _ in 0..<(expected - 1) {
                let turn = try begin(&pace)
                pace.end(turn, wasOverloaded: false)
            }
            #expect(pace.allowed == expected)
        }
    }

    @Test
    func `however often the store complains, some go on, and however seldom, there are no more than there may be`()
        throws
    {
        var pace = Pace(limit: 4)
        for _ in 0..<20 {
            let turn = try begin(&pace)
            pace.end(turn, wasOverloaded: true)
        }
        #expect(pace.allowed == 2)
        for _ in 0..<1000 {
            let turn = try begin(&pace)
            pace.end(turn, wasOverloaded: false)
        }
        #expect(pace.allowed == 4)
        #expect(pace.running == 0)
    }
}
