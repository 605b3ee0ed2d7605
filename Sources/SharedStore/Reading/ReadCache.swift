import BlobFiles
import Blobs
import CacheFolder
import EventLoops
import Logging
import Objects
import SharedCatalog
import Store
import StoreRules
import Synchronization

/// Bytes of blobs near this node: small ones in the memory of whoever reads them, others in the folder of a cache, whole
/// or in pieces. What may be served is decided by what the catalog says, never by what is here.
final class ReadCache: Sendable {
    /// Blobs up to this size are read as they are found, and no file is made for them.
    static let bytesReadAtOnce: Int64 = 32 << 10
    /// Pieces of blobs that nobody has read stay for so long, and are no more than one part in so many of the cache.
    private static let patience = Duration.seconds(600)
    private static let partialShare: Int64 = 10
    /// Bytes of objects that are in memory at once on their way, and of those that the disk does not take.
    private static let memoryBytes: Int64 = 128 << 20
    private static let shelfBytes: Int64 = 64 << 20
    /// How long anybody waits for room for an object.
    private static let roomPatience = Duration.seconds(20)

    let disk: DiskCache
    let reader: ObjectReader
    private let partial = PartialBlobs()
    private let shelf = PieceShelf(limitBytes: ReadCache.shelfBytes)
    /// Small blobs on their way, each fetched once for all who ask.
    private let small = Mutex<[BlobAddress: SmallArrival]>([:])
    private let rereads = RecentAddresses(span: .seconds(60))
    private let threads: BlockingPool
    private let settings: SharedStoreSettings
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    private let tending = Mutex<Task<Void, Never>?>(nil)

    private typealias SmallArrival = Task<Result<[UInt8], StoreError>, Never>

    /// - Parameters:
    ///   - folder: of a node of this store, and of this process alone.
    ///   - row: what the catalog knows of a blob at this moment.
    ///   - now: the present moment as the store counts it.
    init(
        _ folder: CacheFolder, of objects: any ObjectStore,
        row: @escaping @Sendable (BlobAddress) async throws(StoreError) -> FoundBlob?, suspects: SuspectBlobs,
        settings: SharedStoreSettings, threads: BlockingPool, now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.threads = threads
        self.settings = settings
        self.now = now
        self.logger = logger
        reader = ObjectReader(
            objects, row: row, suspects: suspects,
            budget: MemoryBudget(limitBytes: Self.memoryBytes, patience: Self.roomPatience), threads: threads,
            logger: logger)
        disk = DiskCache(
            folder, of: BlobObjects(reader: reader, row: row),
            limits: .init(bytes: settings.cacheBytes, keepFreeBytes: settings.keepFreeBytes), threads: threads
        ) { _ in }
    }

    // MARK: Life

    /// Takes up what was saved, and goes on looking after what is here until `close`.
    func begin() async {
        _ = try? await threads.run { [disk] () throws(StoreError) in disk.restore() }
        let tending = DiskCache.Tending(
            now: now, checkedBytesPerSecond: settings.cacheScrubBytesPerSecond,
            tidy: {
                let limit = self.settings.cacheBytes / Self.partialShare
                for file in self.partial.takeIdle(after: Self.patience, limitBytes: limit) { self.letGo(file) }
            }, save: { await self.disk.save(feedPosition: nil) }, onRotten: { self.noteRotten($0) })
        self.tending.withLock { $0 = Task { await self.disk.tend(tending) } }
    }

    /// Saves what is here. The threads are the store's.
    func close() async {
        let task = tending.withLock { $0.take() }
        task?.cancel()
        await task?.value
        await disk.save(feedPosition: nil)
    }

    /// Lets another cache have the folder, once the threads have ended.
    func releaseFolder() { disk.folder.release() }

    // MARK: Content

    /// The bytes of a blob that is held until `sunset`, once what `intent` wants first is here. Throws as
    /// `ObjectReader.withBytes`.
    func content(
        of found: FoundBlob, _ layout: BlobLayout, until sunset: Timestamp, for intent: ReadIntent
    ) async throws(StoreError) -> any BlobContent {
        let address = found.row.address
        if layout.size <= Self.bytesReadAtOnce { return MemoryContent(try await smallBytes(of: address, layout)) }
        if intent == .again, rereads.add(address) { distrust(address) }
        if let content = await wholeContent(of: address, size: layout.size, until: sunset) { return content }
        let file = await partialContent(of: address, layout, until: sunset)
        if let offset = intent.firstByte, offset < layout.size { try await file.prepare(at: offset) }
        return file
    }

    /// Reads a blob of the disk; nil where it is not there, or not as it should be.
    private func wholeContent(
        of address: BlobAddress, size: Int64, until sunset: Timestamp
    ) async -> (any BlobContent)? {
        var known = disk.entry(of: address)
        if known == nil { known = await disk.findFile(of: address, at: now()) }
        guard let entry = known else { return nil }
        guard entry.size == size else {
            disk.forget(address, because: .damaged)
            return nil
        }
        disk.change(address) { entry in
            entry.marked = nil
            entry.sunset = max(entry.sunset, sunset)
        }
        disk.noteReads(1, of: address, at: now())
        switch await disk.open(entry) {
        case .content(let content): return content
        case .rotten:
            noteRotten(address)
            return nil
        case .unreadable: return nil
        }
    }

    /// The file of a blob that is not here, or not all of it.
    private func partialContent(
        of address: BlobAddress, _ layout: BlobLayout, until sunset: Timestamp
    ) async -> PieceFile {
        if let file = partial[address], file.size == layout.size {
            file.use(layout, until: sunset)
            return file
        }
        let part = await newPart(for: address, size: layout.size)
        let file = PieceFile(
            address, layout: layout, until: sunset, into: part, beside: shelf, from: reader, threads: threads
        ) { [weak self] in self?.keep($0) }
        let (counts, superfluous) = partial.add(file)
        if let superfluous { letGo(superfluous) }
        return counts
    }

    private func newPart(for address: BlobAddress, size: Int64) async -> PartFile {
        let part = try? await threads.run { [disk, now] () throws(StoreError) in
            let isKept = size <= disk.largestBytes
            let hasRoom = isKept ? disk.makeRoom(for: size, at: now()) : disk.hasFree(size)
            return disk.folder.part(of: address, hasRoom ? (isKept ? .kept : .unnamed) : .none)
        }
        return part ?? disk.folder.part(of: address, .none)
    }

    /// All pieces are here: the file gets its name. Blocks its thread.
    private func keep(_ file: PieceFile) {
        let now = now()
        if file.part.place(as: file.address, sunset: file.sunset) {
            disk.keep(CacheEntry(address: file.address, size: file.size, sunset: file.sunset, arrived: now))
        }
        partial.remove(file)
    }

    private func letGo(_ file: PieceFile) {
        threads.submit {
            file.part.remove()
        } orElse: {
        }
    }

    /// All bytes of a small blob, fetched once for all who ask at the same time.
    private func smallBytes(of address: BlobAddress, _ layout: BlobLayout) async throws(StoreError) -> [UInt8] {
        guard let all = ByteRange(offset: 0, count: layout.size, within: layout.size) else { return [] }
        let arrival = small.withLock { arrivals in
            if let arrival = arrivals[address] { return arrival }
            let arrival = SmallArrival(executorPreference: LoopExecutor.here()) { [reader] in
                do throws(StoreError) {
                    return .success(
                        try await reader.withBytes(of: all, of: address, by: layout) { bytes throws(StoreError) in bytes
                        }
                        .value)
                } catch { return .failure(error) }
            }
            arrivals[address] = arrival
            return arrival
        }
        let result = await arrival.value
        small.withLock { if $0[address] == arrival { $0[address] = nil } }
        return try result.get()
    }

    // MARK: What changes

    /// Findings of these have ended: what is here of them goes first, unless somebody asks for it.
    func mark(_ prefixes: [AddressPrefix]) {
        let now = now()
        for prefix in prefixes { disk.mark(prefix, at: now) }
    }

    /// Nobody may read a blob any more.
    func forget(_ address: BlobAddress) {
        disk.forget(address, because: .ended)
        if let file = partial.remove(address) { letGo(file) }
    }

    /// Whoever read a blob found it wrong: what is on the disk is hashed before its next use, and pieces are fetched
    /// again.
    private func distrust(_ address: BlobAddress) {
        disk.change(address) { $0.isUnverified = true }
        if let file = partial.remove(address) { letGo(file) }
    }

    private func noteRotten(_ address: BlobAddress) {
        logger.error(
            "A blob of the cache had rotted; it is fetched again", metadata: ["blob": "\(address.abbreviated)"])
    }
}
