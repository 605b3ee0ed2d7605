import Blobs
import EventLoops
import Logging
import NIOCore
import Store
import Tickets

/// What all reads of blobs share: the store, and a cache on each event loop.
final class ReadPath: Sendable {
    let store: any BlobStore
    /// Where slots are read; nil where there are none.
    let slots: SlotReads?
    /// Reading takes no credentials, but it is counted.
    let gate: Gate
    let observer: RequestObserver
    /// What each client has of the blobs that another store is asked for; nil where there is none.
    let fetches: ClientShares?
    private let cacheSeconds: Int64
    private let limits: BlobCacheLimits
    private let logger: Logger
    private let caches = PerLoop<LoopBlobCache>()

    init(
        store: any BlobStore, slots: SlotReads? = nil, gate: Gate, cacheSeconds: Int64, limits: BlobCacheLimits,
        fetches: ClientShares? = nil, observer: RequestObserver, logger: Logger
    ) {
        self.store = store
        self.slots = slots
        self.gate = gate
        self.observer = observer
        self.fetches = fetches
        self.cacheSeconds = cacheSeconds
        self.limits = limits
        self.logger = logger
    }

    /// The cache of `loop`, which is the present one.
    func cache(on loop: any EventLoop) -> LoopBlobCache {
        caches.value(on: loop) { LoopBlobCache(self, loop: loop, limits: limits) }
    }

    /// Empties the caches of all loops.
    func close() {
        caches.forEach { $0.close() }
    }

    /// Whether this is read here: a slot only below a door that is there.
    func serves(_ subject: ReadSubject) -> Bool {
        switch subject {
        case .blob: true
        case .slot(let path): slots?.doors.contains(path.door) ?? false
        }
    }

    /// What one look at the store came to.
    enum Lookup: Sendable {
        case held(HeldBlob, body: ByteBuffer?)
        case refused(Problem)
    }

    /// Looks at the store; a small blob comes with its bytes. Of a slot only this look tells how long it holds.
    @concurrent func look(
        for subject: ReadSubject, _ intent: ReadIntent
    ) async -> (lookup: Lookup, validity: ValidityToken?) {
        switch subject {
        case .blob(let address):
            let lookup = await lookup(logging: address.abbreviated) { () async throws(StoreError) in
                try await store.find(address, for: intent)
            }
            return (lookup, nil)
        case .slot(let path):
            guard let slots else { return (.refused(Problem(.notFound)), nil) }
            var validity: ValidityToken?
            let lookup = await lookup(logging: path.name.abbreviated) { () async throws(StoreError) in
                let found = try await slots.store.find(path.name)
                validity = found.validity
                return found.finding
            }
            return (lookup, validity)
        }
    }

    private func lookup(
        logging name: String, _ find: () async throws(StoreError) -> BlobFinding
    ) async -> Lookup {
        do throws(StoreError) {
            switch try await find() {
            case .held(let blob), .unreachable(stale: let blob?):
                return .held(blob, body: try await Self.smallBody(of: blob))
            case .unknown: return .refused(Problem(.notFound))
            case .gone(let reason): return .refused(Problem(.gone, reason: reason.rawValue))
            case .damaged: return .refused(Problem(.damaged))
            case .unanswered(let fault): return .refused(Problem(fault))
            case .unreachable(stale: nil):
                return .refused(Problem(.unavailable, retryAfterSeconds: Problem.pauseSeconds))
            }
        } catch {
            logger.error(
                "A blob could not be read", metadata: ["blob": "\(name)", "error": "\(error)"])
            return .refused(Problem(storeError: error))
        }
    }

    private static func smallBody(of blob: HeldBlob) async throws(StoreError) -> ByteBuffer? {
        guard blob.size <= CachedBlob.bodyLimit else { return nil }
        guard let all = ByteRange(offset: 0, count: blob.size, within: blob.size) else { return ByteBuffer() }
        return ByteBuffer(bytes: try await blob.content.read(all))
    }

    /// The blob as the cache of a loop holds it; `dates` are that loop's.
    func cached(
        _ blob: HeldBlob, body: ByteBuffer?, type: SlotType? = nil, isFirst: Bool, validity: ValidityToken?,
        dates: DateText
    ) -> CachedBlob {
        CachedBlob(
            blob, body: body, type: type, isFirst: isFirst, validity: validity, cacheSeconds: cacheSeconds, dates: dates
        )
    }

    /// A response was cut short because its bytes could not be read.
    func noteAborted(_ address: BlobAddress, _ error: StoreError) {
        logger.error(
            "A blob could not be read to its end", metadata: ["blob": "\(address.abbreviated)", "error": "\(error)"])
    }
}

/// Where slots are read, and below which doors.
struct SlotReads: Sendable {
    let store: any LeaseStore
    let doors: SlotDoors

    /// Nil for a server without doors, or one whose store is elsewhere.
    init?(_ settings: SlotSettings?, _ writes: WriteAccess) {
        guard let settings, case .store(let store) = writes else { return nil }
        self.store = store
        doors = settings.doors
    }
}

extension Problem {
    fileprivate init(_ fault: UpstreamFault) {
        switch fault {
        case .unreachable: self.init(.originUnreachable, retryAfterSeconds: Self.pauseSeconds)
        case .failed: self.init(.originFailed, retryAfterSeconds: Self.pauseSeconds)
        case .busy: self.init(.unavailable, retryAfterSeconds: Self.pauseSeconds)
        }
    }
}
