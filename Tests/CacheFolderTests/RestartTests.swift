import BlobFiles
import Blobs
import Files
import Glibc
import Logging
import Store
import TestSupport
import Testing

@testable import CacheFolder

/// What a cache makes of its folder after a restart, of the process or of the machine.
@Suite struct RestartTests {
    private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// A cache at `path`, in the so-called boot of the machine, with what is there.
    static func cache(
        at path: String, boot: String, bytes: Int64 = 1 << 30
    ) throws -> DiskCache {
        let folder = try CacheFolder(path, origin: "https://origin.example", name: "one", boot: boot, logger: quiet)
        let cache = DiskCache(
            folder, of: NoSource(), limits: .init(bytes: bytes, keepFreeBytes: 0), threads: BlockingPool(threads: 2)
        ) { _ in }
        _ = cache.restore()
        return cache
    }

    /// Puts a blob into a cache: blocks in any order, as readers of ranges have them come; false where the disk fails.
    /// Blocks its thread.
    static func store(
        _ bytes: [UInt8], as address: BlobAddress, in cache: DiskCache, using random: inout some RandomNumberGenerator
    ) -> Bool {
        guard cache.makeRoom(for: Int64(bytes.count), at: time(0)) else { return false }
        let part = cache.folder.part(of: address)
        let block = Int(BlockMap.blockBytes)
        for start in stride(from: 0, to: bytes.count, by: block).shuffled(using: &random) {
            let piece = Array(bytes[start..<min(start + block, bytes.count)])
            // Safe: a span of bytes has no padding.
            guard (try? unsafe part.write(piece.span.bytes, at: Int64(start))) != nil else { return false }
        }
        guard part.place(as: address, sunset: time(86_400)) else { return false }
        cache.keep(CacheEntry(address: address, size: Int64(bytes.count), sunset: time(86_400), arrived: time(0)))
        return true
    }

    /// A blob's bytes as they are served: nil where the cache does not have it, or finds that it is not right.
    static func served(_ address: BlobAddress, from cache: DiskCache) async throws -> [UInt8]? {
        guard let entry = cache.entry(of: address), case .content(let content) = await cache.open(entry),
            let all = ByteRange(offset: 0, count: entry.size, within: entry.size)
        else { return nil }
        return try await content.read(all)
    }

    static func address(of bytes: [UInt8]) -> BlobAddress {
        var hasher = BlobHasher()
        hasher.update(bytes)
        return hasher.address()
    }

    /// Bytes without a zero, which is what a block has that was never written.
    static func sample(_ seed: UInt8, count: Int) -> [UInt8] { [UInt8](repeating: seed + 1, count: count) }

    /// The machine was restarted between the snapshot and now, or only the process.
    @Test(arguments: [4096, 3 << 20], [true, false])
    func `after a restart of the machine what is here is hashed before it is served`(
        size: Int, isMachine: Bool
    ) async throws {
        let temporary = try TemporaryFolder()
        var random = SystemRandomNumberGenerator()
        let (good, spoilt) = (Self.sample(1, count: size), Self.sample(2, count: size))
        var addresses: [BlobAddress] = []
        do {
            let cache = try Self.cache(at: temporary.path("cache"), boot: "one")
            addresses = [good, spoilt].map { Self.address(of: $0) }
            for (bytes, address) in zip([good, spoilt], addresses) {
                #expect(Self.store(bytes, as: address, in: cache, using: &random))
            }
            await cache.save(feedPosition: nil)
            await cache.threads.shutDown()
        }
        // A block that was not written before the power went.
        let path = temporary.path("cache/blobs.v1/\(addresses[1].hex.prefix(2))/\(addresses[1].hex)")
        try write([UInt8](repeating: 0, count: 100), over: path)
        let cache = try Self.cache(at: temporary.path("cache"), boot: isMachine ? "two" : "one")
        await cache.reconcile { time(0) }
        #expect(try await Self.served(addresses[0], from: cache) == good)
        let isServed = try await Self.served(addresses[1], from: cache) != nil
        #expect(isServed == (!isMachine && size > DiskCache.verifiedBytes), "large ones are checked in turn")
        await cache.threads.shutDown()
    }

    private func write(_ bytes: [UInt8], over path: String) throws {
        #expect(unsafe chmod(path, 0o600) == 0)
        try OpenFile(path, .update).write(bytes, at: 0)
    }

    @Test func `a folder whose label was about to be written is a cache all the same`() async throws {
        let temporary = try TemporaryFolder()
        try Folder.make(temporary.path("cache"))
        try TestSupport.write([], toFile: temporary.path("cache/EDGE.new"))
        let cache = try Self.cache(at: temporary.path("cache"), boot: "one")
        #expect(try Folder.status(temporary.path("cache/EDGE.new")) == nil)
        await cache.threads.shutDown()
    }
}

/// An origin that is away.
private struct NoSource: BlobSource {
    func bytes(
        of address: BlobAddress, from start: Int64, to end: Int64, size: Int64
    ) async throws(SourceError) -> any ByteStream { throw .broken("it is away") }
}

/// The power goes under a cache at work.
@Suite(.serialized, .enabled(if: LoopDisk.isPossible, Comment(rawValue: LoopDisk.missing)))
struct CachePowerCutTests {
    private static var rounds: Int { unsafe getenv("SATCHEL_SOAK") != nil ? 100 : 5 }

    @Test(arguments: ["ext4", "xfs"], 0..<rounds)
    func `a cache starts after the power went, and has no wrong byte`(kind: String, round: Int) async throws {
        let disk = try LoopDisk(kind)
        defer { withExtendedLifetime(disk) {} }
        let moment = Int.random(in: 0...1000)
        let cut = disk.cutPower(afterFirst: moment)
        await #expect(processExitsWith: .success) { [disk = disk.path as String, ledger = disk.ledger as String] in
            try await CachePowerCutTests.work(on: disk, ledger: ledger)
        }
        _ = try await cut.told
        try disk.mountAgain()
        let cache = try RestartTests.cache(at: "\(disk.path)/cache", boot: "two")
        await cache.reconcile { time(0) }
        for address in cache.addresses {
            guard let bytes = try await RestartTests.served(address, from: cache) else { continue }
            #expect(RestartTests.address(of: bytes) == address, "cut \(moment) ms after the first")
        }
        await cache.threads.shutDown()
    }

    /// Fetches blobs over and over again into a cache that has room for a few, and saves its index, until the disk fails.
    static func work(on disk: String, ledger: String) async throws {
        let cache = try RestartTests.cache(at: "\(disk)/cache", boot: "one", bytes: 24 << 20)
        var random = SystemRandomNumberGenerator()
        let samples = (0..<24 as Range<UInt8>).map { seed in
            let bytes = RestartTests.sample(seed, count: seed % 3 == 0 ? 3 << 20 : 40_000)
            return (bytes: bytes, address: RestartTests.address(of: bytes))
        }
        for count in 1... {
            guard let sample = samples.randomElement(using: &random) else { break }
            if cache.entry(of: sample.address) == nil,
                !RestartTests.store(sample.bytes, as: sample.address, in: cache, using: &random)
            {
                break
            }
            if count % 8 == 0 { await cache.save(feedPosition: nil) }
            if count == 16 { try TestSupport.write([1], toFile: ledger) }
        }
        exit(0)
    }
}
