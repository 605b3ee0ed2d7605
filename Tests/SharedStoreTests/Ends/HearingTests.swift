import SharedStore
import Store
import Testing

@testable import SharedCatalog
@testable import SharedStore

/// What a node believes, by what it has heard and when. Moments are milliseconds.
@Suite struct HearingTests {
    private let start = ContinuousClock.now

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

    private func news(
        asked: Int, others: Int = 1, isAlive: Bool = true, isContinuous: Bool = true, isInRecovery: Bool = false
    ) -> News {
        News(
            position: CatalogPosition(transaction: 1, heard: [], firsts: [], started: 1, at: 1), prefixes: [],
            isContinuous: isContinuous, isInRecovery: isInRecovery, clockMicroseconds: 0, asked: at(asked),
            answered: at(asked + 1), otherNodes: others, isAlive: isAlive)
    }

    /// A node that is alive since the beginning, and that others have had the time to count.
    private func settled() -> Hearing {
        var hearing = Hearing()
        hearing.beaten(sent: at(0), done: at(1))
        _ = hearing.take(news(asked: 2000))
        return hearing
    }

    @Test func `what is found is believed for a second after the question was sent`() {
        var hearing = settled()
        #expect(hearing.take(news(asked: 3000)) == .init(believedUntil: at(4000)))
        // The answer to an earlier question came later.
        #expect(hearing.take(news(asked: 2900)).believedUntil == at(3900))
    }

    @Test func `before a sign of life nothing is believed`() {
        var hearing = Hearing()
        #expect(hearing.take(news(asked: 0)).believedUntil == nil)
        #expect(hearing.trusted == nil)
    }

    @Test func `beside others a new node believes nothing until nobody relies on its absence any more`() {
        var hearing = Hearing()
        hearing.beaten(sent: at(0), done: at(10))
        #expect(hearing.take(news(asked: 20)).believedUntil == nil)
        #expect(hearing.take(news(asked: 1109)).believedUntil == nil)
        #expect(hearing.take(news(asked: 1110)).believedUntil == at(2110))
    }

    @Test func `alone a new node believes at once, and has nobody to wait for`() {
        var hearing = Hearing()
        hearing.beaten(sent: at(0), done: at(10))
        #expect(!hearing.isAlone(at: at(10)))
        #expect(hearing.take(news(asked: 20, others: 0)).believedUntil == at(1020))
        #expect(hearing.isAlone(at: at(1019)))
        #expect(!hearing.isAlone(at: at(1020)), "somebody may have come since")
        _ = hearing.take(news(asked: 900, others: 1))
        #expect(!hearing.isAlone(at: at(901)))
    }

    @Test func `a node whose beats fail believes nothing before others take it for dead`() {
        var hearing = settled()
        // Alive until 20 s after the beat: 19 are counted on, and an answer is believed for one.
        #expect(hearing.take(news(asked: 18_000)).believedUntil == at(19_000))
        #expect(hearing.take(news(asked: 18_001)).believedUntil == nil)
        #expect(!hearing.isAlone(at: at(18_002)))
        _ = hearing.take(news(asked: 18_010, others: 0))
        #expect(!hearing.isAlone(at: at(18_011)), "it cannot tell: others may take it for dead and be counted no more")
        // Back in time, it goes on.
        hearing.beaten(sent: at(18_500), done: at(18_900))
        #expect(hearing.take(news(asked: 18_901)).believedUntil == at(19_901))
    }

    @Test func `a node that came back to life begins anew`() {
        var hearing = settled()
        hearing.beaten(sent: at(18_999), done: at(19_001))
        #expect(hearing.take(news(asked: 19_100)).believedUntil == nil)
        #expect(hearing.take(news(asked: 20_100)).believedUntil == nil)
        #expect(hearing.take(news(asked: 20_101)).believedUntil == at(21_101))
    }

    @Test func `a node that the database does not count believes nothing, and does not take itself for the only one`() {
        var hearing = settled()
        // The clock of the database was set forward: all look dead.
        #expect(hearing.take(news(asked: 3000, others: 0, isAlive: false)).believedUntil == nil)
        #expect(!hearing.isAlone(at: at(3001)))
    }

    @Test func `where changes were missed all is forgotten, and whoever is told begins anew`() {
        var hearing = settled()
        let conclusion = hearing.take(news(asked: 3000, isContinuous: false))
        #expect(conclusion == .init(forgetsAll: true, startsOver: true, believedUntil: at(4000)))
        #expect(hearing.take(news(asked: 3250)) == .init(believedUntil: at(4250)))
    }

    @Test func `the first answer has nothing that could be forgotten`() {
        var hearing = Hearing()
        #expect(hearing.take(news(asked: 0, isContinuous: false)) == .init())
    }

    @Test func `a database that follows another makes nothing believable`() {
        var hearing = settled()
        for moment in [3000, 3250] {
            let conclusion = hearing.take(
                news(asked: moment, others: 0, isContinuous: false, isInRecovery: true))
            #expect(conclusion == .init(forgetsAll: true))
            #expect(!hearing.isAlone(at: at(moment + 1)))
            #expect(hearing.heard == at(2000))
        }
        let conclusion = hearing.take(news(asked: 3500, isContinuous: false))
        #expect(conclusion == .init(forgetsAll: true, startsOver: true, believedUntil: at(4500)))
    }
}
