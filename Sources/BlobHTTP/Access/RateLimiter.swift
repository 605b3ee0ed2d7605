package import NIOCore
import Synchronization

/// Limits requests and bytes per second, for each address and each subject. Without limits it costs next to nothing:
/// not even the clock is read.
package final class RateLimiter: Sendable {
    /// Parties of one kind that are remembered; a table of them takes 1.5 MiB.
    private static let parties = 65_536

    private final class Table: Sendable {
        let rates: Mutex<RateTable>
        let countsBytes: Bool

        init?(_ limits: RateLimits) {
            if limits.areOff { return nil }
            countsBytes = limits.bytesPerSecond != nil
            rates = Mutex(RateTable(limits: limits, parties: RateLimiter.parties))
        }
    }

    private let addresses: Table?
    private let subjects: Table?
    private let clock: @Sendable () -> NIODeadline

    package init(
        perAddress: RateLimits, perSubject: RateLimits, clock: @escaping @Sendable () -> NIODeadline = { .now() }
    ) {
        self.clock = clock
        addresses = Table(perAddress)
        subjects = Table(perSubject)
    }

    /// Whether addresses have a rate.
    package var countsAddresses: Bool { addresses != nil }

    /// Admits and counts a request of `client`, and returns nil; or returns in how many seconds it may try again.
    ///
    /// Can be called from any number of threads at once.
    package func admit(_ client: ClientAddress) -> Int64? {
        addresses.flatMap { Self.admit(Self.party(client.customer), to: $0, clock()) }
    }

    /// Counts bytes of a response to `client`, or of an upload from it.
    package func spend(_ bytes: Int64, by client: ClientAddress) {
        guard let addresses, addresses.countsBytes else { return }
        let time = Self.nanoseconds(clock())
        addresses.rates.withLock { $0.spend(bytes, by: Self.party(client.customer), at: time) }
    }

    /// Admits and counts a request with a ticket of `subject`, as above.
    package func admit(subject: String) -> Int64? {
        subjects.flatMap { Self.admit(Self.party(subject), to: $0, clock()) }
    }

    /// Counts bytes of an upload by `subject`.
    package func spend(_ bytes: Int64, by subject: String) {
        guard let subjects, subjects.countsBytes else { return }
        let time = Self.nanoseconds(clock())
        subjects.rates.withLock { $0.spend(bytes, by: Self.party(subject), at: time) }
    }

    private static func admit(_ party: UInt64, to table: Table, _ now: NIODeadline) -> Int64? {
        let wait = table.rates.withLock { $0.admit(party, at: nanoseconds(now)) }
        return wait.map { max(1, ($0 + 999_999_999) / 1_000_000_000) }
    }

    /// Swift seeds its hashes differently in every process, so that nobody can choose whose slot they share.
    private static func party(_ who: some Hashable) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(who)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// The monotonic clock counts from the start of the machine, so that there is room for centuries to be added.
    private static func nanoseconds(_ time: NIODeadline) -> Int64 {
        Int64(clamping: min(time.uptimeNanoseconds, 1 << 62))
    }
}
/// How much one party may do: a rate, and at once as much as ten seconds of it.
package struct RateLimits: Hashable, Sendable {
    /// Requests per second; nil for any number.
    package var requestsPerSecond: Int64?
    /// Bytes per second, of uploads and responses together; nil for any number.
    package var bytesPerSecond: Int64?

    package init(requestsPerSecond: Int64? = nil, bytesPerSecond: Int64? = nil) {
        self.requestsPerSecond = requestsPerSecond
        self.bytesPerSecond = bytesPerSecond
    }

    var areOff: Bool { requestsPerSecond == nil && bytesPerSecond == nil }
}

/// How much of their rates many parties have used lately, in a table that never grows.
///
/// For each party and rate there is one number: the time at which it will have paid for all it used (the generic cell
/// rate algorithm of ITU-T I.371, a token bucket stored as a time). A party whose time has passed need not be
/// remembered. Where a newcomer finds its slots taken, it evicts the party that has paid soonest: whoever has used most
/// is remembered longest, so that a flood of addresses makes the table forget only the smallest debts.
struct RateTable: Sendable {
    /// How much of its rate a party may use at once, in nanoseconds.
    static let burst: Int64 = 10_000_000_000
    /// The longest debt: a year in nanoseconds, which keeps all sums far from the end of the numbers.
    private static let longestDebt: Int64 = 31_536_000_000_000_000
    /// Slots in which a party is looked for.
    private static let ways = 8

    private struct Slot {
        /// The hash of the party; two parties with equal hashes count as one.
        var party: UInt64 = 0
        /// When its requests and its bytes will have been paid for, in nanoseconds.
        var requests: Int64 = .min
        var bytes: Int64 = .min

        var settled: Int64 { max(requests, bytes) }
    }

    private let limits: RateLimits
    private var slots: [Slot]

    /// A table for `parties` parties; the number is rounded up to a multiple of 8.
    init(limits: RateLimits, parties: Int) {
        self.limits = limits
        slots = Array(repeating: Slot(), count: max(1, (parties + Self.ways - 1) / Self.ways) * Self.ways)
    }

    /// Counts one request of `party` at `now`, in nanoseconds; or returns in how many nanoseconds it may try again.
    /// Refused requests do not count.
    mutating func admit(_ party: UInt64, at now: Int64) -> Int64? {
        let index = slot(of: party)
        let latest = now + Self.burst
        // Bytes are counted once they are known, so that a party can run into debt; it is refused until that is paid.
        if slots[index].bytes > latest { return slots[index].bytes - latest }
        guard let rate = limits.requestsPerSecond else { return nil }
        let paid = max(slots[index].requests, now) + Self.nanoseconds(for: 1, rate: rate)
        guard paid <= latest else { return paid - latest }
        slots[index].requests = paid
        return nil
    }

    /// Counts bytes that `party` sends or receives, however many.
    mutating func spend(_ bytes: Int64, by party: UInt64, at now: Int64) {
        guard let rate = limits.bytesPerSecond else { return }
        let index = slot(of: party)
        let paid = max(slots[index].bytes, now) + Self.nanoseconds(for: bytes, rate: rate)
        slots[index].bytes = min(paid, now + Self.longestDebt)
    }

    /// How long it takes to pay for `count` at `rate` a second, at most the longest debt.
    private static func nanoseconds(for count: Int64, rate: Int64) -> Int64 {
        let (seconds, rest) = max(0, count).quotientAndRemainder(dividingBy: max(1, rate))
        guard seconds < longestDebt / 1_000_000_000 else { return longestDebt }
        // The rest is less than the rate, so that the quotient is less than a second.
        let part = max(1, rate).dividingFullWidth(rest.multipliedFullWidth(by: 1_000_000_000)).quotient
        return seconds * 1_000_000_000 + part
    }

    /// The slot of `party`, which it may just have got.
    private mutating func slot(of party: UInt64) -> Int {
        let first = Int(party % UInt64(slots.count / Self.ways)) * Self.ways
        var best = first
        for index in first..<first + Self.ways {
            if slots[index].party == party { return index }
            if slots[index].settled < slots[best].settled { best = index }
        }
        slots[best] = Slot(party: party)
        return best
    }
}
