import Synchronization

/// What a node's batches come to, counted.
package struct CommitFigures: Sendable, Hashable {
    /// Attempts, and changes in them.
    package var batches: Int64 = 0
    package var changes: Int64 = 0
    /// Statements, and times that an answer was waited for.
    package var statements: Int64 = 0
    package var roundTrips: Int64 = 0
    /// Batches that were judged anew.
    package var retries: Int64 = 0
    /// Commits whose answers were lost.
    package var lostAnswers: Int64 = 0
}

/// Counts it.
final class CommitMeters: Sendable {
    private let sums = Mutex(CommitFigures())

    init() {}

    var figures: CommitFigures { sums.withLock { $0 } }

    func note(changes: Int, statements: Int, roundTrips: Int) {
        sums.withLock { sums in
            sums.batches += 1
            sums.changes += Int64(changes)
            sums.statements += Int64(statements)
            sums.roundTrips += Int64(roundTrips)
        }
    }

    func noteRetry() { sums.withLock { $0.retries += 1 } }

    func noteLostAnswer() { sums.withLock { $0.lostAnswers += 1 } }
}
