/// Stops writes for a while that would fail: after ten failures in a row nothing is written for a second, then one write
/// tries, and the others go on when it has succeeded. A value that decides.
struct WriteBreaker {
    enum Permission: Hashable {
        case go
        /// Not now; perhaps in so long.
        case stop(Duration)
    }

    static let failureLimit = 10
    static let pause = Duration.seconds(1)
    /// Longer than any attempt takes: whoever tried is gone.
    static let patience = Duration.seconds(30)

    private var failures = 0
    private var opensAt: ContinuousClock.Instant?
    /// Since when one tries.
    private var triedAt: ContinuousClock.Instant?

    /// Whether an attempt may begin. Each that may is followed by `succeeded`, `failed` or `abandoned`.
    mutating func ask(now: ContinuousClock.Instant) -> Permission {
        guard let opensAt else { return .go }
        if now < opensAt { return .stop(now.duration(to: opensAt)) }
        if let triedAt, now < triedAt + Self.patience { return .stop(Self.pause) }
        triedAt = now
        return .go
    }

    /// The store took a write, or refused it for a reason of its own: it is there.
    mutating func succeeded() { self = WriteBreaker() }

    /// An attempt failed. True if writes stop from now on.
    mutating func failed(now: ContinuousClock.Instant) -> Bool {
        failures = min(failures + 1, Self.failureLimit)
        guard failures == Self.failureLimit else { return false }
        let isNew = opensAt == nil
        // What was under way when writes were stopped says nothing new; who tried does.
        if isNew || triedAt != nil {
            opensAt = now + Self.pause
            triedAt = nil
        }
        return isNew
    }

    /// An attempt ended without a word from the store, since nobody waits for it any more.
    mutating func abandoned() { triedAt = nil }
}
