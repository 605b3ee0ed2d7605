import SharedCatalog

/// What a node has heard from the database, and what follows for what it may believe: decided without a clock, a
/// connection or a task.
///
/// A node believes what it found until a second after it *sent* the last question that was answered. Whoever ends
/// something waits a little longer than that after the commit, unless no other node is alive: by then every node has sent
/// another question, whose answer has the change, or believes nothing. Two things have to hold for that:
///
/// * Whoever believes anything is counted among the living. So a node whose own beat is old believes nothing.
/// * "No other node is alive" may be a second old when somebody relies on it. So whoever comes to life, or comes back to
///   it, believes nothing until what was said before its beat is no longer relied on by anybody.
struct Hearing: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// From one question to the next.
    static let pause = Duration.milliseconds(250)
    /// How long after it was sent an answered question keeps what was found believable.
    static let belief = Duration.seconds(1)
    /// How long after its commit an end is acknowledged; and how long after its beat a node that was not alive believes
    /// nothing. Longer than `belief`, since clocks of machines do not run alike.
    static let settling = Duration.milliseconds(1100)
    /// From one beat to the next, and how long a node counts as alive after one.
    static let beatPause = Duration.seconds(5)
    static let life = Duration.seconds(20)
    /// The end of a life in which its node no longer counts on it.
    static let lifeMargin = Duration.seconds(1)

    /// What an answer comes to.
    struct Conclusion: Hashable {
        /// Whether nothing that was found so far may be believed: changes were missed, or may have been.
        var forgetsAll = false
        /// Whether whoever is told of changes has missed some.
        var startsOver = false
        /// Until when what is found may be believed; nil where the answer allows nothing.
        var believedUntil: Instant?
    }

    /// Where the next question goes on; nil before the first answer.
    private(set) var position: CatalogPosition?
    /// When the last question that was answered by a server that takes writes was sent.
    private(set) var heard: Instant?
    /// When the last beat was sent that succeeded.
    private var beat: Instant?
    /// Questions sent earlier make nothing believable; nil before the first beat.
    private(set) var trusted: Instant?
    /// Until when nobody else can believe anything.
    private var aloneUntil: Instant?

    /// A question was answered.
    mutating func take(_ news: News) -> Conclusion {
        let isFirst = position == nil
        position = news.position
        guard !news.isInRecovery else {
            // What follows another is behind it. Once it does not any more, its news are not continuous.
            aloneUntil = nil
            return Conclusion(forgetsAll: true)
        }
        let sent = news.asked
        heard = max(heard ?? sent, sent)
        let isAlive = news.isAlive && isAlive(from: sent)
        let isAlone = isAlive && news.otherNodes == 0
        aloneUntil = isAlone ? sent + Self.belief : nil
        // There is nobody who could rely on this node's absence.
        if isAlone, let beat, sent > beat { trusted = trusted.map { min($0, sent) } }
        let hasMissed = !isFirst && !news.isContinuous
        return Conclusion(
            forgetsAll: hasMissed, startsOver: hasMissed,
            believedUntil: isAlive && trusted.map { sent >= $0 } ?? false ? sent + Self.belief : nil)
    }

    /// Whether this node is alive for as long as an answer to a question sent at `sent` is believed.
    private func isAlive(from sent: Instant) -> Bool {
        beat.map { sent + Self.belief <= $0 + Self.life - Self.lifeMargin } ?? false
    }

    /// A beat that was sent at `sent` had succeeded at `done`.
    mutating func beaten(sent: Instant, done: Instant) {
        let isContinued = beat.map { done <= $0 + Self.life - Self.lifeMargin } ?? false
        beat = sent
        if !isContinued { trusted = done + Self.settling }
    }

    /// Whether no other node believes anything at `now` that was found before.
    func isAlone(at now: Instant) -> Bool { aloneUntil.map { now < $0 } ?? false }
}
