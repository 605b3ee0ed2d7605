import Blobs
import TestSupport
import Testing

@testable import Sealing

/// One way to change a blob, and the error that tells of it.
struct Tampering: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let expected: SealingError
    let change: @Sendable (inout [UInt8]) -> Void

    init(_ name: String, _ expected: SealingError, _ change: @escaping @Sendable (inout [UInt8]) -> Void) {
        testDescription = name
        self.expected = expected
        self.change = change
    }

    static let inHeader = [
        Tampering("a bit of the magic", .magic) { $0[3] ^= 0x20 },
        Tampering("the version", .version(2)) { $0[4] = 2 },
        Tampering("a bit of the suite", .suite(0)) { $0[5] ^= 1 },
        Tampering("the suite that is kept for AES", .suite(2)) { $0[5] = 2 },
        Tampering("a bit of the chunk size", .parameters) { $0[6] ^= 1 },
        Tampering("a bit of the flags", .parameters) { $0[7] ^= 0x80 },
        Tampering("the first bit of the salt", .commitment) { $0[8] ^= 0x80 },
        Tampering("the last bit of the salt", .commitment) { $0[31] ^= 1 },
        Tampering("the first bit of the commitment", .commitment) { $0[32] ^= 0x80 },
        Tampering("the last bit of the commitment", .commitment) { $0[63] ^= 1 },
        Tampering("every header field at once: the first counts", .magic) {
            $0.replaceSubrange(0..<64, with: zeros(64))
        },
    ]

    /// Of a blob of 9 chunks, the last of 200 bytes.
    static let inChunks = [
        Tampering("a bit in the body of the first chunk", .chunk(0)) { $0[chunk(0).lowerBound] ^= 1 },
        Tampering("a bit in the tag of the first chunk", .chunk(0)) { $0[chunk(0).upperBound - 1] ^= 1 },
        Tampering("a bit in the body of a chunk in the middle", .chunk(5)) { $0[chunk(5).lowerBound + 999] ^= 4 },
        Tampering("a bit in the body of the last chunk", .chunk(8)) { $0[chunk(8).lowerBound + 10] ^= 4 },
        Tampering("a bit in the tag of the last chunk", .chunk(8)) { $0[$0.count - 1] ^= 0x80 },
        Tampering("bits in two chunks: the first counts", .chunk(3)) {
            $0[chunk(7).lowerBound] ^= 1
            $0[chunk(3).lowerBound] ^= 1
        },
        Tampering("the first chunk dropped", .chunk(0)) { $0.removeSubrange(chunk(0)) },
        Tampering("a chunk in the middle dropped", .chunk(4)) { $0.removeSubrange(chunk(4)) },
        Tampering("a chunk doubled", .chunk(3)) { $0.insert(contentsOf: $0[chunk(2)], at: chunk(3).lowerBound) },
        Tampering("two chunks swapped", .chunk(1)) { blob in
            let (second, third) = (Array(blob[chunk(1)]), Array(blob[chunk(2)]))
            blob.replaceSubrange(chunk(1), with: third)
            blob.replaceSubrange(chunk(2), with: second)
        },
        Tampering("the last chunk dropped", .chunk(7)) { $0.removeSubrange(chunk(8).lowerBound..<$0.count) },
        Tampering("cut within a chunk", .chunk(6)) { $0.removeSubrange(chunk(6).lowerBound + 1000..<$0.count) },
        Tampering("cut by one byte", .chunk(8)) { $0.removeLast() },
        Tampering("a byte added", .chunk(8)) { $0.append(0) },
        Tampering("a whole chunk added", .chunk(8)) { $0 += zeros(65_552) },
        Tampering("a chunk of 24 bytes added behind a last chunk made full", .chunk(8)) {
            $0 += zeros(chunk(8).lowerBound + 65_552 - $0.count + 24)
        },
    ]

    static let inLength = [
        Tampering("all of it gone", .length(0)) { $0 = [] },
        Tampering("cut within the header", .length(63)) { $0.removeSubrange(63...) },
        Tampering("cut behind the header", .length(64)) { $0.removeSubrange(64...) },
        Tampering("cut so that the last chunk has no room for a trailer", .length(65_639)) {
            $0.removeSubrange(65_639...)
        },
    ]

    static func chunk(_ index: Int) -> Range<Int> {
        let start = 64 + index * 65_552
        return start..<start + 65_552
    }
}

func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

@Suite
struct TamperTests {
    static let whole = Result { try Sample(patternBytes(8 * 65_536 + 192)) }

    @Test func `unchanged, it opens`() throws {
        let sample = try Self.whole.get()
        #expect(sample.blob.count == 64 + 8 * 65_552 + 216)
        #expect(try sample.opened().get() == sample.plaintext)
    }

    @Test(arguments: Tampering.inHeader + Tampering.inChunks + Tampering.inLength)
    func `by one change`(_ tampering: Tampering) throws {
        let sample = try Self.whole.get().with(tampering.change)
        #expect(try sample.opened() == .failure(tampering.expected))
    }

    @Test func `every bit of the header`() throws {
        let sample = try Sample([1, 2, 3])
        for bit in 0..<64 * 8 {
            let expected: SealingError =
                switch bit / 8 {
                case 0..<4: .magic
                case 4: .version(sample.blob[4] ^ 1 << (bit % 8))
                case 5: .suite(sample.blob[5] ^ 1 << (bit % 8))
                // Now it claims an index, for which it is too short.
                case 7 where bit % 8 == 0: .length(91)
                case 6, 7: .parameters
                default: .commitment
                }
            #expect(try sample.with { $0[bit / 8] ^= 1 << (bit % 8) }.opened() == .failure(expected))
        }
    }

    @Test func `a chunk spliced in from a sealing with the same key and another salt`() throws {
        let sample = try Self.whole.get()
        let other = try Sample(sample.plaintext, salt: [UInt8](0x41..<0x59))
        for index in [0, 3, 8] {
            let spliced = sample.with { $0.replaceSubrange(sample.chunk(index), with: other.blob[other.chunk(index)]) }
            #expect(try spliced.opened() == .failure(.chunk(Int64(index))))
        }
    }

    @Test func `the header of a sealing with the same key and another salt`() throws {
        let sample = try Self.whole.get()
        let other = try Sample([], salt: [UInt8](0x41..<0x59))
        #expect(try sample.with { $0.replaceSubrange(0..<64, with: other.blob[..<64]) }.opened() == .failure(.chunk(0)))
    }

    @Test func `a key that is wrong by one bit`() throws {
        var key = Sample.keyBytes
        key[31] ^= 1
        #expect(try Self.whole.get().opened(key: key) == .failure(.commitment))
    }

    @Test func `a whole and genuine blob asked for under another address`() throws {
        let sample = try Self.whole.get()
        let other = address(of: [])
        #expect(
            try sample.opened(address: other) == .failure(.digest(expected: other, actual: sample.address)))
    }

    @Test(arguments: [0, 1, 8 * 65_536 + 191, 8 * 65_536 + 193, 1 << 53, .max, -1, .min] as [Int64])
    func `a size that is not the one sealed`(_ size: Int64) throws {
        #expect(try Self.whole.get().opened(plaintextSize: size) == .failure(.trailer))
    }

    @Test(
        arguments: [
            (UInt64.max, 3), (1 << 63, 3), (4089, 4089), (2, 3), (1 << 32 | 3, 3),
        ] as [(UInt64, Int64)])
    func `a trailer that says more than fits, beyond what a signed number holds, or less`(
        _ trailer: UInt64, _ claimed: Int64
    ) throws {
        let sample = try forgedSample(padded: [1, 2, 3] + zeros(4085) + trailer.bigEndianBytes)
        #expect(try sample.opened(plaintextSize: claimed) == .failure(.trailer))
    }

    @Test(arguments: [3, 4, 1000, 4087])
    func `padding that is not empty`(_ place: Int) throws {
        var padded = [1, 2, 3] + zeros(4085) + UInt64(3).bigEndianBytes
        padded[place] = 1
        #expect(try forgedSample(padded: padded).opened(plaintextSize: 3) == .failure(.padding))
    }

    @Test func `padding that is not empty in a chunk far from the end`() throws {
        var padded = [1, 2, 3] + zeros(10 * 65_536 - 11) + UInt64(3).bigEndianBytes
        padded[70_000] = 1
        #expect(try forgedSample(padded: padded).opened(plaintextSize: 3) == .failure(.padding))
        padded[70_000] = 0
        #expect(try forgedSample(padded: padded).opened(plaintextSize: 3) == .success([1, 2, 3]))
    }

    @Test func `by the thousand: never a crash, never other bytes`() throws {
        let sample = try Sample(patternBytes(700), padding: .eighths)
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<(soaks ? 100_000 : 2_000) {
            let changed = sample.with { blob in
                for _ in 0..<Int.random(in: 1...3, using: &generator) { mutate(&blob, &generator) }
            }
            guard changed.blob != sample.blob else { continue }
            #expect(throws: SealingError.self) { try changed.opened().get() }
        }
    }

    private func mutate(_ blob: inout [UInt8], _ generator: inout SeededGenerator) {
        let place = blob.isEmpty ? 0 : Int.random(in: 0..<blob.count, using: &generator)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0 where !blob.isEmpty: blob[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1 where !blob.isEmpty: blob[place] = UInt8.random(in: 0...255, using: &generator)
        case 2: blob.removeSubrange(place...)
        case 3: blob.insert(contentsOf: generator.bytes(Int.random(in: 1...64, using: &generator)), at: place)
        case 4 where blob.count > 8: blob.removeSubrange(place..<min(place + 8, blob.count))
        default: blob += generator.bytes(Int.random(in: 1...100, using: &generator))
        }
    }
}
