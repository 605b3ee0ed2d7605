import BlobFiles
package import Blobs
import CacheFolder
import Logging
import OriginLink
package import Store
import Synchronization
import Telemetry

/// A store that holds no truth of its own: blobs are fetched from an origin, kept on a disk, and served for as long as
/// the origin's word counts.
package final class EdgeStore: BlobStore, ChangeFeed {
    let cache: DiskCache
    let origins: Origins
    let settings: EdgeSettings
    /// Nil where there is no change feed.
    let feed: FeedState?
    let meters: EdgeMeters
    let logger: Logger
    private let wall: @Sendable () -> Timestamp
    private let generations: GenerationTable
    /// Questions to the origin that are under way; whoever asks the same waits for the same answer.
    let questions = Mutex<[BlobAddress: Task<Learned, Never>]>([:])
    let fills = FillTable()
    let arrivals = Arrivals()
    /// What the origin's feed has told, for edges behind this one.
    package let changes: ChangeRing

    init(
        cache: DiskCache, origins: Origins, settings: EdgeSettings, feed: FeedState?, meters: EdgeMeters,
        changes: ChangeRing = ChangeRing(), wall: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.cache = cache
        self.origins = origins
        self.settings = settings
        self.feed = feed
        self.meters = meters
        self.changes = changes
        self.wall = wall
        self.logger = logger
        generations = GenerationTable(horizon: feed?.horizon)
    }

    // MARK: The contract

    /// In the origin's time, where this machine's clock is far from it.
    package func now() -> Timestamp { Timestamp(seconds: wall().seconds &+ origins.clockOffset) }

    package func validity(of address: BlobAddress) -> ValidityToken { generations.token(for: address) }

    /// What is here can be served whatever the origin does.
    package func unreadiness() async -> String? { nil }

    package func find(_ address: BlobAddress, for intent: ReadIntent) async throws(StoreError) -> BlobFinding {
        if intent == .again { return try await findAgain(address) }
        // What is written to the disk is there before it leaves the memory.
        if let arrival = arrivals[address],
            case .fresh(let until) = decide(fills.current(arrival.standing, of: address))
        {
            meters.count(.filling)
            return .held(held(arrival, of: address, freshUntil: until, "fwd=miss; collapsed"))
        }
        var isLost = false
        if let entry = cache.entry(of: address) {
            switch decide(Standing(entry)) {
            case .fresh(let until):
                if let blob = await held(entry, freshUntil: until, "hit") {
                    meters.count(.hit)
                    return .held(blob)
                }
                isLost = true
            case .ask: return await revalidate(entry, intent)
            }
        }
        if let filling = fills[address], case .fresh(let until) = decide(filling.standing) {
            meters.count(.filling)
            return .held(held(filling, freshUntil: until, "fwd=miss; collapsed"))
        }
        return await fetch(address, intent, isLost: isLost)
    }

    package func asksElsewhere(about address: BlobAddress) -> Bool {
        if questions.withLock({ $0[address] != nil }) { return false }
        let known = [
            arrivals[address].map { fills.current($0.standing, of: address) },
            cache.entry(of: address).map { Standing($0) },
            fills[address]?.standing,
        ]
        return !known.contains { standing in standing.map { isFresh($0) } ?? false }
    }

    func decide(_ standing: Standing) -> Freshness {
        Freshness.decide(standing, view, now: now(), maximumAge: settings.maximumAge)
    }

    var view: FeedView { feed?.view() ?? .none }

    // MARK: Changes

    package var knowsAllChanges: Bool { feed.map { !$0.horizon.hasPassed } ?? false }

    /// The origin has said that blobs with this prefix may be wrong: whoever looks for one from now on has it asked about.
    func mark(_ prefix: AddressPrefix) {
        let now = now()
        cache.mark(prefix, at: now)
        fills.mark(prefix, at: now)
        // What was asked before may be answered from before.
        questions.withLock { questions in
            for address in questions.keys where AddressPrefix(address) == prefix { questions[address] = nil }
        }
        generations.advance(prefix)
        changes.append([prefix])
    }

    /// Nobody relies any more on what was found of an address.
    func expire(_ address: BlobAddress) { generations.advance(address) }

    /// Changes were missed: nobody relies any more on anything that was found, and whoever follows this edge is told.
    func startOver() {
        generations.advanceAll()
        changes.startOver()
    }

    // MARK: Restarts

    /// Saves what is here, so that the next start need not look for it.
    package func save() async { await cache.save(feedPosition: feed?.saved) }

    // MARK: Findings

    /// A blob of the cache; nil where its file is not as it should be.
    func held(_ entry: CacheEntry, freshUntil: Timestamp, _ status: String) async -> HeldBlob? {
        let content: any BlobContent
        switch await cache.open(entry) {
        case .content(let opened): content = opened
        case .rotten:
            meters.countWrongDigest(.disk)
            logger.error(
                "A blob of the cache had rotted; it is fetched again",
                metadata: ["blob": "\(entry.address.abbreviated)"])
            return nil
        case .unreadable: return nil
        }
        return HeldBlob(
            address: entry.address, size: entry.size, sunset: entry.sunset, freshUntil: freshUntil, content: content,
            handling: handling(of: entry.address, entry.checked, status))
    }

    /// A blob on its way.
    func held(_ filling: FillTable.Filling, freshUntil: Timestamp, _ status: String) -> HeldBlob {
        HeldBlob(
            address: filling.fill.address, size: filling.fill.size, sunset: filling.standing.sunset,
            freshUntil: freshUntil, content: filling.fill.content(), isComplete: false,
            handling: handling(of: filling.fill.address, filling.standing.checked, status))
    }

    /// A small blob that the disk does not have yet.
    func held(
        _ arrival: Arrivals.Arrival, of address: BlobAddress, freshUntil: Timestamp, _ status: String
    ) -> HeldBlob {
        HeldBlob(
            address: address, size: Int64(arrival.bytes.count), sunset: arrival.standing.sunset, freshUntil: freshUntil,
            content: MemoryContent(arrival.bytes), isComplete: false,
            handling: handling(of: address, arrival.standing.checked, status))
    }

    func handling(of address: BlobAddress, _ checked: Timestamp, _ status: String) -> CacheHandling {
        CacheHandling(
            cache: cache.folder.name, first: status,
            record: ReadyRecord(store: self, address: address, checked: checked))
    }

    /// When a blob that is ready on an event loop was last confirmed, and how often it was read there.
    private final class ReadyRecord: CacheRecord {
        private let store: EdgeStore
        private let address: BlobAddress
        private let checked: Timestamp

        init(store: EdgeStore, address: BlobAddress, checked: Timestamp) {
            self.store = store
            self.address = address
            self.checked = checked
        }

        func confirmed(at now: Timestamp) -> Timestamp { min(store.view.confirmed(checked), now) }

        func noteReads(_ count: Int, at now: Timestamp) { store.cache.noteReads(count, of: address, at: now) }
    }
}
