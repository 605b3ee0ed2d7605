import Blobs
import Store
import Synchronization

/// A real store as seen from elsewhere: a reader of it that can be cut off, as an edge can from its origin.
final class DistantStore: BlobStore {
    /// A monotonic clock that a test moves.
    private final class Clock: Sendable {
        private let moment = Mutex(ContinuousClock.now)

        var now: ContinuousClock.Instant { moment.withLock { $0 } }
        func advance(by duration: Duration) { moment.withLock { $0 += duration } }
    }

    private struct State {
        var isReachable = true
        var servesStale = false
        var intents: [ReadIntent] = []
        var isSilent = false
    }

    /// How long what is known counts after the store was heard from.
    private static let trust = Duration.seconds(2)

    private let store: any BlobStore
    private let clock: Clock
    private let horizon: Horizon
    private let generations: GenerationTable
    private let state = Mutex(State())

    init(_ store: any BlobStore) {
        self.store = store
        let clock = Clock()
        self.clock = clock
        horizon = Horizon { clock.now }
        generations = GenerationTable(horizon: horizon)
        hear()
    }

    /// The store has been heard from.
    func hear() { horizon.extend(to: clock.now + Self.trust) }

    /// Cuts the store off, until its horizon has passed. Blobs that were held are served stale where that is wanted.
    func cutOff(servingStale: Bool = false) {
        state.withLock { ($0.isReachable, $0.servesStale) = (false, servingStale) }
        clock.advance(by: Self.trust)
    }

    /// The store can be reached again, and has been heard from.
    func reconnect() {
        state.withLock { $0.isReachable = true }
        hear()
    }

    /// From now on nobody is answered, until it ends.
    func fallSilent(_ isSilent: Bool = true) { state.withLock { $0.isSilent = isSilent } }

    /// What was wanted of each blob that was looked for so far.
    var intents: [ReadIntent] { state.withLock { $0.intents } }

    func find(_ address: BlobAddress, for intent: ReadIntent) async throws(StoreError) -> BlobFinding {
        let state = state.withLock { state in
            state.intents.append(intent)
            return state
        }
        while self.state.withLock({ $0.isSilent }) { try? await Task.sleep(for: .milliseconds(2)) }
        if state.isReachable { return try await store.find(address, for: intent) }
        guard state.servesStale, case .held(let blob) = try await store.find(address, for: intent) else {
            return .unreachable(stale: nil)
        }
        return .unreachable(
            stale: HeldBlob(
                address: address, size: blob.size, sunset: blob.sunset, freshUntil: now(), content: blob.content))
    }

    func asksElsewhere(about address: BlobAddress) -> Bool { true }

    func validity(of address: BlobAddress) -> ValidityToken { generations.token(for: address) }

    func now() -> Timestamp { store.now() }

    func unreadiness() async -> String? { state.withLock { $0.isReachable } ? nil : "the origin is away" }
}
