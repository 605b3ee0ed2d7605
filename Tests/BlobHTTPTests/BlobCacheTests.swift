import Blobs
import NIOCore
import Store
import Testing

@testable import BlobHTTP

@Suite struct BlobCacheTests {
    private let generations = GenerationTable()
    private let now = Timestamp(seconds: 1000)

    /// Bytes that nobody reads here.
    private final class NoContent: BlobContent {
        func read(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> [UInt8] {
            throw .io("not read here")
        }
        func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int { 0 }
        func fetch(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async -> Int { 0 }
        func openDescriptor() -> Int32? { nil }
    }

    private func address(_ number: Int) -> BlobAddress {
        TestServer.address(of: Array("\(number)".utf8))
    }

    private func blob(_ number: Int, bytes: Int = 0, sunset: Int64 = 2000, isInMemory: Bool = true) -> CachedBlob {
        let held = HeldBlob(
            address: address(number), size: Int64(bytes), sunset: Timestamp(seconds: sunset), content: NoContent())
        return CachedBlob(
            held, body: isInMemory ? ByteBuffer(repeating: 0, count: bytes) : nil,
            validity: generations.token(for: held.address), cacheSeconds: 300, dates: DateText())
    }

    private func insert(_ blob: CachedBlob, into cache: BlobCache<BlobAddress>) {
        cache.insert(blob, for: blob.metadata.address)
    }

    @Test func `whatever is asked for, a cache stays within its number of blobs, and what is asked for often stays`() {
        let cache = BlobCache<BlobAddress>(limits: .init(blobs: 100, bodyBytes: 1 << 20))
        for number in 0..<1000 {
            insert(blob(number), into: cache)
            #expect(cache.count <= 101)
            #expect(cache.blob(address(0), now: now) != nil)
        }
        #expect(cache.blob(address(999), now: now) != nil)
        #expect(cache.blob(address(1), now: now) == nil)
    }

    @Test func `no more files are open than there may be, however many blobs there may be`() {
        let cache = BlobCache<BlobAddress>(limits: .init(files: 20, blobs: 1000, bodyBytes: 1 << 20))
        for number in 0..<200 {
            insert(blob(number, isInMemory: false), into: cache)
            insert(blob(1000 + number), into: cache)
            #expect(cache.fileCount <= 21)
        }
        #expect(cache.fileCount > 0 && cache.count > cache.fileCount)
    }

    @Test func `bodies in memory stay within their bytes`() {
        let cache = BlobCache<BlobAddress>(limits: .init(blobs: 1000, bodyBytes: 100_000))
        for number in 0..<200 { insert(blob(number, bytes: 10_000), into: cache) }
        // Each body is there twice, once behind its head.
        #expect(cache.count <= 6)
    }

    @Test func `a blob is given no more once its lease is over or something changed about it, and goes`() {
        let cache = BlobCache<BlobAddress>(limits: .init(blobs: 100, bodyBytes: 1 << 20))
        insert(blob(1, sunset: 1001), into: cache)
        insert(blob(2), into: cache)
        #expect(cache.blob(address(1), now: now) != nil)
        #expect(cache.blob(address(1), now: Timestamp(seconds: 1001)) == nil)
        generations.advance(address(2))
        #expect(cache.blob(address(2), now: now) == nil)
        #expect(cache.isEmpty)
    }

    @Test func `what has ended is let go of without being asked for`() {
        let cache = BlobCache<BlobAddress>(limits: .init(blobs: 4, bodyBytes: 1 << 20))
        for number in 0..<5 { insert(blob(number), into: cache) }
        for number in 0..<4 { generations.advance(address(number)) }
        cache.dropEnded(at: now)
        #expect(cache.count == 1)
        #expect(cache.blob(address(4), now: now) != nil)
    }
}

@Suite struct PageCacheProbeTests {
    private static let size: Int64 = 3 << 20

    private func range(_ offset: Int64, _ count: Int64) throws -> ByteRange {
        try #require(ByteRange(offset: offset, count: count, within: Self.size))
    }

    @Test func `a part that is all there is looked at once for ten seconds, however many ranges of it are asked for`()
        throws
    {
        var probe = PageCacheProbe()
        var looks = 0
        let start = NIODeadline.uptimeNanoseconds(0)
        for offset in stride(from: Int64(0), to: 1 << 20, by: 4096) {
            #expect(
                probe.isResident(try range(offset, 4096), of: Self.size, now: start) { _ in
                    looks += 1; return true
                })
        }
        #expect(looks == 17)
        _ = probe.isResident(try range(0, 1), of: Self.size, now: start + .seconds(10)) { _ in
            looks += 1; return true
        }
        #expect(looks == 34)
    }

    @Test func `where a part is not all there, the range alone decides, and is looked at every time`() throws {
        var probe = PageCacheProbe()
        let isThere: (Int64) -> Bool = { $0 < 512 << 10 }
        let now = NIODeadline.uptimeNanoseconds(0)
        for _ in 0..<2 {
            #expect(probe.isResident(try range(0, 100_000), of: Self.size, now: now, hasByte: isThere))
            #expect(!probe.isResident(try range(500_000, 100_000), of: Self.size, now: now, hasByte: isThere))
            #expect(!probe.isResident(try range(1 << 20, 1), of: Self.size, now: now, hasByte: isThere))
        }
    }

    @Test func `a range over two parts waits for either, and one that is no larger than a part is not cut`() throws {
        let across = try range((1 << 20) - 50_000, 100_000)
        let now = NIODeadline.uptimeNanoseconds(0)
        for missing in [Int64(0), 1 << 20] {
            var probe = PageCacheProbe()
            let isThere: (Int64) -> Bool = { !(missing..<missing + 1 << 20).contains($0) }
            for _ in 0..<2 {
                let isResident = probe.isResident(across, of: Self.size, now: now, hasByte: isThere)
                #expect(!isResident)
            }
        }
        var probe = PageCacheProbe()
        let isResident = probe.isResident(across, of: Self.size, now: now) { _ in true }
        let areBoth = probe.isResident(try range(0, 2 << 20), of: Self.size, now: now) { _ in false }
        #expect(isResident && areBoth)
        let piece = PageCacheProbe.firstPiece(of: across, size: Self.size)
        #expect(piece.offset == across.offset && piece.count == across.count)
    }

    @Test func `a range that is larger than a part is cut where one ends`() throws {
        let piece = PageCacheProbe.firstPiece(of: try range(1_000_000, 2_000_000), size: Self.size)
        #expect(piece.offset == 1_000_000 && piece.end == 1 << 20)
        let last = PageCacheProbe.firstPiece(of: try range((3 << 20) - 1, 1), size: Self.size)
        #expect(last.end == Self.size)
    }
}
