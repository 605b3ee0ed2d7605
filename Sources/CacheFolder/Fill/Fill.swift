package import BlobFiles
package import Blobs
import Files
import NIOCore
package import Store
import Synchronization

/// A blob on its way from elsewhere into a file: blocks come in any order, each once for everybody who wants it.
///
/// Readers get bytes as they come. Whoever reads all of it gets the last block when the digest is right; a blob that
/// turns out to be another is never complete for them, and is not kept. Where the cache's disk fails, readers are
/// served past it.
package final class Fill: Sendable {
    /// What became of a fill.
    package enum Fate: Sendable {
        /// Its file is in the cache, under its name.
        case kept
        /// The bytes were not those of the address.
        case wrong
        /// Nothing of it is kept: it is gone at the origin, the origin sent no such blob, or the disk did not take it.
        case dropped
    }

    enum Course {
        case filling
        /// All bytes are in the file, and they are right.
        case verified
        case failed(StoreError)
    }

    /// A reader that waits for the byte at `offset`.
    struct Waiter {
        let offset: Int64
        let continuation: CheckedContinuation<StoreError?, Never>
    }

    struct State: ~Copyable {
        var plan: FillPlan
        var phase = Course.filling
        var isEnding = false
        /// The digest of the bytes before `hashed`; taken out by whoever hashes on.
        var hasher: BlobHasher? = BlobHasher()
        var hashed: Int64 = 0
        var waiters: [Int: Waiter] = [:]
        /// Runs that are not read on until readers have caught up.
        var paused: [Int: CheckedContinuation<Void, Never>] = [:]
        var readers = 0
        /// Whether somebody who reads all of it was here, so that it is worth finishing.
        var isWanted = false
        /// Since when nobody has been reading, on the monotonic clock.
        var idleSince: ContinuousClock.Instant? = .now
        /// How often runs have failed since one has brought anything, and when that was.
        var failures = 0
        var latest = ContinuousClock.now
        var isAnnouncing = false
        /// The first bytes are announced at once.
        var unannounced = Fill.announcedBytes
        var next = 0
    }

    /// Seconds before a broken run is tried again; after the last, whoever waits is told.
    static let pauses: [Double] = [0.2, 1, 3]
    /// Readers are woken after so many bytes, or so long after the first.
    static let announcedBytes: Int64 = 256 << 10
    static let announcedAfter = Duration.milliseconds(5)
    /// A run is given up where its readers do not go on for so long.
    static let pause = Duration.seconds(10)
    /// What is finished although everybody has left.
    static let worthFinishing: Int64 = 8 << 20
    /// The largest blob that can be filled: its map of blocks takes 2 MiB.
    package static let largestBytes: Int64 = 1 << 40
    /// The most that is read at once.
    static let pieceBytes = 1 << 20
    /// What one run writes before others have their turn on the thread.
    static let turnBytes = 4 << 20

    package let address: BlobAddress
    /// Bytes of the blob, from 1 to `largestBytes`.
    package let size: Int64
    private let sunset: Timestamp
    /// How long readers wait for a source that brings nothing.
    let patience: Duration
    let part: PartFile
    let source: any BlobSource
    let threads: BlockingPool
    /// Serves readers where the disk of the cache does not.
    let detour: Detour
    private let onEnd: @Sendable (Fate) -> Void
    let state: Mutex<State>

    /// - Parameters:
    ///   - part: where the bytes go.
    ///   - patience: how long readers wait for a source that brings nothing.
    ///   - onEnd: called once, when all bytes have come, or they never will.
    package init(
        _ address: BlobAddress, size: Int64, sunset: Timestamp, into part: PartFile, from source: any BlobSource,
        threads: BlockingPool, patience: Duration = .seconds(15), onEnd: @escaping @Sendable (Fate) -> Void
    ) {
        self.address = address
        self.size = size
        self.sunset = sunset
        self.part = part
        self.source = source
        self.threads = threads
        self.patience = patience
        self.onEnd = onEnd
        detour = Detour(of: address, size: size, from: source)
        state = Mutex(State(plan: FillPlan(size: size)))
    }

    /// The content for one finding. As long as one lives, the fill goes on.
    package func content() -> any BlobContent {
        state.withLock { state in
            state.readers += 1
            state.idleSince = nil
        }
        return FillReader(self)
    }

    /// The content for somebody who found what is here to be wrong: it comes from the source alone.
    package func passing() -> any BlobContent { PassingReader(past: self) }

    /// `range` with the rest of the blocks at its ends. Beyond the last of all positions there is no end.
    package static func blocks(around range: Range<Int64>) -> Range<Int64> {
        let bytes = BlockMap.blockBytes
        let (end, overflows) = ((range.upperBound - 1) / bytes + 1).multipliedReportingOverflow(by: bytes)
        return range.lowerBound / bytes * bytes..<(overflows ? .max : end)
    }

    /// Takes over a stream of the bytes of `range`, unless something has come already. The range begins where a block
    /// does, and ends where one does or the blob.
    package func begin(with stream: any ByteStream, at range: Range<Int64>) {
        guard let run = state.withLock({ $0.plan.begin(range) }) else { return stream.cancel() }
        start(run, stream)
    }

    /// Whether it is worth joining: it has not failed, nor has the disk under it, which may take another by now.
    package var isAlive: Bool {
        !part.hasFailed && state.withLock { if case .failed = $0.phase { false } else { true } }
    }

    /// Whether all has come, or it never will.
    package var hasEnded: Bool {
        state.withLock { if case .filling = $0.phase { false } else { true } }
    }

    /// Bytes that are here, at most.
    package var bytesHere: Int64 { state.withLock { Int64($0.plan.map.present) * BlockMap.blockBytes } }

    /// Since when nobody has read it and nothing comes any more; nil while somebody does, or it is getting its name.
    package var idleSince: ContinuousClock.Instant? {
        state.withLock { $0.plan.runs.isEmpty && !$0.isEnding ? $0.idleSince : nil }
    }

    /// Ends it: whoever waits is told, and the file goes.
    package func giveUp() { finish(.failed(.io("the fill of \(address.abbreviated)… was given up")), nil) }

    // MARK: Readers

    func leave() {
        state.withLock { state in
            state.readers -= 1
            if state.readers == 0 { state.idleSince = .now }
        }
    }

    /// Waits for bytes at `start`, for a reader that wants all up to `end`; returns how many are here, at most `limit`.
    func wait(from start: Int64, to end: Int64, atMost limit: Int, for intent: ReadIntent) async throws(StoreError)
        -> Int
    {
        let stop = min(end, start + Int64(limit))
        while true {
            let here = try state.withLock { state throws(StoreError) in
                if case .failed(let error) = state.phase { throw error }
                if intent == .whole { state.isWanted = true }
                return Self.visible(state, from: start, to: stop, for: intent)
            }
            if here > start { return Int(here - start) }
            if part.hasFailed { return 0 }
            if let error = await sleep(at: start, to: end, for: intent) { throw error }
        }
    }

    /// How many bytes at `start` a reader may have now that wants all up to `end`.
    func arrived(from start: Int64, to end: Int64, for intent: ReadIntent) -> Int {
        state.withLock { state in
            if case .failed = state.phase { return 0 }
            if intent == .whole { state.isWanted = true }
            return Int(Self.visible(state, from: start, to: end, for: intent) - start)
        }
    }

    /// Up to where a reader may have bytes from `start` on.
    private static func visible(
        _ state: borrowing State, from start: Int64, to stop: Int64, for intent: ReadIntent
    ) -> Int64 {
        if case .verified = state.phase { return stop }
        let withheld = intent == .whole ? max(state.plan.lastBlockStart, start) : stop
        return state.plan.available(from: start, limit: min(stop, withheld))
    }

    /// Sleeps until something has come or has ended; begins a run where none brings what is missing. Returns why it will
    /// not come.
    private func sleep(at start: Int64, to end: Int64, for intent: ReadIntent) async -> StoreError? {
        await withCheckedContinuation { (continuation: CheckedContinuation<StoreError?, Never>) in
            var run: Int?
            var resumed: [CheckedContinuation<Void, Never>] = []
            let isWaiting = state.withLock { state in
                guard case .filling = state.phase, Self.visible(state, from: start, to: end, for: intent) == start
                else { return false }
                let missing = state.plan.available(from: start, limit: size)
                if missing < size {
                    run = state.plan.demand(missing, to: max(end, missing + 1))?.id
                    for id in Array(state.paused.keys) where state.plan.room(of: id) > 0 {
                        if let paused = state.paused.removeValue(forKey: id) { resumed.append(paused) }
                    }
                }
                state.next += 1
                state.waiters[state.next] = Waiter(offset: start, continuation: continuation)
                return true
            }
            for paused in resumed { paused.resume() }
            if let run { self.start(run, nil) }
            if !isWaiting { continuation.resume(returning: nil) }
        }
    }

    /// Wakes those whose next missing byte is in `range`, or all, perhaps with the reason why it will not come.
    func wake(in range: Range<Int64>? = nil, because error: StoreError? = nil) {
        let woken = state.withLock { state in
            var woken: [CheckedContinuation<StoreError?, Never>] = []
            for (id, waiter) in state.waiters {
                // The last block is here for a while before readers of the whole get it.
                if let range, !range.contains(state.plan.available(from: waiter.offset, limit: size)) { continue }
                woken.append(waiter.continuation)
                state.waiters[id] = nil
            }
            return woken
        }
        for continuation in woken { continuation.resume(returning: error) }
    }

    // MARK: The end

    /// All bytes are here: compares the digest, and gives the file its name. Blocks its thread.
    func verify() {
        let (hasher, hashed) = state.withLock { ($0.hasher, $0.hashed) }
        do throws(StoreError) {
            guard try part.address(hasher ?? BlobHasher(), from: hasher == nil ? 0 : hashed, to: size) == address
            else { return finish(.failed(.io("the origin's bytes are not those of the address")), .wrong) }
        } catch {
            return finish(.failed(error), .dropped)
        }
        finish(.verified, part.place(as: address, sunset: sunset) ? .kept : .dropped)
    }

    func finish(_ phase: Course, _ ending: Fate?) {
        let isFirst = state.withLock { state in
            guard case .filling = state.phase else { return false }
            state.phase = phase
            state.isEnding = true
            for paused in state.paused.values { paused.resume() }
            state.paused = [:]
            return true
        }
        guard isFirst else { return }
        if case .failed = phase { part.remove() }
        if let ending { onEnd(ending) }
        wake()
    }
}
