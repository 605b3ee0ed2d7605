import Blobs
import HTTPTypes
import Logging
import NIOCore
import OriginLink
import Synchronization

/// Sends requests to one S3-compatible store: waits for a turn, signs, sends, judges the answer, and sends again as
/// `RetryRule` says.
final class S3Link: Sendable {
    let address: ObjectStoreAddress
    let settings: S3Settings
    let keys: AccessKeys
    let client: OriginClient
    let group: any EventLoopGroup
    private let logger: Logger
    private let wall: @Sendable () -> Timestamp
    /// Seconds by which the store's clock is ahead of this machine's.
    private let ahead = Mutex<Int64>(0)
    private let reads: PaceGate
    private let writes: PaceGate
    private let breaker = Mutex(WriteBreaker())

    init(
        _ address: ObjectStoreAddress, keys: AccessKeys, settings: S3Settings, group: any EventLoopGroup,
        wall: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        guard let origin = OriginAddress("\(address.server)") else {
            preconditionFailure("a bucket's name is the beginning of a host's name")
        }
        self.address = address
        self.settings = settings
        self.keys = keys
        self.group = group
        self.wall = wall
        self.logger = logger
        reads = PaceGate(limit: settings.requests, clocks: group)
        writes = PaceGate(limit: settings.requests, clocks: group)
        // Stores end connections that have been idle for longer without a word.
        let link = OriginClientSettings(
            connections: 2 * settings.requests, silence: settings.silence, idleTime: .seconds(5),
            trust: settings.trust)
        client = OriginClient(origin, settings: link, group: group, logger: logger)
    }

    /// How many may write, and read, at once by now.
    var allowedWrites: Int { writes.allowed }
    var allowedReads: Int { reads.allowed }

    func close() async {
        reads.close()
        writes.close()
        await client.close()
    }

    /// The time that the store's clock shows, as far as is known.
    func now() -> Timestamp {
        let (sum, overflow) = wall().seconds.addingReportingOverflow(ahead.withLock { $0 })
        return Timestamp(seconds: overflow ? .max : sum)
    }

    /// Sends `request` until `read` makes something of an answer. It is called for answers that are done, absent or
    /// beyond; what it throws makes the attempt fail.
    func perform<Value>(
        _ request: S3Request, _ read: (S3Verdict, S3Answer) throws(RetryRule.Failure) -> Value
    ) async throws(ObjectError) -> Value {
        let start = ContinuousClock.now
        var attempts = 0
        var outcome = S3Outcome.done
        defer {
            settings.observe(
                S3Report(
                    operation: request.kind.rawValue, outcome: outcome, attempts: attempts,
                    duration: start.duration(to: .now)))
        }
        do throws(ObjectError) {
            let (value, verdict) = try await repeating(request, from: start, &attempts, read)
            if verdict == .absent { outcome = .absent }
            return value
        } catch {
            outcome = S3Outcome(error)
            throw error
        }
    }

    private func repeating<Value>(
        _ request: S3Request, from start: ContinuousClock.Instant, _ attempts: inout Int,
        _ read: (S3Verdict, S3Answer) throws(RetryRule.Failure) -> Value
    ) async throws(ObjectError) -> (Value, S3Verdict) {
        let deadline = NIODeadline.now() + TimeAmount(settings.limit)
        var rule = RetryRule(limit: settings.limit)
        var isSetRight = false
        while true {
            switch try await attempt(request, &attempts, before: deadline, read) {
            case .over(let value, let verdict): return (value, verdict)
            case .end(let error): throw error
            case .skewed(let time):
                guard !isSetRight else { throw .refused("it takes its own clock for wrong") }
                isSetRight = true
                setClock(to: time)
            case .again(let failure):
                logger.debug(
                    "A request to the object store failed",
                    metadata: ["operation": "\(request.kind)", "reason": "\(failure)", "attempt": "\(attempts)"])
                switch rule.next(after: failure, elapsed: start.duration(to: .now), chance: .random(in: 0...1)) {
                case .end(let error): throw error
                case .again(let wait):
                    do { try await Task.sleep(for: wait) } catch { throw .abandoned }
                }
            }
        }
    }

    // MARK: One attempt

    /// What one attempt comes to.
    private enum AttemptEnd<Value> {
        case over(Value, S3Verdict)
        case again(RetryRule.Failure)
        case skewed(Timestamp)
        case end(ObjectError)
    }

    private func attempt<Value>(
        _ request: S3Request, _ attempts: inout Int, before deadline: NIODeadline,
        _ read: (S3Verdict, S3Answer) throws(RetryRule.Failure) -> Value
    ) async throws(ObjectError) -> AttemptEnd<Value> {
        let gate = request.kind.isWrite ? writes : reads
        guard let turn = await gate.enter(before: deadline) else {
            throw Task.isCancelled
                ? .abandoned : .unavailable("too many requests wait, or it is closed", retryAfterSeconds: 5)
        }
        var wasOverloaded = false
        defer { gate.leave(turn, wasOverloaded: wasOverloaded) }
        if request.kind.isWrite, case .stop(let rest) = breaker.withLock({ $0.ask(now: .now) }) {
            // What is under way waits with the others; what comes now is told to come again.
            if attempts > 0 { return .again(.overloaded(retryAfterSeconds: rest.components.seconds + 1)) }
            throw .unavailable("it has failed so often that nothing is written for a moment", retryAfterSeconds: 1)
        }
        attempts += 1
        let result: AttemptEnd<Value>
        do throws(RetryRule.Failure) {
            let answer = try await exchange(request, fresh: attempts > 1, before: deadline)
            let verdict = S3Verdict(request.kind, answer)
            switch verdict {
            case .done, .absent, .beyond: result = .over(try read(verdict, answer), verdict)
            case .again(let failure): throw failure
            case .skewed(let time): result = .skewed(time)
            case .end(let error): result = .end(error)
            }
        } catch {
            if case .overloaded = error { wasOverloaded = true }
            result = .again(error)
        }
        if request.kind.isWrite { noteWrite(result) }
        if case .again = result, Task.isCancelled { throw .abandoned }
        return result
    }

    /// Tells the breaker what a write came to.
    private func noteWrite<Value>(_ result: AttemptEnd<Value>) {
        let hasStopped = breaker.withLock { breaker in
            guard case .again = result else {
                breaker.succeeded()
                return false
            }
            if Task.isCancelled {
                breaker.abandoned()
                return false
            }
            return breaker.failed(now: .now)
        }
        if hasStopped { logger.warning("Writes to the object store stop for a moment: it fails again and again") }
    }

    /// Signs by the store's clock from now on, which shows `time`.
    private func setClock(to time: Timestamp) {
        let (difference, overflow) = time.seconds.subtractingReportingOverflow(wall().seconds)
        if overflow { return }
        ahead.withLock { $0 = difference }
        logger.warning(
            "The object store's clock is another than this machine's: requests are signed by the store's",
            metadata: ["seconds_ahead": "\(difference)"])
    }
}
