package import Blobs
package import Store

/// A store that takes over from another one, as readers see it: what it has not is looked for there, until the other one
/// is empty.
///
/// Nothing of the other store is kept ready, so that each read asks the own one first: what is uploaded, banned or removed
/// here counts at once.
package struct DrainingStore: BlobStore, ChangeFeed {
    private let own: any LeaseStore & ChangeFeed
    private let other: any BlobStore & ChangeFeed

    /// `other` tells of its changes in those of `own`.
    package init(_ own: any LeaseStore & ChangeFeed, drainingFrom other: any BlobStore & ChangeFeed) {
        self.own = own
        self.other = other
    }

    package func find(_ address: BlobAddress, for intent: ReadIntent) async throws(StoreError) -> BlobFinding {
        let here = try await own.find(address, for: intent)
        guard DrainedReads.isElsewhere(here), try await !own.isBanned(address) else { return here }
        return DrainedReads.answer(here, there: try await other.find(address, for: intent))
    }

    package func validity(of address: BlobAddress) -> ValidityToken {
        own.validity(of: address).and(changesOf: other.validity(of: address))
    }

    package func now() -> Timestamp { own.now() }

    /// Whether the other one answers is of no account: what is new goes on without it.
    package func unreadiness() async -> String? { await own.unreadiness() }

    package var changes: ChangeRing { own.changes }

    package var knowsAllChanges: Bool { own.knowsAllChanges && other.knowsAllChanges }
}

/// What is looked for in the other store, and which of two findings counts.
enum DrainedReads {
    /// Whether the other store may have what this one has found to be so. A tombstone here says nothing of a lease there,
    /// unless it is the operator's.
    static func isElsewhere(_ here: BlobFinding) -> Bool {
        switch here {
        case .unknown: true
        case .gone(let reason): reason != .removed
        case .held, .damaged, .unanswered, .unreachable: false
        }
    }

    /// What is answered where both were asked.
    static func answer(_ here: BlobFinding, there: BlobFinding) -> BlobFinding {
        switch (here, there) {
        case (_, .held(let blob)): .held(blob.unkept)
        case (_, .unreachable(stale: let blob?)): .unreachable(stale: blob.unkept)
        case (_, .unanswered), (_, .unreachable), (_, .damaged), (.unknown, .gone): there
        case (_, .unknown), (_, .gone): here
        }
    }
}
