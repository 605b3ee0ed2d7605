import BlobFiles
import Blobs
import CacheFolder
import Logging
import NIOCore
import Store
import Synchronization
import Telemetry

/// Blobs on their way into the cache.
extension EdgeStore {
    /// Blobs up to this size are verified before their first byte is served.
    static let wholeBytes: Int64 = 256 << 10

    /// Takes a small blob in one piece: from memory it is hashed, and then it is kept.
    func taken(
        _ body: OriginStream, _ address: BlobAddress, _ head: HeldHead, _ standing: Standing
    ) async -> Learned {
        var pieces: [ByteBuffer] = []
        var count: Int64 = 0
        do throws(SourceError) {
            while let bytes = try await body.next(atMost: Int(Self.wholeBytes)) {
                count += Int64(bytes.readableBytes)
                pieces.append(bytes)
            }
        } catch {
            // A fill goes on where it broke off, as often as that is worth it.
            guard let filling = await begin(address, head, standing) else { return .failed(.busy) }
            return .filling(filling, filling.fill.content(), "fwd=miss; fwd-status=200")
        }
        guard count == head.size else { return .failed(.failed) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(count))
        for piece in pieces { bytes += piece.readableBytesView }
        var hasher = BlobHasher()
        hasher.update(bytes)
        guard hasher.address() == address else {
            noteWrong(address)
            return .failed(.failed)
        }
        let arrival = Arrivals.Arrival(bytes: bytes, standing: fills.current(standing, of: address))
        if arrivals.add(arrival, of: address) {
            cache.threads.submit { [self] in
                if store(arrival.bytes, as: address, head) { keep(address, head, standing) }
                arrivals.remove(address)
            } orElse: { [self] in
                arrivals.remove(address)
            }
        }
        return .whole(arrival)
    }

    /// Writes a small blob to the disk; false where that has no room, or fails. Blocks its thread.
    private func store(_ bytes: [UInt8], as address: BlobAddress, _ head: HeldHead) -> Bool {
        guard cache.makeRoom(for: head.size, at: now()) else { return false }
        let part = cache.folder.part(of: address)
        // Safe: a span of bytes has no padding.
        do throws(StoreError) { try unsafe part.write(bytes.span.bytes, at: 0) } catch { return false }
        return part.place(as: address, sunset: head.sunset)
    }

    /// Notes a blob whose file is in place.
    func keep(_ address: BlobAddress, _ head: HeldHead, _ standing: Standing) {
        var entry = CacheEntry(address: address, size: head.size, sunset: standing.sunset, arrived: now())
        entry.checked = standing.checked
        entry.marked = fills.current(standing, of: address).isMarked ? standing.checked : nil
        cache.keep(entry)
    }

    /// A fill for a blob that is held at the origin, or the one that there is; nil where there are too many that somebody
    /// reads. Called by whoever asks about the address, so once at a time.
    func begin(_ address: BlobAddress, _ head: HeldHead, _ standing: Standing) async -> FillTable.Filling? {
        if let filling = fills.confirm(address, size: head.size, standing) { return filling }
        if fills.count >= settings.fills {
            guard let idle = fills.takeLongestIdle() else { return nil }
            idle.giveUp()
        }
        let isKept = head.size <= cache.largestBytes
        let part = try? await cache.threads.run { [cache] () throws(StoreError) in
            let hasRoom = isKept ? cache.makeRoom(for: head.size, at: self.now()) : cache.hasFree(head.size)
            return cache.folder.part(of: address, hasRoom ? (isKept ? .kept : .unnamed) : .none)
        }
        guard let part else { return nil }
        let fill = Fill(
            address, size: head.size, sunset: head.sunset, into: part, from: origins, threads: cache.threads
        ) {
            [weak self] ending in self?.ended(address, head, ending)
        }
        meters.fills.add()
        let (filling, superfluous) = fills.add(fill, standing)
        superfluous?.giveUp()
        return filling
    }

    private func ended(_ address: BlobAddress, _ head: HeldHead, _ ending: Fill.Fate) {
        if case .kept = ending {
            if let standing = fills[address]?.standing {
                // Whoever looks for it finds the entry or the fill.
                keep(address, head, standing)
            } else if cache.entry(of: address) == nil {
                // It has been dropped meanwhile.
                cache.folder.remove(address)
            }
        }
        fills.removeEnded(address)
        if case .wrong = ending { noteWrong(address) }
    }

    func noteWrong(_ address: BlobAddress) {
        meters.countWrongDigest(.origin)
        fills.noteWrong(address)
        logger.error(
            "The origin sent other bytes than those of the address", metadata: ["blob": "\(address.abbreviated)"])
    }
}

/// Small blobs that have been fetched and are being written to the disk; until then they are served from memory.
final class Arrivals: Sendable {
    struct Arrival: Sendable {
        let bytes: [UInt8]
        let standing: Standing
    }

    /// The most at once; a disk that falls further behind keeps no others.
    private static let limit = 256
    private let state = Mutex<[BlobAddress: Arrival]>([:])

    subscript(address: BlobAddress) -> Arrival? { state.withLock { $0[address] } }

    /// False where too many wait, or the same is being written already.
    func add(_ arrival: Arrival, of address: BlobAddress) -> Bool {
        state.withLock { state in
            guard state.count < Self.limit, state[address] == nil else { return false }
            state[address] = arrival
            return true
        }
    }

    /// Whether there was one.
    @discardableResult
    func remove(_ address: BlobAddress) -> Bool { state.withLock { $0.removeValue(forKey: address) != nil } }

    var addresses: [BlobAddress] { state.withLock { Array($0.keys) } }
}

/// The blobs on their way.
final class FillTable: Sendable {
    struct Filling: Sendable {
        let fill: Fill
        var standing: Standing
    }

    private struct State {
        var fillings: [BlobAddress: Filling] = [:]
        /// When the origin last sent wrong bytes of a blob, and until when it is not asked again.
        var wrong: [BlobAddress: (latest: ContinuousClock.Instant, refusedUntil: ContinuousClock.Instant?)] = [:]
        /// When what is on the disk was last hashed because of a complaint.
        var rereads: [BlobAddress: ContinuousClock.Instant] = [:]
        /// Prefixes that the feed named lately, for those who learned something just before.
        var marks: [AddressPrefix: Timestamp] = [:]
    }

    /// Twice within this time is too often.
    private static let suspicion = Duration.seconds(60)
    private static let refusal = Duration.seconds(10)
    private let state = Mutex(State())

    subscript(address: BlobAddress) -> Filling? {
        state.withLock { state in state.fillings[address].flatMap { $0.fill.isAlive ? $0 : nil } }
    }

    var count: Int { state.withLock { $0.fillings.count } }

    var addresses: [BlobAddress] { state.withLock { Array($0.fillings.keys) } }

    /// The fill of a blob, with what the origin has just said of it; nil where there is none of that size.
    func confirm(_ address: BlobAddress, size: Int64, _ standing: Standing) -> Filling? {
        state.withLock { state in
            guard let fill = state.fillings[address]?.fill, fill.isAlive, fill.size == size else { return nil }
            let current = Self.current(standing, of: address, state)
            state.fillings[address]?.standing = current
            return state.fillings[address]
        }
    }

    /// What the origin has said, and whether the feed has named the blob since it was asked.
    func current(_ standing: Standing, of address: BlobAddress) -> Standing {
        state.withLock { Self.current(standing, of: address, $0) }
    }

    private static func current(_ standing: Standing, of address: BlobAddress, _ state: borrowing State) -> Standing {
        let isMarked = state.marks[AddressPrefix(address)].map { $0 >= standing.checked } ?? false
        return Standing(
            sunset: standing.sunset, checked: standing.checked, isMarked: standing.isMarked || isMarked)
    }

    /// Adds a fill, unless another has come first. Returns the one that counts, and the one that is to be given up: the
    /// newcomer, or one of another size, since the origin has contradicted itself.
    func add(_ fill: Fill, _ standing: Standing) -> (Filling, superfluous: Fill?) {
        state.withLock { state in
            let standing = Self.current(standing, of: fill.address, state)
            // One under which the disk has failed still serves its readers.
            let before = state.fillings[fill.address].flatMap { $0.fill.isAlive ? $0.fill : nil }
            let isFirst = before?.size != fill.size
            let filling = Filling(fill: isFirst ? fill : before ?? fill, standing: standing)
            state.fillings[fill.address] = filling
            return (filling, isFirst ? before : fill)
        }
    }

    func remove(_ address: BlobAddress) -> Filling? { state.withLock { $0.fillings.removeValue(forKey: address) } }

    /// Removes the fill of a blob, unless it is another that has begun since.
    func removeEnded(_ address: BlobAddress) {
        state.withLock { state in
            if state.fillings[address]?.fill.hasEnded == true { state.fillings[address] = nil }
        }
    }

    /// Takes out the fill that nobody has read for longest; nil where all are read.
    func takeLongestIdle() -> Fill? {
        state.withLock { state in
            let idle = state.fillings.values
                .compactMap { filling in filling.fill.idleSince.map { (fill: filling.fill, since: $0) } }
                .min { $0.since < $1.since }
            guard let fill = idle?.fill else { return nil }
            state.fillings[fill.address] = nil
            return fill
        }
    }

    // MARK: Wrong bytes

    func noteWrong(_ address: BlobAddress) {
        let now = ContinuousClock.now
        state.withLock { state in
            state.wrong = state.wrong.filter { now - $0.value.latest < Self.suspicion }
            let isRepeated = state.wrong[address] != nil
            state.wrong[address] = (now, isRepeated ? now + Self.refusal : nil)
        }
    }

    func isRefused(_ address: BlobAddress) -> Bool {
        state.withLock { $0.wrong[address]?.refusedUntil }.map { .now < $0 } ?? false
    }

    /// Whether a complaint about a blob may be followed up: hashing costs more than complaining.
    func mayReread(_ address: BlobAddress) -> Bool {
        let now = ContinuousClock.now
        return state.withLock { state in
            state.rereads = state.rereads.filter { now - $0.value < Self.suspicion }
            guard state.rereads[address] == nil, state.rereads.count < 1024 else { return false }
            state.rereads[address] = now
            return true
        }
    }

    // MARK: Changes

    /// The feed has said that blobs with this prefix may be wrong.
    func mark(_ prefix: AddressPrefix, at now: Timestamp) {
        state.withLock { state in
            for (address, filling) in state.fillings where AddressPrefix(address) == prefix {
                let standing = filling.standing
                state.fillings[address]?.standing = Standing(
                    sunset: standing.sunset, checked: standing.checked, isMarked: true)
            }
            if state.marks.count > 4096 { state.marks = state.marks.filter { $0.value.seconds > now.seconds - 60 } }
            state.marks[prefix] = now
        }
    }

    // MARK: Upkeep

    /// Takes out what nobody has read for a while, and beyond `limitBytes` what was read longest ago.
    func takeIdle(after patience: Duration, limitBytes: Int64) -> [Fill] {
        let now = ContinuousClock.now
        return state.withLock { state in
            let idle = state.fillings.values
                .compactMap { filling in filling.fill.idleSince.map { (fill: filling.fill, since: $0) } }
                .sorted { $0.since < $1.since }
            var bytes = idle.reduce(0) { $0 + $1.fill.bytesHere }
            var taken: [Fill] = []
            for (fill, since) in idle where now - since > patience || bytes > limitBytes {
                bytes -= fill.bytesHere
                state.fillings[fill.address] = nil
                taken.append(fill)
            }
            return taken
        }
    }

    func takeAll() -> [Fill] {
        state.withLock { state in
            defer { state.fillings = [:] }
            return state.fillings.values.map(\.fill)
        }
    }
}
