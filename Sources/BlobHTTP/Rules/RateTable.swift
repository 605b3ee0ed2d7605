/// How much one party may do: so much a second, and as much at once as ten seconds of that.
package struct RateLimits: Hashable, Sendable {
    /// Requests a second; nil for any number.
    package var requestsPerSecond: Int64?
    /// Bytes a second, of uploads and answers together; nil for any number.
    package var bytesPerSecond: Int64?

    package init(requestsPerSecond: Int64? = nil, bytesPerSecond: Int64? = nil) {
        self.requestsPerSecond = requestsPerSecond
        self.bytesPerSecond = bytesPerSecond
    }

    var areOff: Bool { requestsPerSecond == nil && bytesPerSecond == nil }
}

/// What many parties have used of their rates lately, in a table that never grows.
///
/// For each party and rate there is one number: the moment at which it will have paid for all it used (the generic
/// cell rate algorithm of ITU-T I.371, a token bucket kept as a time). A party whose moment is over is as good as
/// unknown. Where a newcomer finds its places taken, the party that is nearest to that gives way: whoever has used
/// most is remembered longest, so that of a flood of addresses only the smallest debts are forgotten.
struct RateTable: Sendable {
    /// Nanoseconds of its rate that a party may use at once.
    static let burst: Int64 = 10_000_000_000
    /// The longest debt: a year in nanoseconds, which keeps all sums far from the end of the numbers.
    private static let longestDebt: Int64 = 31_536_000_000_000_000
    /// Places among which a party is looked for.
    private static let ways = 8

    private struct Place {
        /// The hash of the party; two parties with equal hashes are taken for one.
        var party: UInt64 = 0
        /// When its requests and its bytes will have been paid for, in nanoseconds.
        var requests: Int64 = .min
        var bytes: Int64 = .min

        var settled: Int64 { max(requests, bytes) }
    }

    private let limits: RateLimits
    private var places: [Place]

    /// A table for `parties` parties; the number is rounded up to a multiple of 8.
    init(limits: RateLimits, parties: Int) {
        self.limits = limits
        places = Array(repeating: Place(), count: max(1, (parties + Self.ways - 1) / Self.ways) * Self.ways)
    }

    /// Counts one request of `party` at `now`, in nanoseconds; or tells in how many nanoseconds it may come again.
    /// What is refused counts for nothing.
    mutating func admit(_ party: UInt64, at now: Int64) -> Int64? {
        let index = place(of: party)
        let latest = now + Self.burst
        // Bytes are counted when they are known, so that they can run into debt; until it is paid nobody comes in.
        if places[index].bytes > latest { return places[index].bytes - latest }
        guard let rate = limits.requestsPerSecond else { return nil }
        let paid = max(places[index].requests, now) + Self.nanoseconds(for: 1, rate: rate)
        guard paid <= latest else { return paid - latest }
        places[index].requests = paid
        return nil
    }

    /// Counts bytes that `party` sends or gets, however many.
    mutating func spend(_ bytes: Int64, by party: UInt64, at now: Int64) {
        guard let rate = limits.bytesPerSecond else { return }
        let index = place(of: party)
        let paid = max(places[index].bytes, now) + Self.nanoseconds(for: bytes, rate: rate)
        places[index].bytes = min(paid, now + Self.longestDebt)
    }

    /// How long it takes to pay for `count` at `rate` a second, at most the longest debt.
    private static func nanoseconds(for count: Int64, rate: Int64) -> Int64 {
        let (seconds, rest) = max(0, count).quotientAndRemainder(dividingBy: max(1, rate))
        guard seconds < longestDebt / 1_000_000_000 else { return longestDebt }
        // The rest is less than the rate, so that the quotient is less than a second.
        let part = max(1, rate).dividingFullWidth(rest.multipliedFullWidth(by: 1_000_000_000)).quotient
        return seconds * 1_000_000_000 + part
    }

    /// The place that `party` has, or gets.
    private mutating func place(of party: UInt64) -> Int {
        let first = Int(party % UInt64(places.count / Self.ways)) * Self.ways
        var best = first
        for index in first..<first + Self.ways {
            if places[index].party == party { return index }
            if places[index].settled < places[best].settled { best = index }
        }
        places[best] = Place(party: party)
        return best
    }
}
