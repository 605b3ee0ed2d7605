import Blobs
import Files
import TestSupport
import Testing

@testable import Sealing

@Suite
struct IndexTests {
    static let sample = Result {
        try Sample(patternBytes(6 * 65_536 + 100), padding: .eighths, isIndexed: true)
    }

    // MARK: Ranges

    @Test func `proves ranges that have the same bytes as the whole, at every offset around a chunk's edge`() throws {
        let sample = try Self.sample.get()
        let size = sample.plaintext.count
        let edges = [0, 65_536, 131_072, 6 * 65_536, size]
        for start in edges.flatMap({ edge in [-9, -1, 0, 1, 9].map { edge + $0 } }) where start >= 0 {
            for count in [1, 9, 65_536, 65_537, 200_000] where start + count <= size {
                let part = try sample.openedRange(start..<start + count).get()
                #expect(part.elementsEqual(sample.plaintext[start..<start + count]), "\(start), \(count)")
            }
        }
    }

    @Test func `proves ranges wherever they lie, and refuses each that meets a forged chunk`() throws {
        let sample = try Self.sample.get()
        // The tag is right: whoever has the key can make it so.
        let forged = try sample.with { blob in
            let other = try Sample(zeros(sample.plaintext.count), padding: .eighths, isIndexed: true)
            blob.replaceSubrange(sample.chunk(2), with: other.blob[sample.chunk(2)])
        }
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<(soaks ? 5_000 : 100) {
            let start = Int.random(in: 0..<sample.plaintext.count, using: &generator)
            let range = start..<start + Int.random(in: 1...sample.plaintext.count - start, using: &generator)
            #expect(try sample.openedRange(range).get().elementsEqual(sample.plaintext[range]))
            let meetsForgery = range.overlaps(131_072..<196_608)
            let outcome = try forged.openedRange(range)
            #expect(outcome == (meetsForgery ? .failure(.leaf(2)) : .success(Array(sample.plaintext[range]))))
        }
        var unproven = forged
        unproven.root = nil
        unproven.plaintext = []
        #expect(
            try unproven.openedRange(0..<200_000, plaintextSize: 393_316).get().count == 200_000,
            "without a root the tags alone count")
        #expect(try unproven.opened(plaintextSize: 393_316) == .failure(.leaf(2)), "and the whole is still refused")
    }

    @Test func `is asked for before any chunk, and then no other sealed bytes than the range's chunks`() throws {
        let sample = try Self.sample.get()
        var asked: [Range<Int64>] = []
        let read = { (range: ByteRange) throws(SealingError) -> [UInt8] in
            asked.append(range.offset..<range.end)
            return Array(sample.blob[Int(range.offset)..<Int(range.end)])
        }
        let reader = try SealedReader(
            header: Array(sample.blob[..<64]), sealedBytes: Int64(sample.blob.count),
            plaintextSize: Int64(sample.plaintext.count), key: try mediaKey(sample.key), root: sample.root, read: read)
        let range = try #require(ByteRange(offset: 65_535, count: 2, within: reader.plaintextSize))
        try reader.open(range, read: read, deliver: { #expect($0.count == 2) })
        #expect(asked == [Int64(sample.indexStart)..<Int64(sample.blob.count), 64..<64 + 2 * 65_552])
    }

    @Test func `is asked for in pieces where it is long, and only as far as it comes`() throws {
        let sample = try Self.sample.get()
        let geometry = try #require(SealedGeometry(paddedBytes: 40_000 * 65_536))
        var asked: [ByteRange] = []
        let key = try mediaKey(sample.key)
        let header = Array(sample.blob[..<64])
        #expect(throws: SealingError.index) {
            _ = try SealedReader(
                header: header, sealedBytes: geometry.sealedBytes, plaintextSize: 1, key: key, root: sample.root,
                read: { range in
                    asked.append(range)
                    return zeros(Int(range.count))
                })
        }
        #expect(asked.map(\.count) == [1 << 20, 40_000 * 32 - 1 << 20])
        #expect(asked.first?.offset == geometry.index?.offset && asked.last?.end == geometry.sealedBytes)
    }

    @Test(arguments: [(1 << 19, 1 << 20), ((1 << 19) + 1, nil)] as [(Int64, Int?)])
    func `is not asked for where it would fill the memory`(chunks: Int64, firstPiece: Int?) throws {
        let sample = try Self.sample.get()
        let geometry = try #require(SealedGeometry(paddedBytes: chunks * 65_536))
        var asked: [Int] = []
        let key = try mediaKey(sample.key)
        let header = Array(sample.blob[..<64])
        let error = firstPiece == nil ? SealingError.indexTooLong(chunks * 32) : .length(0)
        #expect(throws: error) {
            _ = try SealedReader(
                header: header, sealedBytes: geometry.sealedBytes, plaintextSize: 1, key: key, root: sample.root,
                read: { range throws(SealingError) in
                    asked.append(Int(range.count))
                    throw .length(0)
                })
        }
        #expect(asked == (firstPiece.map { [$0] } ?? []))
    }

    // MARK: The order of errors

    /// A blob of two chunks that is wrong in every way, made right one by one from the first in the order.
    private struct Patient {
        var sample: Sample
        var plaintextSize: Int64 = 66_000
        let right: Sample

        init() throws {
            let padded = patternBytes(66_000) + zeros(1000) + UInt64(66_000).bigEndianBytes
            right = try forgedSample(padded: padded, isIndexed: true)
            sample = right
        }

        mutating func put(_ range: Range<Int>, _ bytes: some Collection<UInt8>) {
            sample.blob.replaceSubrange(range, with: bytes)
        }

        mutating func mend(_ range: Range<Int>) { put(range, right.blob[range]) }
    }

    @Test func `of the whole, told from the first check to the last`() throws {
        var patient = try Patient()
        let right = patient.right
        patient.put(0..<64, zeros(64))
        patient.put(64..<65, [right.blob[64] ^ 1])
        patient.put(right.indexStart..<right.indexStart + 32, zeros(32))
        patient.plaintextSize = 65_999
        patient.sample.root = IndexRoot(bytes: zeros(32))
        patient.sample.address = address(of: [])
        let steps: [(SealingError, (inout Patient) -> Void)] = [
            (.magic, { $0.mend(0..<4) }), (.version(0), { $0.mend(4..<5) }), (.suite(0), { $0.mend(5..<6) }),
            (.parameters, { $0.mend(6..<8) }), (.commitment, { $0.mend(8..<64) }), (.chunk(0), { $0.mend(64..<65) }),
            (.leaf(0), { $0.mend(right.indexStart..<right.indexStart + 32) }),
            (.trailer, { $0.plaintextSize = 66_000 }), (.index, { $0.sample.root = right.root }),
            (.digest(expected: address(of: []), actual: right.address), { $0.sample.address = right.address }),
        ]
        for (error, mend) in steps {
            #expect(try patient.sample.opened(plaintextSize: patient.plaintextSize) == .failure(error))
            mend(&patient)
        }
        #expect(try patient.sample.opened(plaintextSize: 66_000) == .success(patternBytes(66_000)))
    }

    @Test func `of a range, told from the first check to the last`() throws {
        var patient = try Patient()
        let right = patient.right
        patient.put(0..<64, zeros(64))
        patient.put(64..<65, [right.blob[64] ^ 1])
        patient.sample.root = IndexRoot(bytes: zeros(32))
        patient.sample.plaintext = []
        patient.plaintextSize = 65_999
        // Once the header is right: an index that lists a chunk with a wrong tag, and then the right one.
        var lying = right.with { $0[64] ^= 1 }
        let run = ChunkRun(
            chunks: 0...1, of: try #require(SealedGeometry(sealedBytes: Int64(right.blob.count), isIndexed: true)))
        var index = SealedIndex()
        index.append(run.leaves(of: Array(lying.blob[64..<right.indexStart])))
        lying.root = index.root(under: try SealedHeader(parsing: right.blob))
        let steps: [(SealingError, (inout Patient) -> Void)] = [
            (.magic, { $0.mend(0..<4) }), (.version(0), { $0.mend(4..<5) }), (.suite(0), { $0.mend(5..<6) }),
            (.parameters, { $0.mend(6..<8) }), (.commitment, { $0.mend(8..<64) }),
            (.index, { $0.sample.root = right.root }),
            (
                .leaf(0),
                { patient in
                    patient.put(right.indexStart..<right.blob.count, index.bytes)
                    patient.sample.root = lying.root
                }
            ),
            (
                .chunk(0),
                { patient in
                    patient.mend(64..<65)
                    patient.mend(right.indexStart..<right.blob.count)
                    patient.sample.root = right.root
                }
            ),
            (.trailer, { $0.plaintextSize = 66_000 }),
        ]
        for (error, mend) in steps {
            #expect(try patient.sample.openedRange(plaintextSize: patient.plaintextSize) == .failure(error))
            mend(&patient)
        }
        #expect(try patient.sample.openedRange(plaintextSize: 66_000) == .success(patternBytes(66_000)))
    }

    @Test func `of a length that only the other kind of blob has, told once the flags are known`() throws {
        let plain = try Sample([1, 2, 3])
        #expect(try plain.with { $0[7] = 1 }.opened() == .failure(.length(91)))
        #expect(try plain.with { $0[7] = 2 }.opened() == .failure(.parameters))
        let indexed = try Sample([1, 2, 3], isIndexed: true)
        let cut = indexed.with { $0.removeSubrange(119...) }
        #expect(try cut.opened() == .failure(.length(119)))
        #expect(try cut.with { $0[0] ^= 1 }.opened() == .failure(.magic))
    }

    // MARK: What can be kept of a download

    @Test(
        arguments: [
            (0, 0), (64, 64), (65_616, 65_616), (426_160, 426_160), (426_161, 426_160), (426_383, 426_160),
        ] as [(Int, Int64)])
    func `is not kept of a partial download: what verifies by itself is`(_ size: Int, _ expected: Int64) throws {
        let sample = try Self.sample.get()
        #expect(sample.blob.count == 426_160 + 7 * 32)
        let folder = try TemporaryFolder()
        try write(Array(sample.blob[..<size]), toFile: folder.path("partial"))
        let kept = try verifiedPrefix(
            of: OpenFile(folder.path("partial"), .read), sealedSize: Int64(sample.blob.count),
            key: try mediaKey(sample.key))
        #expect(kept == expected)
    }

    @Test(
        arguments: [
            ([], nil, nil), ([64], 64..<65_616, 64..<65_616),
            ([64 + 65_552, 64 + 3 * 65_552], 65_616..<262_272, 65_616..<262_272),
            ([426_159], 393_376..<426_160, 393_376..<426_160), ([0], 0..<64, 0..<64),
            // A wrong index says nothing of the chunks, unless they are judged by their tags.
            ([426_160], 0..<426_384, 426_160..<426_384), ([426_383], 0..<426_384, 426_160..<426_384),
            ([64, 426_383], 0..<426_384, 64..<426_384),
        ] as [([Int], Range<Int64>?, Range<Int64>?)])
    func `tells what of a complete download is wrong, with its root and without`(
        places: [Int], proven: Range<Int64>?, unproven: Range<Int64>?
    ) throws {
        let sample = try Self.sample.get()
        let wrong = sample.with { blob in for place in places { blob[place] ^= 1 } }
        #expect(try unverified(wrong, root: sample.root) == proven)
        #expect(try unverified(wrong, root: nil) == unproven)
    }

    @Test func `finds a chunk that was forged with the right key, and a header`() throws {
        let sample = try Self.sample.get()
        let other = try Sample(zeros(sample.plaintext.count), padding: .eighths, isIndexed: true)
        let forged = sample.with { $0.replaceSubrange(sample.chunk(5), with: other.blob[sample.chunk(5)]) }
        #expect(try unverified(forged, root: sample.root) == 327_824..<393_376)
        // The same key, another salt: its commitment is right.
        let salted = try Sample(sample.plaintext, padding: .eighths, salt: zeros(24), isIndexed: true)
        let replaced = sample.with { $0.replaceSubrange(0..<64, with: salted.blob[..<64]) }
        #expect(try unverified(replaced, root: sample.root) == 0..<426_384)
        let plain = try Sample(zeros(0), isIndexed: false)
        let unmarked = sample.with { $0.replaceSubrange(0..<64, with: plain.blob[..<64]) }
        #expect(try unverified(unmarked, root: sample.root) == 0..<64)
    }

    private func unverified(_ sample: Sample, root: IndexRoot?) throws -> Range<Int64>? {
        let folder = try TemporaryFolder()
        try write(sample.blob, toFile: folder.path("blob"))
        let file = try OpenFile(folder.path("blob"), .read)
        let range = try unverifiedRange(of: file, key: try mediaKey(sample.key), root: root)
        return range.map { $0.offset..<$0.end }
    }
}
