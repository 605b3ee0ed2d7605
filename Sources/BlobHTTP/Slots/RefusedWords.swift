import Logging
import Synchronization

/// What an operator is told of refused words: of each door and each reason a line a minute, however many there are.
/// Whether a file is too large is for its sender to know, and not logged.
final class RefusedWords: Sendable {
    /// Between two lines for one door and one reason.
    static let pause = Duration.seconds(60)

    private struct RefusedWord: Hashable {
        let door: String
        let reason: String
    }

    private struct Tally {
        var toldAt: ContinuousClock.Instant
        /// Refused since then.
        var count = 0
    }

    private let logger: Logger
    /// One for each door, whose names are the operator's, and reason.
    private let tallies = Mutex<[RefusedWord: Tally]>([:])

    init(logger: Logger) { self.logger = logger }

    /// A word was refused at a door.
    func note(_ refusal: SlotRefusal, of word: SlotWord, at door: String) {
        guard let reason = Self.reason(refusal, of: word) else { return }
        guard let count = count(reason, at: door, now: .now) else { return }
        logger.warning(
            "Refused an upload to a slot for its word",
            metadata: ["door": "\(door)", "why": "\(reason)", "count": "\(count)"])
    }

    /// How many words to tell of; nil while it is too early to tell of them.
    func count(_ reason: String, at door: String, now: ContinuousClock.Instant) -> Int? {
        tallies.withLock { tallies in
            let subject = RefusedWord(door: door, reason: reason)
            guard var tally = tallies[subject] else {
                tallies[subject] = Tally(toldAt: now)
                return 1
            }
            tally.count += 1
            let isTold = now - tally.toldAt >= Self.pause
            tallies[subject] = isTold ? Tally(toldAt: now) : tally
            return isTold ? tally.count : nil
        }
    }

    /// Why, as far as an operator can mend it.
    static func reason(_ refusal: SlotRefusal, of word: SlotWord) -> String? {
        switch (refusal, word) {
        case (.unsigned, .token): "no secret of this door has signed it: the chat server has another"
        case (.unsigned, .signed):
            "no secret of this door has signed it for this path and size: the chat server has another, or the client sent"
                + " another size"
        case (.unsigned, .signedWithType):
            "no secret of this door has signed it for this path, size and type: the chat server has another, or the"
                + " client sent another size or type"
        case (.wrong, _): "it is signed with a secret of this door, and not for this upload"
        case (.expired, _): "it has expired: the client was late, or the clocks of both servers differ"
        case (.tooLarge, _), (.tooSmall, _): nil
        }
    }
}
