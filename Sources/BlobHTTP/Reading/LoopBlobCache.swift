import Blobs
import NIOCore
import Store

/// What one event loop reads blobs from: its own cache, and behind it the store. Used on that loop only.
final class LoopBlobCache {
    /// Called with the result of the lookup.
    typealias Completion = (Result<CachedBlob, Problem>) -> Void

    /// Requests that wait for one look at the store.
    private struct PendingLookup {
        /// They came before the look began.
        var waiting: [Completion]
        /// They came while it was in progress: what it finds counts for them only if nothing has changed meanwhile.
        var joined: [Completion] = []
        let intent: ReadIntent
        let validity: ValidityToken
        /// What the client who caused it has of the questions to another store.
        let permit: ClientShares.Permit?
    }

    /// How often blobs that may no longer be served are dropped.
    private static let sweepInterval = TimeAmount.seconds(1)
    /// How many of those sweeps pass from one report of reads to the next.
    private static let sweepsBetweenReports = 10

    let path: ReadPath
    private let loop: any EventLoop
    private let cache: BlobCache
    private let dates = DateText()
    private var pending: [BlobAddress: PendingLookup] = [:]
    private var sweep: Scheduled<Void>?
    private var sweeps = 0

    init(_ path: ReadPath, loop: any EventLoop, limits: BlobCache.Limits) {
        self.path = path
        self.loop = loop
        cache = BlobCache(limits: limits)
    }

    /// The present moment as the store counts it.
    var now: Timestamp { path.store.now() }

    /// The blob at `address`, if it is cached and may be served.
    func blob(_ address: BlobAddress, now: Timestamp) -> CachedBlob? { cache.blob(address, now: now) }

    /// Looks at the store, once for everybody who asks at the same time.
    func find(
        _ address: BlobAddress, for intent: ReadIntent, client: ClientAddress?, _ completion: @escaping Completion
    ) {
        guard pending[address] == nil else {
            pending[address]?.joined.append(completion)
            return
        }
        var permit: ClientShares.Permit?
        if let fetches = path.fetches, path.store.asksElsewhere(about: address) {
            permit = fetches.take(for: client)
            // Later, as every other result.
            if permit == nil { return loop.assumeIsolated().execute { completion(.failure(.shareTaken)) } }
        }
        look(for: address, intent, [completion], permit)
    }

    func close() {
        sweep?.cancel()
        sweep = nil
        cache.removeAll()
    }

    private func look(
        for address: BlobAddress, _ intent: ReadIntent, _ waiting: [Completion], _ permit: ClientShares.Permit? = nil
    ) {
        // Before the truth is looked at, so that a change after that look is never missed.
        let validity = path.store.validity(of: address)
        pending[address] = PendingLookup(waiting: waiting, intent: intent, validity: validity, permit: permit)
        let bound = NIOLoopBound(self, eventLoop: loop)
        Task { [path, loop] in
            let lookup = await path.look(for: address, intent)
            loop.execute { bound.value.complete(address, lookup) }
        }
    }

    private func complete(_ address: BlobAddress, _ lookup: ReadPath.Lookup) {
        guard let ended = pending.removeValue(forKey: address) else { return }
        let result: Result<CachedBlob, Problem>
        switch lookup {
        case .refused(let problem): result = .failure(problem)
        case .held(let blob, let body):
            let first = path.cached(blob, body: body, isFirst: true, validity: ended.validity, dates: dates)
            // As long as it is on its way for those who asked.
            if !blob.isComplete { first.permit = ended.permit }
            if blob.isComplete, first.isServable(at: now) {
                // What whoever came first is told of a cache is not true of those who come later.
                keep(
                    blob.handling == nil
                        ? first
                        : path.cached(blob, body: body, isFirst: false, validity: ended.validity, dates: dates))
            }
            result = .success(first)
        }
        if ended.validity.isCurrent {
            for completion in ended.waiting + ended.joined { completion(result) }
        } else {
            if !ended.joined.isEmpty { look(for: address, ended.intent, ended.joined) }
            for completion in ended.waiting { completion(result) }
        }
    }

    private func keep(_ blob: CachedBlob) {
        cache.insert(blob)
        if sweep == nil { scheduleSweep() }
    }

    private func scheduleSweep() {
        sweep = loop.assumeIsolated().scheduleTask(in: Self.sweepInterval) { [weak self] in
            guard let self else { return }
            cache.dropEnded(at: now)
            sweeps &+= 1
            if sweeps.isMultiple(of: Self.sweepsBetweenReports) { cache.reportReads() }
            sweep = nil
            if !cache.isEmpty { scheduleSweep() }
        }
    }
}
