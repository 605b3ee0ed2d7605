import Blobs
import Testing

@testable import Edge

/// When a blob is served unasked, as a table.
@Suite struct FreshnessTests {
    /// Seconds; the maximum age is 300, stale-if-error 60.
    private struct Row {
        let story: String
        var now: Int64 = 1000
        var sunset: Int64 = 5000
        var checked: Int64 = 900
        var isMarked = false
        var feed = FeedView.none
        let freshness: Freshness
        var isStale = false
    }

    private static func feed(since: Int64, tick: Int64?, isHealthy: Bool) -> FeedView {
        FeedView(
            unbrokenSince: Timestamp(seconds: since), lastTick: tick.map { Timestamp(seconds: $0) },
            isHealthy: isHealthy)
    }

    private static func until(_ seconds: Int64) -> Freshness { .fresh(until: Timestamp(seconds: seconds)) }

    private static let rows: [Row] = [
        Row(story: "checked a while ago, without a feed", freshness: until(1200), isStale: true),
        Row(story: "its end comes before its age", sunset: 1100, freshness: until(1100), isStale: true),
        Row(story: "the age is up", now: 1200, freshness: .ask, isStale: true),
        Row(story: "so is the time for staleness", now: 1260, freshness: .ask),
        Row(story: "its end is now, however fresh", now: 1000, sunset: 1000, checked: 1000, freshness: .ask),
        Row(story: "its end is past", now: 1001, sunset: 1000, checked: 1000, freshness: .ask),
        Row(story: "the feed has named it", isMarked: true, freshness: .ask),
        Row(
            story: "the feed covers it", feed: feed(since: 800, tick: 999, isHealthy: true), freshness: until(5000),
            isStale: true),
        Row(
            story: "the feed names it", isMarked: true, feed: feed(since: 800, tick: 999, isHealthy: true),
            freshness: .ask),
        Row(
            story: "the feed covers it, and its end has come", now: 5000,
            feed: feed(since: 800, tick: 4999, isHealthy: true), freshness: .ask),
        Row(
            story: "it was learned before the feed began", feed: feed(since: 950, tick: 999, isHealthy: true),
            freshness: until(1200), isStale: true),
        Row(
            story: "it was learned in the second in which the feed began, perhaps before",
            feed: feed(since: 900, tick: 999, isHealthy: true), freshness: until(1200), isStale: true),
        Row(
            story: "it was learned in the next second", feed: feed(since: 899, tick: 999, isHealthy: true),
            freshness: until(5000), isStale: true),
        Row(
            story: "the feed has fallen silent: what it said last counts as an answer", now: 1250,
            feed: feed(since: 800, tick: 1000, isHealthy: false), freshness: until(1300), isStale: true),
        Row(
            story: "it has been silent for longer than the age", now: 1300,
            feed: feed(since: 800, tick: 1000, isHealthy: false), freshness: .ask, isStale: true),
        Row(
            story: "a feed that has lost the thread says nothing about what came before", now: 1250,
            feed: feed(since: 1200, tick: 1249, isHealthy: true), freshness: .ask, isStale: true),
        Row(
            story: "a feed that has not ticked yet confirms nothing", now: 1000,
            feed: feed(since: 800, tick: nil, isHealthy: false), freshness: until(1200), isStale: true),
        Row(
            story: "our clock is behind: what was checked in the future is as fresh", now: 500, freshness: until(1200),
            isStale: true),
    ]

    @Test(arguments: rows.indices) func `freshness follows from standing, feed and time`(index: Int) {
        let row = Self.rows[index]
        let standing = Standing(
            sunset: Timestamp(seconds: row.sunset), checked: Timestamp(seconds: row.checked), isMarked: row.isMarked)
        let now = Timestamp(seconds: row.now)
        let age = Lifetime.minutes(5)
        #expect(
            Freshness.decide(standing, row.feed, now: now, maximumAge: age) == row.freshness, "\(row.story)")
        let mayBeStale = Freshness.mayBeStale(
            standing, row.feed, now: now, maximumAge: age, staleIfError: .minutes(1))
        #expect(mayBeStale == row.isStale, "\(row.story)")
        #expect(
            !Freshness.mayBeStale(standing, row.feed, now: now, maximumAge: age, staleIfError: nil), "\(row.story)")
    }
}
