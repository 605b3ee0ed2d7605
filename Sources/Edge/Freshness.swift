import Blobs
import CacheFolder

/// How a blob in the cache stands with its origin.
struct Standing: Hashable, Sendable {
    /// From this second on it is never served unasked.
    let sunset: Timestamp
    /// When the origin last answered for it.
    let checked: Timestamp
    /// The origin has said since that this may be wrong.
    let isMarked: Bool

    init(sunset: Timestamp, checked: Timestamp, isMarked: Bool = false) {
        self.sunset = sunset
        self.checked = checked
        self.isMarked = isMarked
    }

    init(_ entry: CacheEntry) {
        self.init(sunset: entry.sunset, checked: entry.checked, isMarked: entry.isMarked)
    }
}

/// What is known of the change feed at one moment.
struct FeedView: Hashable, Sendable {
    /// Every change since this moment has been heard; nil before anything was, and without a feed.
    var unbrokenSince: Timestamp?
    /// When it last said that nothing else has changed.
    var lastTick: Timestamp?
    /// Whether that was within the last seconds.
    var isHealthy = false

    /// No feed.
    static let none = FeedView()

    /// When what was learned at `checked` was last confirmed.
    func confirmed(_ checked: Timestamp) -> Timestamp {
        guard let lastTick, isFollowed(checked) else { return checked }
        return max(checked, lastTick)
    }

    /// Whether a change of what was learned at `checked` would be heard within seconds.
    func covers(_ checked: Timestamp) -> Bool { isHealthy && isFollowed(checked) }

    /// Whether no change of what was learned at `checked` was missed. What was learned in the second in which the feed
    /// began may have been learned before.
    private func isFollowed(_ checked: Timestamp) -> Bool { unbrokenSince.map { checked > $0 } ?? false }
}

/// Whether a blob may be served without asking the origin (RFC 9111 §4.2, with a change feed beside it).
enum Freshness: Hashable, Sendable {
    /// It may be served until this moment.
    case fresh(until: Timestamp)
    /// The origin is asked first.
    case ask

    static func decide(
        _ standing: Standing, _ feed: FeedView, now: Timestamp, maximumAge: Lifetime
    ) -> Freshness {
        guard now < standing.sunset, !standing.isMarked else { return .ask }
        if feed.covers(standing.checked) { return .fresh(until: standing.sunset) }
        let end = feed.confirmed(standing.checked).advanced(by: maximumAge)
        // What the origin confirmed at this second is fresh at this second, however short the age.
        return now < end || now == standing.checked ? .fresh(until: min(end, standing.sunset)) : .ask
    }

    /// Whether it may be served although the origin cannot be asked.
    static func mayBeStale(
        _ standing: Standing, _ feed: FeedView, now: Timestamp, maximumAge: Lifetime, staleIfError: Lifetime?
    ) -> Bool {
        guard let staleIfError, now < standing.sunset, !standing.isMarked else { return false }
        return now < feed.confirmed(standing.checked).advanced(by: maximumAge).advanced(by: staleIfError)
    }
}
