package import Blobs
import Synchronization

/// Tells whether what was found of an address still holds: whoever keeps a finding asks before every use.
package struct ValidityToken: Sendable {
    /// A slot as it was when the token was taken.
    private struct SlotState: Sendable {
        let shard: GenerationTable.Shard
        let index: Int
        let generation: UInt32

        var isUnchanged: Bool { shard.generation(at: index) == generation }
    }

    private let slot: SlotState
    /// The slot of a second store that was looked in.
    private var other: SlotState?
    private let horizon: Horizon?

    fileprivate init(_ shard: GenerationTable.Shard, _ index: Int, _ horizon: Horizon?) {
        slot = SlotState(shard: shard, index: index, generation: shard.generation(at: index))
        self.horizon = horizon
    }

    /// False from the moment on that anything changed about the address, or about another of the few that share its
    /// slot; false too while the store's horizon has passed.
    package var isCurrent: Bool {
        // The horizon first: whoever moves it on has advanced the generations before.
        if let horizon, horizon.hasPassed { return false }
        return slot.isUnchanged && other?.isUnchanged ?? true
    }

    /// A token that is current while this one is and nothing has changed in another store either. How long the other one may
    /// be relied on does not count: that is for whoever keeps what was found there.
    package func and(changesOf other: ValidityToken) -> ValidityToken {
        var both = self
        both.other = other.slot
        return both
    }
}

/// What a store keeps so that nobody relies on an old finding: a generation for each of 1,048,576 slots, which every
/// address has one of. A change of an address advances the generation of its slot. They take 4 MiB; with fewer, a sweep
/// that removes thousands of blobs a second would have others looked up again all the time.
///
/// A token is taken *before* the truth is looked at. When the truth changes in between, the token is never current;
/// when it changes later, the token ends before the change is acknowledged.
package final class GenerationTable: Sendable {
    /// The generations of 4096 slots.
    fileprivate final class Shard: Sendable {
        private let generations = InlineArray<4096, Atomic<UInt32>> { _ in Atomic(0) }

        func generation(at index: Int) -> UInt32 { generations[index].load(ordering: .acquiring) }

        func advance(at index: Int) { generations[index].wrappingAdd(1, ordering: .acquiringAndReleasing) }

        func advanceAll() { for index in generations.indices { advance(at: index) } }
    }

    /// Each is made when it is first asked for, since a store of few blobs needs few.
    private let shards = InlineArray<256, AtomicLazyReference<Shard>> { _ in AtomicLazyReference() }
    private let horizon: Horizon?

    /// A table for a store that holds the truth itself, or for one that may rely on what it knows up to `horizon`.
    package init(horizon: Horizon? = nil) {
        self.horizon = horizon
    }

    /// A token for an address as it is at this moment.
    package func token(for address: BlobAddress) -> ValidityToken {
        ValidityToken(shard(Int(address.byte(at: 0))), Self.index(address), horizon)
    }

    /// Ends every token that was given out for an address so far.
    package func advance(_ address: BlobAddress) {
        shard(Int(address.byte(at: 0))).advance(at: Self.index(address))
    }

    /// Ends every token that was given out for an address with this prefix: it tells the slot.
    package func advance(_ prefix: AddressPrefix) {
        shard(Int(prefix.bits >> 40 & 0xff)).advance(at: Int(prefix.bits >> 28 & 0xfff))
    }

    /// Ends every token that was given out so far.
    package func advanceAll() { for place in shards.indices { shard(place).advanceAll() } }

    /// The shard at a place. Whoever changes something makes it too: of two that meet here, one sees what the other did.
    private func shard(_ place: Int) -> Shard { shards[place].load() ?? shards[place].storeIfNil(Shard()) }

    /// The slot of an address within its shard.
    private static func index(_ address: BlobAddress) -> Int {
        Int(address.byte(at: 1)) << 4 | Int(address.byte(at: 2)) >> 4
    }
}

/// Up to when a store that does not hold the truth itself may rely on what it knows: a moment on the monotonic clock,
/// which moves on whenever the store hears from whoever does. Before that, the store advances the generations of all
/// that it has heard has changed.
package final class Horizon: Sendable {
    private let clock: @Sendable () -> ContinuousClock.Instant
    private let start: ContinuousClock.Instant
    /// In nanoseconds after `start`.
    private let end = Atomic<Int64>(0)

    /// A horizon that has passed: nothing has been heard yet.
    package init(clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.clock = clock
        start = clock()
    }

    /// Moves the horizon to `moment`, unless it is there or further on already.
    package func extend(to moment: ContinuousClock.Instant) {
        end.max(Self.nanoseconds(start.duration(to: moment)), ordering: .releasing)
    }

    /// Whether nothing may be relied on at this moment.
    package var hasPassed: Bool { end.load(ordering: .acquiring) <= Self.nanoseconds(start.duration(to: clock())) }

    /// As many as can be counted: 292 years.
    private static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, sumOverflow) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || sumOverflow ? (seconds < 0 ? .min : .max) : sum
    }
}
