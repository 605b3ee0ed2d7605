import Blobs
import Files
import TestSupport
import Testing

@testable import Sealing

@Suite
struct RangeTests {
    static let sample = Result { try Sample(patternBytes(6 * 65_536 + 100), padding: .eighths) }

    @Test func `has the same bytes as the whole, at every offset around a chunk's edge`() throws {
        let sample = try Self.sample.get()
        let opened = try RangeOpener(sample)
        let size = sample.plaintext.count
        let edges = [0, 1, 2, 3, 4, 5, 6].map { $0 * 65_536 } + [size]
        for start in edges.flatMap({ edge in (-9...9).map { edge + $0 } }) where start >= 0 {
            for count in [1, 2, 8, 9, 17, 65_535, 65_536, 65_537, 200_000] where start + count <= size {
                let part = try opened.bytes(start, count)
                #expect(part.elementsEqual(sample.plaintext[start..<start + count]), "\(start), \(count)")
            }
        }
    }

    @Test func `has the same bytes as the whole, wherever it lies`() throws {
        let sample = try Self.sample.get()
        let opened = try RangeOpener(sample)
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<(soaks ? 20_000 : 300) {
            let start = Int.random(in: 0..<sample.plaintext.count, using: &generator)
            let count = Int.random(in: 1...sample.plaintext.count - start, using: &generator)
            #expect(try opened.bytes(start, count).elementsEqual(sample.plaintext[start..<start + count]))
        }
    }

    @Test func `asks for no other sealed bytes than its chunks'`() throws {
        let sample = try Self.sample.get()
        let reader = try SealedReader(
            header: Array(sample.blob[..<64]), sealedBytes: Int64(sample.blob.count),
            plaintextSize: Int64(sample.plaintext.count), key: try mediaKey(sample.key),
            read: { range in
                Issue.record("asked for \(range) before any chunk")
                return []
            })
        var asked: [ByteRange] = []
        try reader.open(
            try #require(ByteRange(offset: 65_535, count: 2, within: reader.plaintextSize)),
            read: { range in
                asked.append(range)
                return Array(sample.blob[Int(range.offset)..<Int(range.end)])
            }, deliver: { #expect($0.count == 2) })
        #expect(asked.map(\.offset) == [64] && asked.map(\.count) == [2 * 65_552])
    }

    @Test func `of a damaged blob opens where it is whole, and hands out nothing of a damaged chunk`() throws {
        let sample = try Self.sample.get().with { $0[64 + 2 * 65_552 + 5] ^= 1 }
        let opened = try RangeOpener(sample)
        #expect(try opened.bytes(0, 131_072).elementsEqual(sample.plaintext[..<131_072]))
        #expect(throws: SealingError.chunk(2)) { try opened.bytes(131_071, 2) }
        #expect(try opened.bytes(196_608, 10).elementsEqual(sample.plaintext[196_608..<196_618]))
    }

    @Test func `is refused when the size that the message gives is not the one sealed`() throws {
        let sample = try Self.sample.get()
        let opened = try RangeOpener(sample, plaintextSize: Int64(sample.plaintext.count) - 1)
        #expect(throws: SealingError.trailer) { try opened.bytes(6 * 65_536, 10) }
        #expect(throws: SealingError.trailer) { try RangeOpener(sample, plaintextSize: 1 << 40).bytes(0, 1) }
    }
}

/// Opens ranges of a sample from a file.
private struct RangeOpener {
    let folder = try? TemporaryFolder()
    let sample: Sample
    let plaintextSize: Int64

    init(_ sample: Sample, plaintextSize: Int64? = nil) throws {
        self.sample = sample
        self.plaintextSize = plaintextSize ?? Int64(sample.plaintext.count)
        try write(sample.blob, toFile: try #require(folder).path("blob"))
    }

    func bytes(_ start: Int, _ count: Int) throws -> [UInt8] {
        let file = try OpenFile(try #require(folder).path("blob"), .read)
        let range = try #require(ByteRange(offset: Int64(start), count: Int64(count), within: plaintextSize))
        var result: [UInt8] = []
        try openRange(range, of: file, plaintextSize: plaintextSize, key: try mediaKey(sample.key)) { result += $0 }
        return result
    }
}

@Suite
struct VerifiedPrefixTests {
    @Test(
        arguments: [
            (0, 0), (63, 0), (64, 64), (65, 64), (65615, 64), (65616, 65616), (65617, 65616),
            (131168, 131168), (426_159, 393_376), (426_160, 426_160),
        ] as [(Int, Int64)])
    func `is the header and the whole chunks behind it`(_ size: Int, _ expected: Int64) throws {
        let sample = try RangeTests.sample.get()
        #expect(try verified(sample.with { $0.removeSubrange(min(size, $0.count)...) }, of: sample) == expected)
    }

    @Test func `is all of it when nothing is missing, even if something follows`() throws {
        let sample = try RangeTests.sample.get()
        #expect(try verified(sample, of: sample) == Int64(sample.blob.count))
        #expect(try verified(sample.with { $0 += zeros(99_999) }, of: sample) == Int64(sample.blob.count))
    }

    @Test func `ends before the first chunk that is not what was sealed`() throws {
        let sample = try RangeTests.sample.get()
        #expect(try verified(sample.with { $0[64] ^= 1 }, of: sample) == 64)
        #expect(try verified(sample.with { $0[64 + 3 * 65_552] ^= 1 }, of: sample) == 64 + 3 * 65_552)
        #expect(try verified(sample.with { $0[$0.count - 1] ^= 1 }, of: sample) == 64 + 6 * 65_552)
    }

    @Test func `is nothing under another header or key`() throws {
        let sample = try RangeTests.sample.get()
        #expect(try verified(sample.with { $0[0] ^= 1 }, of: sample) == 0)
        #expect(try verified(sample.with { $0[40] ^= 1 }, of: sample) == 0)
        var other = sample
        other.key[0] ^= 1
        #expect(try verified(other, of: sample) == 0)
    }

    @Test(
        arguments: [
            ([], nil), ([64], 64..<65_616), ([65_615], 64..<65_616), ([65_616], 65_616..<131_168),
            ([64 + 65_552, 64 + 3 * 65_552], 65_616..<262_272), ([426_159], 393_376..<426_160),
            ([0], 0..<64), ([40], 0..<64), ([0, 300_000], 0..<64),
        ] as [([Int], Range<Int64>?)])
    func `what does not verify reaches from the first wrong chunk to the last, or is the header`(
        places: [Int], expected: Range<Int64>?
    ) throws {
        let sample = try RangeTests.sample.get()
        let wrong = sample.with { blob in for place in places { blob[place] ^= 1 } }
        let folder = try TemporaryFolder()
        try write(wrong.blob, toFile: folder.path("blob"))
        let range = try unverifiedRange(
            of: OpenFile(folder.path("blob"), .read), key: try mediaKey(sample.key))
        #expect(range.map { $0.offset..<$0.end } == expected)
    }

    @Test func `is no question for a size that no blob has`() throws {
        let sample = try RangeTests.sample.get()
        #expect(throws: SealingError.length(87)) { try verified(sample, sealedSize: 87) }
    }

    private func verified(_ partial: Sample, of whole: Sample) throws -> Int64 {
        try verified(partial, sealedSize: Int64(whole.blob.count))
    }

    private func verified(_ partial: Sample, sealedSize: Int64) throws -> Int64 {
        let folder = try TemporaryFolder()
        try write(partial.blob, toFile: folder.path("partial"))
        let file = try OpenFile(folder.path("partial"), .read)
        return try verifiedPrefix(of: file, sealedSize: sealedSize, key: try mediaKey(partial.key))
    }
}
