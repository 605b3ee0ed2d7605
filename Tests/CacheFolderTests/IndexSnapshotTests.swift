import Blobs
import CacheFolder
import Files
import TestSupport
import Testing

@Suite struct IndexSnapshotTests {
    private let folder: TemporaryFolder

    init() throws { folder = try .inMemory() }

    /// Bytes of the header that `sample` writes.
    private static let headerLength = 8 + 1 + 1 + 4 + 1 + 6 + 8

    /// A snapshot of some entries, three of them marked.
    private func sample(_ count: UInt64) -> (index: CacheIndex, bytes: [UInt8]) {
        var random = SeededGenerator(seed: 9)
        var index = CacheIndex(seed: 1)
        for number in 0..<count {
            var entry = random.entry(address(random.next() >> 16, random.next()))
            entry.marked = number < 3 ? time(7) : nil
            index.insert(entry)
        }
        return (index, Array(IndexSnapshot(of: index, bootID: "boot", feedPosition: "9f3c-1").joined()))
    }

    private func read(_ bytes: [UInt8]) throws -> RestoredIndex {
        try write(bytes, toFile: folder.path("index"))
        return try IndexSnapshot.read(try OpenFile(folder.path("index"), .read))
    }

    /// Why these bytes are refused.
    private func refusal(_ bytes: [UInt8]) throws -> IndexSnapshotError.Reason? {
        do {
            _ = try read(bytes)
            return nil
        } catch let error as IndexSnapshotError {
            #expect(error.description.hasPrefix("read \(folder.path("index")): "))
            return error.reason
        }
    }

    /// The bytes after a change, with the digest that belongs to them.
    private func forged(_ bytes: [UInt8], _ change: (inout [UInt8]) -> Void) -> [UInt8] {
        var body = Array(bytes.dropLast(BlobAddress.byteCount))
        change(&body)
        var hasher = BlobHasher()
        hasher.update(body)
        return body + hasher.address().bytes
    }

    // MARK: Whole

    @Test(arguments: [0, 1, 5, 1023, 1024, 1025, 5000] as [UInt64])
    func `what was written is read`(count: UInt64) throws {
        let (index, bytes) = sample(count)
        #expect(bytes.count == IndexSnapshot(of: index, bootID: "boot", feedPosition: "9f3c-1").byteCount)
        var restored = try read(bytes)
        #expect(restored.bootID == "boot")
        #expect(restored.feedPosition == "9f3c-1")
        #expect(restored.index.all == index.all)
        #expect(restored.index.bytes == index.bytes)
        #expect(restored.index.markedCount == min(3, Int(count)))
        for address in index.all.keys { #expect(restored.index.remove(address) != nil) }
        #expect(restored.index.count == 0)
    }

    @Test func `a snapshot is of one moment, and comes in pieces`() throws {
        var (index, _) = sample(5000)
        let before = index.all
        let snapshot = IndexSnapshot(of: index, bootID: "boot", feedPosition: nil)
        for address in before.keys { index.noteRead(address, at: time(2_000_000)) }
        index.insert(entry(address(1)))
        #expect(snapshot.allSatisfy { $0.count <= 65_536 })
        let restored = try read(Array(snapshot.joined()))
        #expect(restored.index.all == before)
        #expect(restored.feedPosition == nil)
    }

    @Test func `texts that are too long are left out`() throws {
        let long = String(repeating: "é", count: 128)
        let snapshot = IndexSnapshot(of: CacheIndex(seed: 1), bootID: long, feedPosition: long)
        let restored = try read(Array(snapshot.joined()))
        #expect(restored.bootID == "")
        #expect(restored.feedPosition == nil)
        let longest = String(repeating: "x", count: 255)
        let other = IndexSnapshot(of: CacheIndex(seed: 1), bootID: longest, feedPosition: longest)
        #expect(try read(Array(other.joined())).feedPosition == longest)
    }

    @Test func `the bytes are those of the format`() throws {
        var index = CacheIndex(seed: 1)
        var entry = CacheEntry(
            address: address(0x0102_0304_0506), size: 0x0708, sunset: Timestamp(seconds: 0x1112_1314),
            arrived: Timestamp(seconds: 0x2122_2324), reads: 0x31, isUnverified: true)
        entry.checked = Timestamp(seconds: 0x4142_4344)
        entry.lastRead = Timestamp(seconds: 0x5152_5354)
        entry.marked = Timestamp(seconds: 0x6162_6364)
        index.insert(entry)
        let bytes = Array(IndexSnapshot(of: index, bootID: "b", feedPosition: "f").joined())
        let body =
            "7361746368696478" + "01" + "0162" + "0166" + "0000000000000001" + "010203040506"
            + String(repeating: "00", count: 26) + "0000000000000708" + "11121314" + "41424344" + "21222324"
            + "51525354" + "0031" + "0003" + "61626364"
        #expect(Hexadecimal.encode(bytes.dropLast(32)) == body)
    }

    // MARK: Damaged

    @Test func `no changed bit is believed`() throws {
        let bytes = sample(5).bytes
        for position in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[position] ^= 1 << bit
                #expect(try refusal(damaged) != nil, "bit \(bit) of byte \(position)")
            }
        }
    }

    @Test func `no part is believed, nor the whole with something behind it`() throws {
        let bytes = sample(5).bytes
        for length in bytes.indices { #expect(try refusal(Array(bytes[..<length])) != nil, "\(length) bytes") }
        for excess in 1...130 {
            #expect(try refusal(bytes + [UInt8](repeating: 0, count: excess)) != nil, "\(excess) bytes too many")
        }
        #expect(try refusal([]) == .foreign)
        #expect(try refusal(Array("satchidx".utf8)) == .header)
        #expect(try refusal(bytes + bytes) == .length(bytes: Int64(2 * bytes.count), entries: 5))
        #expect(try refusal(sample(0).bytes.dropLast()) == .length(bytes: Int64(Self.headerLength + 31), entries: 0))
    }

    /// A change of a snapshot of five entries, the first three marked, and why the result is refused.
    struct Forgery: CustomTestStringConvertible {
        let testDescription: String
        let reason: IndexSnapshotError.Reason
        let change: @Sendable (inout [UInt8]) -> Void

        init(
            _ what: String, _ reason: IndexSnapshotError.Reason, _ change: @escaping @Sendable (inout [UInt8]) -> Void
        ) {
            testDescription = what
            self.reason = reason
            self.change = change
        }
    }

    private static let size = headerLength + 5 * 64 + 32
    private static func start(_ entry: Int) -> Int { headerLength + 64 * entry }

    @Test(arguments: [
        Forgery("another magic", .foreign) { $0[0] = 0 },
        Forgery("a later version", .version(2)) { $0[8] = 2 },
        Forgery("version 0", .version(0)) { $0[8] = 0 },
        Forgery("a boot id that is longer than the file", .header) { bytes in
            bytes = bytes[..<20] + [0]
            bytes[9] = 255
        },
        Forgery("a boot id that is not UTF-8", .header) { $0[10] = 0xff },
        Forgery("a position that is not UTF-8", .header) { $0[15] = 0xff },
        Forgery("one entry more than there is", .length(bytes: Int64(size), entries: 6)) { $0[headerLength - 1] = 6 },
        Forgery("one entry less", .length(bytes: Int64(size), entries: 4)) { $0[headerLength - 1] = 4 },
        Forgery("more entries than there are bytes in the world", .length(bytes: Int64(size), entries: .max)) {
            $0.replaceSubrange(headerLength - 8..<headerLength, with: [UInt8](repeating: 255, count: 8))
        },
        Forgery("a negative size", .entry(4)) { $0[start(4) + 32] = 0x80 },
        Forgery("a flag that is not known", .entry(2)) { $0[start(2) + 59] |= 4 },
        Forgery("the time of a mark without a mark", .entry(3)) { $0[start(3) + 63] = 1 },
        Forgery("a marked entry behind others", .entry(4)) { $0[start(4) + 59] |= 1 },
        Forgery("sizes without a sum", .sum) { bytes in
            for entry in 0..<2 {
                bytes.replaceSubrange(
                    start(entry) + 32..<start(entry) + 40, with: [0x7f] + [UInt8](repeating: 255, count: 7))
            }
        },
    ])
    func `a snapshot that nobody writes is refused, even with the right digest`(forgery: Forgery) throws {
        #expect(try refusal(forged(sample(5).bytes, forgery.change)) == forgery.reason)
    }

    @Test func `two entries of one address are refused`() throws {
        let (index, bytes) = sample(2000)
        let doubled = forged(bytes) { body in
            body.replaceSubrange(
                Self.start(1999)..<Self.start(1999) + 32, with: body[Self.start(3)..<Self.start(3) + 32])
        }
        guard case .doubled(let address) = try refusal(doubled) else {
            Issue.record("it was not refused as doubled")
            return
        }
        #expect(index.entry(address) != nil)
    }

    @Test func `what cannot be read is said to be unreadable`() throws {
        let file = try OpenFile(folder.path("closed"), .create(permissions: 0o600))
        let unreadable = try OpenFile(folder.path("closed"), .write)
        _ = file
        #expect { _ = try IndexSnapshot.read(unreadable) } throws: { error in
            if case .unreadable? = (error as? IndexSnapshotError)?.reason { true } else { false }
        }
    }
}
