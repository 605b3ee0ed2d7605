import Blobs
import Logging
import NIOCore
import Store
import Synchronization

/// What all reads of blobs share: the store, and a cache on each event loop.
final class ReadPath: Sendable {
    let store: any BlobStore
    /// Reading takes no credentials, but it is counted.
    let gate: Gate
    let observer: RequestObserver
    /// What each client has of the blobs that another store is asked for; nil where there is none.
    let fetches: ClientShares?
    private let cacheSeconds: Int64
    private let limits: BlobCache.Limits
    private let logger: Logger
    private let caches = Mutex<[ObjectIdentifier: NIOLoopBound<LoopBlobCache>]>([:])

    init(
        store: any BlobStore, gate: Gate, cacheSeconds: Int64, limits: BlobCache.Limits,
        fetches: ClientShares? = nil, observer: RequestObserver, logger: Logger
    ) {
        self.store = store
        self.gate = gate
        self.observer = observer
        self.fetches = fetches
        self.cacheSeconds = cacheSeconds
        self.limits = limits
        self.logger = logger
    }

    /// The cache of `loop`, which is the present one.
    func cache(on loop: any EventLoop) -> LoopBlobCache {
        let bound = caches.withLock { caches in
            if let cache = caches[ObjectIdentifier(loop)] { return cache }
            let cache = NIOLoopBound(LoopBlobCache(self, loop: loop, limits: limits), eventLoop: loop)
            caches[ObjectIdentifier(loop)] = cache
            return cache
        }
        return bound.value
    }

    /// Empties the caches of all loops.
    func close() {
        for cache in caches.withLock({ $0.values }) { cache.eventLoop.execute { cache.value.close() } }
    }

    /// What one look at the store came to.
    enum Lookup: Sendable {
        case held(HeldBlob, body: ByteBuffer?)
        case refused(Problem)
    }

    /// Looks at the store; a small blob comes with its bytes.
    @concurrent func look(for address: BlobAddress, _ intent: ReadIntent) async -> Lookup {
        do throws(StoreError) {
            switch try await store.find(address, for: intent) {
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
                "A blob could not be read", metadata: ["blob": "\(address.abbreviated)", "error": "\(error)"])
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
        _ blob: HeldBlob, body: ByteBuffer?, isFirst: Bool, validity: ValidityToken, dates: DateText
    ) -> CachedBlob {
        CachedBlob(
            blob, body: body, isFirst: isFirst, validity: validity, cacheSeconds: cacheSeconds, dates: dates)
    }

    /// A response was cut short because its bytes could not be read.
    func noteAborted(_ address: BlobAddress, _ error: StoreError) {
        logger.error(
            "A blob could not be read to its end", metadata: ["blob": "\(address.abbreviated)", "error": "\(error)"])
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
