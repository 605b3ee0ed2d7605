/// How many requests are under way at once: half as many as soon as the store says that it is asked too much, and slowly
/// more while it does not. A value that decides; its owner lets others wait.
struct Pace {
    /// However often the store complains, so many go on.
    private static let least = 2

    /// As many as there may be.
    private let limit: Int
    /// As many as there may be now.
    private(set) var allowed: Int
    private(set) var running = 0
    private var successes = 0
    /// How often there were fewer: what began before the last time says nothing new by complaining again.
    private var turn = 0

    init(limit: Int) {
        precondition(limit >= Self.least, "with \(limit) requests at once there is no pace")
        self.limit = limit
        allowed = limit
    }

    /// Begins one more, if there may be one. Returns what `end` is told.
    mutating func begin() -> Int? {
        guard running < allowed else { return nil }
        running += 1
        return turn
    }

    /// One is over that began in `turn`.
    mutating func end(_ turn: Int, wasOverloaded: Bool) {
        running -= 1
        if wasOverloaded {
            guard turn == self.turn else { return }
            self.turn += 1
            allowed = max(Self.least, min(allowed, running + 1) / 2)
            successes = 0
        } else if allowed < limit {
            successes += 1
            guard successes >= allowed else { return }
            successes = 0
            allowed += 1
        }
    }
}
