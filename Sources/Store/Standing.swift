package import Blobs
import Synchronization

/// Whether what was found of an address still is so: whoever keeps a finding asks before every use.
package struct Standing: Sendable {
    private let shard: Standings.Shard
    private let index: Int
    private let generation: UInt32

    fileprivate init(_ shard: Standings.Shard, _ index: Int) {
        self.shard = shard
        self.index = index
        generation = shard.generation(at: index)
    }

    /// False from the moment on that anything changed about the address, or about another of the few that share its
    /// place.
    package var isCurrent: Bool { shard.generation(at: index) == generation }
}

/// What a store keeps so that nobody believes an old finding: a generation for each of 1,048,576 places, which every
/// address has one of. A change of an address moves the generation of its place on. They take 4 MiB; with fewer, a
/// sweep that removes thousands of blobs a second would have others looked up anew all the time.
///
/// A finding takes its standing *before* the truth is looked at. When the truth changes in between, the finding is
/// never current; when it changes later, the finding ends before the change is acknowledged.
package final class Standings: Sendable {
    /// The generations of 4096 places.
    fileprivate final class Shard: Sendable {
        private let generations = InlineArray<4096, Atomic<UInt32>> { _ in Atomic(0) }

        func generation(at index: Int) -> UInt32 { generations[index].load(ordering: .acquiring) }

        func advance(at index: Int) { generations[index].wrappingAdd(1, ordering: .acquiringAndReleasing) }
    }

    private let shards = (0..<256).map { _ in Shard() }

    package init() {}

    /// How an address stands at this moment.
    package func standing(of address: BlobAddress) -> Standing {
        Standing(shards[Int(address.byte(at: 0))], Self.index(address))
    }

    /// Ends every standing of an address that was given out so far.
    package func end(_ address: BlobAddress) {
        shards[Int(address.byte(at: 0))].advance(at: Self.index(address))
    }

    /// The place of an address within its shard.
    private static func index(_ address: BlobAddress) -> Int {
        Int(address.byte(at: 1)) << 4 | Int(address.byte(at: 2)) >> 4
    }
}
