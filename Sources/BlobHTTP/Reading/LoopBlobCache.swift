import Blobs
import EventLoops
import NIOCore
import Store
import Tickets

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
        /// Of a slot it is known only when the look is over.
        let validity: ValidityToken?
        /// What the client who caused it has of the questions to another store.
        let permit: ClientShares.Permit?
    }

    /// How often blobs that may no longer be served are dropped.
    private static let sweepInterval = TimeAmount.seconds(1)
    /// How many of those sweeps pass from one report of reads to the next.
    private static let sweepsBetweenReports = 10

    let path: ReadPath
    private let loop: any EventLoop
    private let executor: LoopExecutor
    private let cache: BlobCache<BlobAddress>
    private let slots: BlobCache<AliasName>
    private var targets = SlotTargets()
    private let dates = DateText()
    private var pending: [ReadSubject: PendingLookup] = [:]
    private var sweep: Scheduled<Void>?
    private var sweeps = 0

    init(_ path: ReadPath, loop: any EventLoop, limits: BlobCacheLimits) {
        self.path = path
        self.loop = loop
        executor = LoopExecutor(loop)
        cache = BlobCache(limits: limits)
        slots = BlobCache(limits: limits.quarter)
    }

    /// The present moment as the store counts it.
    var now: Timestamp { path.store.now() }

    /// What is read, if it is cached and may be served.
    func blob(_ subject: ReadSubject, now: Timestamp) -> CachedBlob? {
        switch subject {
        case .blob(let address): cache.blob(address, now: now)
        case .slot(let path): slots.blob(path.name, now: now)
        }
    }

    /// A blob, if it is cached and may be served.
    func blob(_ address: BlobAddress, now: Timestamp) -> CachedBlob? { cache.blob(address, now: now) }

    /// What a target names as it was written, if that is a slot that is cached and may be served, and its door is there.
    func slot(_ target: Span<UInt8>, now: Timestamp) -> (target: SlotTarget, blob: CachedBlob)? {
        guard let doors = path.slots?.doors else { return nil }
        // Before anything is looked at, so that what is found by doors that change meanwhile is forgotten.
        targets.forget(unless: doors.replacementCount)
        if let known = targets.find(target) { return slots.blob(known.path.name, now: now).map { (known, $0) } }
        guard let named = SlotPath(target: target), doors.contains(named.door),
            let blob = slots.blob(named.name, now: now)
        else { return nil }
        return (targets.keep(target, named), blob)
    }

    /// Looks at the store, once for everybody who asks at the same time.
    func find(
        _ subject: ReadSubject, for intent: ReadIntent, client: ClientAddress?, _ completion: @escaping Completion
    ) {
        guard pending[subject] == nil else {
            pending[subject]?.joined.append(completion)
            return
        }
        var permit: ClientShares.Permit?
        if let fetches = path.fetches, case .blob(let address) = subject, path.store.asksElsewhere(about: address) {
            permit = fetches.take(for: client)
            // Later, as every other result.
            if permit == nil { return loop.assumeIsolated().execute { completion(.failure(.shareTaken)) } }
        }
        look(for: subject, intent, [completion], permit)
    }

    func close() {
        sweep?.cancel()
        sweep = nil
        cache.removeAll()
        slots.removeAll()
    }

    private func look(
        for subject: ReadSubject, _ intent: ReadIntent, _ waiting: [Completion], _ permit: ClientShares.Permit? = nil
    ) {
        // Before the truth is looked at, so that a change after that look is never missed.
        let validity =
            if case .blob(let address) = subject { path.store.validity(of: address) } else { ValidityToken?.none }
        pending[subject] = PendingLookup(waiting: waiting, intent: intent, validity: validity, permit: permit)
        let bound = NIOLoopBound(self, eventLoop: loop)
        Task(executorPreference: executor) { [path] in
            let (lookup, validity) = await path.look(for: subject, intent)
            bound.value.complete(subject, lookup, validity)
        }
    }

    private func complete(_ subject: ReadSubject, _ lookup: ReadPath.Lookup, _ found: ValidityToken?) {
        guard let ended = pending.removeValue(forKey: subject) else { return }
        let validity = ended.validity ?? found
        let result: Result<CachedBlob, Problem>
        switch lookup {
        case .refused(let problem): result = .failure(problem)
        case .held(let blob, let body):
            let type = if case .slot(let path) = subject { SlotType(path: path.text) } else { SlotType?.none }
            func cached(isFirst: Bool) -> CachedBlob {
                path.cached(blob, body: body, type: type, isFirst: isFirst, validity: validity, dates: dates)
            }
            let first = cached(isFirst: true)
            // As long as it is on its way for those who asked.
            if !blob.isComplete { first.permit = ended.permit }
            if blob.isComplete, first.isServable(at: now) {
                // What whoever came first is told of a cache is not true of those who come later.
                keep(blob.handling == nil ? first : cached(isFirst: false), for: subject)
            }
            result = .success(first)
        }
        if validity?.isCurrent ?? false {
            for completion in ended.waiting + ended.joined { completion(result) }
        } else {
            if !ended.joined.isEmpty { look(for: subject, ended.intent, ended.joined) }
            for completion in ended.waiting { completion(result) }
        }
    }

    private func keep(_ blob: CachedBlob, for subject: ReadSubject) {
        switch subject {
        case .blob(let address): cache.insert(blob, for: address)
        case .slot(let path): slots.insert(blob, for: path.name)
        }
        if sweep == nil { scheduleSweep() }
    }

    private func scheduleSweep() {
        sweep = loop.assumeIsolated().scheduleTask(in: Self.sweepInterval) { [weak self] in
            guard let self else { return }
            cache.dropEnded(at: now)
            slots.dropEnded(at: now)
            sweeps &+= 1
            if sweeps.isMultiple(of: Self.sweepsBetweenReports) {
                cache.reportReads()
                slots.reportReads()
            }
            sweep = nil
            if !cache.isEmpty || !slots.isEmpty { scheduleSweep() }
        }
    }
}
