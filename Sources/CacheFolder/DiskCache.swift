package import BlobFiles
package import Blobs
import Files
package import Store
import Synchronization

/// Blobs on a disk that can be fetched again: which are here, how they stand, and which go when room is needed.
package final class DiskCache: Sendable {
    /// How much may be kept.
    package struct CacheLimits: Sendable {
        /// Bytes of all blobs together.
        package var bytes: Int64
        /// Bytes that stay free on the disk.
        package var keepFreeBytes: Int64

        package init(bytes: Int64, keepFreeBytes: Int64) {
            self.bytes = bytes
            self.keepFreeBytes = keepFreeBytes
        }
    }

    /// Why a blob left the cache; a label of metrics.
    package enum Departure: String, CaseIterable, Sendable {
        /// Others needed the room.
        case room
        /// Its time was up, or the origin said that it is gone.
        case ended
        /// Its bytes were no longer right, or could not be read.
        case damaged
    }

    /// Blobs up to this size are hashed whenever they are opened: a bit that rots on the disk is not served.
    package static let verifiedBytes: Int64 = 1 << 20
    /// Entries that are looked at for large ones at a time.
    private static let checkedEntries = 20_000

    package let folder: CacheFolder
    package let threads: BlockingPool
    private let source: any BlobSource
    private let limits: CacheLimits
    private let index: Mutex<CacheIndex>
    /// How many bytes of large blobs may be hashed by now.
    private let checkCredit = Mutex<Int64>(0)
    /// Whether every file that is there is in the index.
    let isReconciled = Atomic(false)
    private let onDeparture: @Sendable (Departure) -> Void

    /// - Parameter source: where blobs come from, and the rest of one that the disk does not return.
    package init(
        _ folder: CacheFolder, of source: any BlobSource, limits: CacheLimits, threads: BlockingPool,
        onDeparture: @escaping @Sendable (Departure) -> Void
    ) {
        self.folder = folder
        self.source = source
        self.limits = limits
        self.threads = threads
        self.onDeparture = onDeparture
        index = Mutex(CacheIndex())
    }

    // MARK: What is here

    package func entry(of address: BlobAddress) -> CacheEntry? { index.withLock { $0.entry(address) } }

    /// Blobs, and the bytes of all of them.
    package var holdings: (blobs: Int, bytes: Int64) { index.withLock { ($0.count, $0.bytes) } }

    /// The addresses of all blobs.
    package var addresses: [BlobAddress] {
        let copy = index.withLock { $0 }
        var addresses: [BlobAddress] = []
        copy.forEach { addresses.append($0.address) }
        return addresses
    }

    /// Largest blob that is kept.
    package var largestBytes: Int64 { limits.bytes / 4 }

    /// Notes a blob whose file is in place, verified.
    package func keep(_ entry: CacheEntry) {
        index.withLock { $0.insert(entry) }
    }

    /// Changes what is known of a blob, if it is here.
    package func change(_ address: BlobAddress, _ body: (inout CacheEntry) -> Void) {
        index.withLock { _ = $0.change(address, body) }
    }

    /// Some were read.
    package func noteReads(_ count: Int, of address: BlobAddress, at now: Timestamp) {
        index.withLock { _ = $0.noteRead(address, times: count, at: now) }
    }

    /// The blobs whose address begins with these 48 bits are to be asked about before their next use.
    package func mark(_ prefix: AddressPrefix, at now: Timestamp) {
        index.withLock { _ = $0.markAll(withPrefix: prefix.bits, at: now) }
    }

    /// Blobs that should not stay, among the next `limit`.
    package func due(at now: Timestamp, examining limit: Int) -> [BlobAddress] {
        index.withLock { $0.due(at: now, examining: limit) }
    }

    /// Removes a blob and its file.
    package func forget(_ address: BlobAddress, because departure: Departure) {
        guard index.withLock({ $0.remove(address) }) != nil else { return }
        onDeparture(departure)
        threads.submit { [folder] in
            folder.remove(address)
        } orElse: {
        }
    }

    // MARK: Restarts and checks

    func snapshot(_ feedPosition: String?) -> IndexSnapshot {
        index.withLock { IndexSnapshot(of: $0, bootID: folder.boot, feedPosition: feedPosition) }
    }

    func adopt(_ restored: CacheIndex) { index.withLock { $0 = restored } }

    func addressesByShard() -> [String: Set<BlobAddress>] {
        let copy = index.withLock { $0 }
        var addresses: [String: Set<BlobAddress>] = [:]
        copy.forEach { addresses[$0.address.shard, default: []].insert($0.address) }
        return addresses
    }

    /// The large blobs that are to be checked next, now that `bytes` more may be hashed.
    func nextLarge(upTo bytes: Int64) -> [CacheEntry] {
        checkCredit.withLock { credit in
            credit = credit.addingReportingOverflow(bytes).overflow ? .max : credit + bytes
            let (large, isThrough) = index.withLock { index in
                index.large(over: Self.verifiedBytes, upTo: credit, examining: Self.checkedEntries)
            }
            // What is not spent is saved for a blob that costs more than one round brings, but not for others to come.
            credit = isThrough ? 0 : credit - large.reduce(0) { $0 + $1.size }
            return large
        }
    }

    // MARK: Reading

    /// What opening a blob came to.
    package enum Opening: Sendable {
        case content(any BlobContent)
        /// Its bytes are not those of its address. It is gone from here.
        case rotten
        /// It cannot be read. It is gone from here too, unless it was for want of descriptors or memory.
        case unreadable
    }

    /// Opens a blob and, where it is small or has not been looked at since a restart, hashes it.
    package func open(_ entry: CacheEntry) async -> Opening {
        let address = entry.address
        let mustHash = entry.size <= Self.verifiedBytes || entry.isUnverified
        let opening = try? await threads.run { () throws(StoreError) -> Opening in
            do throws(BlobFileError) {
                let file = try self.folder.files.open(address, size: entry.size)
                if mustHash, try blobFile(self.hash(file, size: entry.size)) != address {
                    self.forget(address, because: .damaged)
                    return .rotten
                }
                let content = FileContent(file, workers: self.threads) { [weak self] error in
                    self?.noteUnreadable(address, error)
                }
                return .content(
                    CachedContent(content, of: address, size: entry.size, from: self.source))
            } catch {
                if case .file(let cause) = error {
                    self.noteUnreadable(address, cause)
                } else {
                    self.forget(address, because: .damaged)
                }
                return .unreadable
            }
        }
        guard let opening else { return .unreadable }
        if case .content = opening, entry.isUnverified { change(address) { $0.isUnverified = false } }
        return opening
    }

    private func noteUnreadable(_ address: BlobAddress, _ error: FileError) {
        folder.note(error)
        if !error.isShortage { forget(address, because: .damaged) }
    }

    private func hash(_ file: borrowing OpenFile, size: Int64) -> Result<BlobAddress, FileError> {
        Result { () throws(FileError) in
            var hasher = BlobHasher()
            var buffer = [UInt8](repeating: 0, count: Int(min(size, 1 << 20)))
            var offset: Int64 = 0
            while offset < size {
                let count = try file.read(into: &buffer, at: offset)
                if count == 0 { break }
                hasher.update(buffer, first: count)
                offset += Int64(count)
            }
            return hasher.address()
        }
    }

    // MARK: Room

    /// Lets blobs go until `bytes` more fit; false where they do not. Blocks its thread.
    package func makeRoom(for bytes: Int64, at now: Timestamp) -> Bool {
        while true {
            let isFull = !hasFree(bytes)
            let (victim, fits) = index.withLock { index -> (BlobAddress?, Bool) in
                guard isFull || index.bytes > max(0, limits.bytes - bytes) else { return (nil, true) }
                guard let victim = index.victim(at: now) else { return (nil, false) }
                _ = index.remove(victim)
                return (victim, false)
            }
            guard let victim else { return fits }
            onDeparture(.room)
            folder.remove(victim)
        }
    }

    /// Whether `bytes` more leave as much of the disk free as shall stay free. Blocks its thread.
    package func hasFree(_ bytes: Int64) -> Bool {
        folder.freeBytes.map { $0 - bytes >= limits.keepFreeBytes } ?? true
    }
}

private func blobFile<Value>(_ result: Result<Value, FileError>) throws(BlobFileError) -> Value {
    do { return try result.get() } catch { throw .file(error) }
}
