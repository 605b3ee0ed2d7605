import Blobs
import SharedCatalog
import Store
import StoreParts
import StoreRules
import Synchronization

/// The places for uploads that outlive their requests. The catalog knows who holds them, whatever node admitted them; this
/// node remembers for a moment how many are taken, so that it need not ask where plenty are free.
final class KeptPlaces: Sendable {
    /// For how long a count is believed that says that plenty are free.
    private static let freshness = Duration.seconds(1)
    /// Fewer free places than this are not plenty, since other nodes give some away meanwhile.
    private static let margin = 1000

    private enum KeptGate: Hashable { case any }

    private struct Count {
        var taken: Int
        let at: ContinuousClock.Instant
    }

    private let limit: Int
    private let gate = KeyedLocks<KeptGate>()
    private let count = Mutex<Count?>(nil)

    init(limit: Int) {
        self.limit = limit
    }

    /// Runs `body`, which adds an upload of `subject`, once there is a place for it; one at a time where few are free.
    func withPlace<Value>(
        for subject: String, in store: SharedStore, _ body: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        if hasPlenty() { return try await body() }
        return try await gate.withLock(.any) { () async throws(StoreError) in
            try await makePlace(for: subject, in: store)
            return try await body()
        }
    }

    /// Takes one of many free places.
    private func hasPlenty() -> Bool {
        count.withLock { count in
            guard let known = count, ContinuousClock.now - known.at < Self.freshness,
                known.taken < limit - limit / 10 - Self.margin
            else { return false }
            count?.taken += 1
            return true
        }
    }

    private func makePlace(for subject: String, in store: SharedStore) async throws(StoreError) {
        let now = ContinuousClock.now
        let (used, own, first) = try await store.catalog.read { reader throws(SharedCatalogError) in
            let used = Int(try reader.openUploadSum().count)
            if used < self.limit - self.limit / 10 { return (used, 1, nil as UploadPlace?) }
            return (used, try reader.kept(of: subject).uploads, try reader.firstToLose())
        }
        count.withLock { $0 = Count(taken: used + 1, at: now) }
        let lifetime = store.settings.uploadLifetime
        let most = first.map { place in
            PlaceHolding(
                places: place.places,
                first: UploadStanding(hasBytes: place.hasBytes, latest: place.expires.before(lifetime)))
        }
        switch PlaceRule.decide(limit: limit, used: used, own: own, most: most, sparesBytes: false) {
        case .free: return
        case .taken: if let first { try await store.giveUp(first.id) }
        case .refused: throw StoreError.noPlaceToKeep
        }
    }
}

extension Timestamp {
    /// The moment that this one is `lifetime` after.
    fileprivate func before(_ lifetime: Lifetime) -> Timestamp {
        let (seconds, overflow) = seconds.subtractingReportingOverflow(lifetime.seconds)
        return Timestamp(seconds: overflow ? .min : seconds)
    }
}
