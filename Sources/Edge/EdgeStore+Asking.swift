import Blobs
import CacheFolder
import Logging
import Store
import Synchronization
import Telemetry

/// Asking the origin, once for everybody who wants to know the same.
extension EdgeStore {
    /// What an answer of the origin came to.
    enum Learned: Sendable {
        /// It is in the cache.
        case kept(CacheEntry, String)
        /// It is on its way; as long as the content lives, so is somebody who reads it.
        case filling(FillTable.Filling, any BlobContent, String)
        /// All of it has come, and is right.
        case whole(Arrivals.Arrival)
        case absent(BlobAbsence)
        case failed(UpstreamFault)

        /// The end of what is held.
        var sunset: Timestamp? {
            switch self {
            case .kept(let entry, _): entry.sunset
            case .filling(let filling, _, _): filling.standing.sunset
            case .whole(let arrival): arrival.standing.sunset
            case .absent, .failed: nil
            }
        }
    }

    /// A blob that is not here, or that the disk does not give.
    func fetch(_ address: BlobAddress, _ intent: ReadIntent, isLost: Bool = false) async -> BlobFinding {
        if !isLost, let entry = await cache.findFile(of: address, at: now()) { return await revalidate(entry, intent) }
        return await fetchMissing(address, intent, isLost: isLost)
    }

    private func fetchMissing(_ address: BlobAddress, _ intent: ReadIntent, isLost: Bool) async -> BlobFinding {
        var isLost = isLost
        // The second time where the disk has lost it since it came.
        for _ in 0..<2 {
            if fills.isRefused(address) { break }
            let (outcome, isFirst) = await ask(address) { [self, isLost] in
                if !isLost, let known = known(address) { return known }
                return await fetched(address, intent)
            }
            isLost = true
            meters.count(isFirst ? .miss : .filling)
            if let finding = await finding(outcome, of: address, isFirst: isFirst) { return finding }
        }
        return .unanswered(.failed)
    }

    /// A blob that is here, and of which the origin has to say how it stands.
    func revalidate(_ entry: CacheEntry, _ intent: ReadIntent) async -> BlobFinding {
        let address = entry.address
        let (outcome, isFirst) = await ask(address) { [self] in await revalidated(entry) }
        switch outcome {
        case .kept: meters.count(.revalidated)
        case .failed(let fault):
            let isUsable = Freshness.mayBeStale(
                Standing(entry), view, now: now(), maximumAge: settings.maximumAge,
                staleIfError: settings.staleIfError)
            guard isUsable, let blob = await held(entry, freshUntil: now(), "fwd=stale") else {
                return .unanswered(fault)
            }
            meters.count(.stale)
            return .unreachable(stale: blob)
        default: break
        }
        if let finding = await finding(outcome, of: address, isFirst: isFirst) { return finding }
        // Its former end has come meanwhile, or the disk does not give what it has.
        return await fetchMissing(address, intent, isLost: true)
    }

    /// What the edge has by now, in case it came between the look and the question.
    private func known(_ address: BlobAddress) -> Learned? {
        if let arrival = arrivals[address], isFresh(fills.current(arrival.standing, of: address)) {
            return .whole(arrival)
        }
        if let entry = cache.entry(of: address), isFresh(Standing(entry)) { return .kept(entry, "hit") }
        if let filling = fills[address], isFresh(filling.standing) {
            return .filling(filling, filling.fill.content(), "fwd=miss; collapsed")
        }
        return nil
    }

    func isFresh(_ standing: Standing) -> Bool {
        if case .fresh = decide(standing) { true } else { false }
    }

    /// What is answered to whoever asked, or waited; nil where the disk has lost it since, or its time is up.
    private func finding(_ outcome: Learned, of address: BlobAddress, isFirst: Bool) async -> BlobFinding? {
        let suffix = isFirst ? "" : "; collapsed"
        // It may have been asked before the end of the blob, and waited for since.
        if let sunset = outcome.sunset, sunset <= now() { return nil }
        switch outcome {
        case .kept(let entry, let status):
            return await held(entry, freshUntil: freshUntil(Standing(entry)), status + suffix).map { .held($0) }
        case .filling(let filling, _, let status):
            // What has just been said may be served, whatever the age allowed.
            return .held(held(filling, freshUntil: freshUntil(filling.standing), status + suffix))
        case .whole(let arrival):
            return .held(
                held(
                    arrival, of: address, freshUntil: freshUntil(arrival.standing), "fwd=miss; fwd-status=200" + suffix)
            )
        case .absent(let absence): return absence.finding
        case .failed(let fault): return .unanswered(fault)
        }
    }

    /// Until when what the origin has just said counts.
    private func freshUntil(_ standing: Standing) -> Timestamp {
        guard case .fresh(let until) = decide(standing) else { return now() }
        return until
    }

    /// Waits for the answer to a question about `address`, and asks it unless somebody does already.
    private func ask(
        _ address: BlobAddress, _ question: @escaping @Sendable () async -> Learned
    ) async -> (outcome: Learned, isFirst: Bool) {
        let (task, isFirst) = questions.withLock { questions in
            if let task = questions[address] { return (task, false) }
            let task = Task { await question() }
            questions[address] = task
            return (task, true)
        }
        let outcome = await task.value
        questions.withLock { if $0[address] == task { $0[address] = nil } }
        return (outcome, isFirst)
    }

    // MARK: Complaints

    /// A reader has found wrong bytes here. What is on the disk is hashed again, at most once a minute for each blob; of
    /// one on its way the reader gets the origin's own bytes, past the cache, and nobody else notices.
    func findAgain(_ address: BlobAddress) async throws(StoreError) -> BlobFinding {
        if let filling = fills[address] {
            if case .ask = decide(filling.standing) {
                let finding = await fetch(address, .head)
                guard case .held = finding else { return finding }
            }
            let standing = fills[address]?.standing ?? filling.standing
            return .held(
                HeldBlob(
                    address: address, size: filling.fill.size, sunset: standing.sunset, freshUntil: now(),
                    content: filling.fill.passing(), isComplete: false,
                    handling: handling(of: address, standing.checked, "fwd=bypass")))
        }
        if fills.mayReread(address) {
            cache.change(address) { $0.isUnverified = true }
            expire(address)
        }
        return try await find(address, for: .whole)
    }

    // MARK: The answers

    private func revalidated(_ entry: CacheEntry) async -> Learned {
        let asked = now()
        switch await origins.ask(entry.address, .change) {
        case .unchanged(let sunset, let age):
            var entry = entry
            (entry.sunset, entry.checked, entry.marked) = (sunset, asked.before(age), nil)
            cache.change(entry.address) { current in
                current.sunset = sunset
                current.checked = asked.before(age)
                // A mark that came while the origin was asked stays.
                if let marked = current.marked, marked < asked { current.marked = nil }
                entry.marked = current.marked
            }
            return .kept(entry, "fwd=stale; fwd-status=304")
        case .absent(let absence):
            cache.forget(entry.address, because: .ended)
            return .absent(absence)
        case .failed(let fault, let why):
            note(fault, why)
            return .failed(fault)
        case .held: return .failed(.failed)
        }
    }

    private func fetched(_ address: BlobAddress, _ intent: ReadIntent) async -> Learned {
        let asked = now()
        switch await origins.ask(address, question(about: address, intent)) {
        case .held(let head, let body):
            let standing = Standing(sunset: head.sunset, checked: asked.before(head.age))
            if head.size == 0 {
                body?.stream.cancel()
                return .whole(Arrivals.Arrival(bytes: [], standing: standing))
            }
            if let body, body.range == 0..<head.size, head.size <= Self.wholeBytes {
                return await taken(body.stream, address, head, standing)
            }
            guard let filling = await begin(address, head, standing) else {
                body?.stream.cancel()
                return .failed(.busy)
            }
            let reader = filling.fill.content()
            if let body { filling.fill.begin(with: body.stream, at: body.range) }
            return .filling(filling, reader, "fwd=miss; fwd-status=200")
        case .absent(let absence): return .absent(absence)
        case .failed(let fault, let why):
            note(fault, why)
            return .failed(fault)
        case .unchanged: return .failed(.failed)
        }
    }

    /// What to ask of a blob that somebody wants to read: with as many of its bytes as are wanted, unless some are on
    /// their way already.
    private func question(about address: BlobAddress, _ intent: ReadIntent) -> Origins.Question {
        if fills[address] != nil { return .head }
        switch intent {
        case .whole: return .bytes
        case .range(let range): return .range(Fill.blocks(around: range))
        case .head, .ranges, .again: return .head
        }
    }

    private func note(_ fault: UpstreamFault, _ why: String) {
        logger.debug("The origin did not answer", metadata: ["fault": "\(fault.rawValue)", "why": "\(why)"])
    }
}

extension Timestamp {
    /// So many seconds before this moment.
    fileprivate func before(_ age: Int64) -> Timestamp { Timestamp(seconds: max(0, seconds - max(0, age))) }
}
