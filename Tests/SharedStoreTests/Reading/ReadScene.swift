import BlobFiles
import Blobs
import CacheFolder
import Files
import Logging
import MemoryObjects
import Objects
import SharedCatalog
import Store
import StoreRules
import StoreTestSupport
import Synchronization
import TestSupport

@testable import SharedStore

/// A node's cache in front of objects in memory, with a catalog that is a dictionary.
final class ReadScene: Sendable {
    static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    static let now = Timestamp(seconds: 1_800_000_000)
    static let sunset = Timestamp(seconds: 1_800_086_400)

    let objects = MemoryObjects()
    let suspects = SuspectBlobs()
    let threads = BlockingPool(threads: 4)
    let cache: ReadCache
    private let folder: TemporaryFolder
    private let rows: Rows

    /// What the catalog knows, and how often it was asked.
    private final class Rows: Sendable {
        let state = Mutex<(found: [BlobAddress: FoundBlob], looks: Int)>(([:], 0))
    }

    /// - Parameter folder: that of a scene before, as after a restart.
    init(in folder: TemporaryFolder? = nil, boot: String = "one", settings: SharedStoreSettings? = nil) throws {
        let folder = try folder ?? TemporaryFolder()
        self.folder = folder
        let rows = Rows()
        self.rows = rows
        var standard = SharedStoreSettings()
        standard.keepFreeBytes = 0
        cache = ReadCache(
            try CacheFolder(
                folder.path("cache"), of: .node, origin: "a store", name: nil, boot: boot, logger: Self.quiet),
            of: objects,
            row: { address throws(StoreError) in
                rows.state.withLock { state in
                    state.looks += 1
                    return state.found[address]
                }
            }, suspects: suspects, settings: settings ?? standard, threads: threads, now: { Self.now },
            logger: Self.quiet)
    }

    /// Ends it; what it leaves is in the folder.
    func close() async -> TemporaryFolder {
        await cache.close()
        await threads.shutDown()
        cache.releaseFolder()
        return folder
    }

    // MARK: What there is

    /// How often the catalog was asked.
    var looks: Int { rows.state.withLock { $0.looks } }

    /// Puts a blob there, as one object or as a list of pieces with these sizes; gives what the catalog says of it.
    @discardableResult
    func hold(_ bytes: [UInt8], pieces: [Int]? = nil) async throws -> FoundBlob {
        let address = BlobAddress(of: bytes)
        let row = BlobRow(
            address: address, size: Int64(bytes.count), state: .held, uploaded: Self.now, leases: 1,
            sunset: Self.sunset)
        let id = ObjectID.new(at: Self.now)
        guard let pieces else {
            try await objects.put(bytes, as: ObjectName(id), digest: address)
            return note(FoundBlob(row: row, object: BlobObject(id: id, isList: false), parts: []))
        }
        var (parts, start) = ([] as [ObjectRow], 0)
        for (number, size) in pieces.enumerated() {
            let piece = Array(bytes[start..<start + size])
            let part = ObjectRow(
                id: .new(at: Self.now), list: id, number: number, size: Int64(size), digest: BlobAddress(of: piece))
            try await objects.put(piece, as: ObjectName(part.id), digest: part.digest)
            parts.append(part)
            start += size
        }
        return note(FoundBlob(row: row, object: BlobObject(id: id, isList: true), parts: parts))
    }

    /// Lets the catalog say so.
    @discardableResult
    func note(_ found: FoundBlob) -> FoundBlob {
        rows.state.withLock { $0.found[found.row.address] = found }
        return found
    }

    // MARK: Reading

    /// The content that a finding of this blob has.
    func content(of found: FoundBlob, for intent: ReadIntent = .whole) async throws -> any BlobContent {
        guard let layout = BlobLayout(found) else { throw Unexpected(what: "rows that make a blob") }
        return try await cache.content(of: found, layout, until: Self.sunset, for: intent)
    }

    /// All bytes, as a reader of the whole gets them.
    func read(_ found: FoundBlob) async throws -> [UInt8] {
        try await content(of: found).forOneReader().read(0..<found.row.size, for: .whole)
    }

    /// The names of the objects that have the bytes of a blob.
    func names(of found: FoundBlob) -> [ObjectName] {
        (BlobLayout(found)?.pieces ?? []).map { ObjectName($0.id) }
    }
}

extension BlobContent {
    /// All bytes of a range, piece by piece as a response takes them.
    func read(_ range: Range<Int64>, for intent: ReadIntent) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let rest = ByteRange(
            offset: range.lowerBound + Int64(bytes.count), count: Int64(range.count) - Int64(bytes.count),
            within: range.upperBound)
        {
            let more = try await read(rest, atMost: 64 << 10, for: intent)
            guard !more.isEmpty, Int64(more.count) <= rest.count else {
                throw Unexpected(what: "as many bytes as were asked for, or fewer")
            }
            bytes += more
        }
        return bytes
    }

    /// What of so many bytes can be had without waiting.
    func resident(at offset: Int64, count: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        var bytes = buffer.mutableSpan
        // Safe: every pattern of bits is a byte.
        var span = unsafe bytes.mutableBytes
        let filled = readResident(at: offset, into: &span)
        return Array(buffer.prefix(filled))
    }
}

/// Bytes that are different for each seed, without a run of zeros, which is what a hole in a file has.
func sample(_ seed: Int, count: Int) -> [UInt8] {
    makeBytes(count) { UInt8(truncatingIfNeeded: $0 &* 131 &+ $0 / 251 &+ seed &* 7 | 1) }
}
