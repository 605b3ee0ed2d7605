package import NIOCore
import Synchronization

/// Requests and bytes a second, for each address and each subject. While no rate is set it costs next to nothing: not
/// even the clock is read.
package final class RateLimiter: Sendable {
    /// Parties of one kind that are kept in mind; a table of them takes 1.5 MiB.
    private static let parties = 65_536

    private final class Table: Sendable {
        let rates: Mutex<RateTable>

        init?(_ limits: RateLimits) {
            if limits.areOff { return nil }
            rates = Mutex(RateTable(limits: limits, parties: RateLimiter.parties))
        }
    }

    private let addresses: Table?
    private let subjects: Table?

    package init(perAddress: RateLimits, perSubject: RateLimits) {
        addresses = Table(perAddress)
        subjects = Table(perSubject)
    }

    /// Whether addresses have a rate.
    package var countsAddresses: Bool { addresses != nil }

    /// Lets a request of `client` in and counts it: nil; or tells in how many seconds it may come again.
    ///
    /// Any number of threads may ask at once.
    package func admit(_ client: ClientAddress, now: @autoclosure () -> NIODeadline = .now()) -> Int64? {
        addresses.flatMap { Self.admit(Self.party(client.customer), to: $0, now()) }
    }

    /// Counts bytes of an answer to `client`, or of an upload from it.
    package func spend(_ bytes: Int64, by client: ClientAddress, now: @autoclosure () -> NIODeadline = .now()) {
        guard let addresses else { return }
        let time = Self.nanoseconds(now())
        addresses.rates.withLock { $0.spend(bytes, by: Self.party(client.customer), at: time) }
    }

    /// Lets a request with a ticket of `subject` in and counts it, as above.
    package func admit(subject: String, now: @autoclosure () -> NIODeadline = .now()) -> Int64? {
        subjects.flatMap { Self.admit(Self.party(subject), to: $0, now()) }
    }

    /// Counts bytes of an upload by `subject`.
    package func spend(_ bytes: Int64, by subject: String, now: @autoclosure () -> NIODeadline = .now()) {
        guard let subjects else { return }
        let time = Self.nanoseconds(now())
        subjects.rates.withLock { $0.spend(bytes, by: Self.party(subject), at: time) }
    }

    private static func admit(_ party: UInt64, to table: Table, _ now: NIODeadline) -> Int64? {
        let wait = table.rates.withLock { $0.admit(party, at: nanoseconds(now)) }
        return wait.map { max(1, ($0 + 999_999_999) / 1_000_000_000) }
    }

    /// Swift seeds its hashes anew in every process, so that nobody can choose whose place they get.
    private static func party(_ who: some Hashable) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(who)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// The clock of the machine counts from its start, so that centuries are left to add to it.
    private static func nanoseconds(_ time: NIODeadline) -> Int64 {
        Int64(clamping: min(time.uptimeNanoseconds, 1 << 62))
    }
}
