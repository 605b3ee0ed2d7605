import Blobs
import Sealing
import TestSupport
import Testing

@Suite
struct GeometryTests {
    @Test(
        arguments: [
            .min, -1, 0, 63, 64,
            87,  // a chunk without room for a trailer
            65_617, 65_639,  // a last chunk without room for a trailer
            281543696187480,  // one chunk more than there are counters
            .max,
        ] as [Int64])
    func `of blobs that cannot be are refused`(_ bytes: Int64) {
        #expect(SealedGeometry(sealedBytes: bytes, isIndexed: false) == nil)
    }

    @Test(
        arguments: [
            (88, 1, 8), (65_616, 1, 65_536), (65_640, 2, 65_544), (5_244_224, 80, 5_242_880),
            (281543696187456, 4294967296, 281474976710656),
        ] as [(Int64, Int64, Int64)])
    func `of blobs give chunks and padded sizes`(_ bytes: Int64, _ chunks: Int64, _ padded: Int64) throws {
        let geometry = try #require(SealedGeometry(sealedBytes: bytes, isIndexed: false))
        #expect(geometry.chunkCount == chunks)
        #expect(geometry.paddedBytes == padded)
        #expect(SealedGeometry(paddedBytes: padded, isIndexed: false) == geometry)
    }

    @Test(
        arguments: [
            .min, -1, 0, 63, 64, 87, 88, 119,  // a chunk and its leaf without room for a trailer
            65_649, 65_703,  // a last chunk and its leaf without room for a trailer
            281681135140983,  // one chunk more than there are counters
            .max,
        ] as [Int64])
    func `of indexed blobs that cannot be are refused`(_ bytes: Int64) {
        #expect(SealedGeometry(sealedBytes: bytes, isIndexed: true) == nil)
    }

    @Test(
        arguments: [
            (120, 1, 8), (65_648, 1, 65_536), (65_704, 2, 65_544), (5_246_784, 80, 5_242_880),
            (281681135140928, 4294967296, 281474976710656),
        ] as [(Int64, Int64, Int64)])
    func `of indexed blobs give chunks, padded sizes and the place of the index`(
        _ bytes: Int64, _ chunks: Int64, _ padded: Int64
    ) throws {
        let geometry = try #require(SealedGeometry(sealedBytes: bytes, isIndexed: true))
        #expect(geometry.chunkCount == chunks && geometry.paddedBytes == padded)
        #expect(SealedGeometry(paddedBytes: padded, isIndexed: true) == geometry)
        #expect(geometry.index?.count == 32 * chunks && geometry.index?.end == bytes)
        #expect(geometry.sealedRange(ofChunks: chunks - 1...chunks - 1)?.end == geometry.index?.offset)
    }

    @Test(arguments: [(1_048_575, false), (1_048_576, true), (8, false), (1 << 48, true)] as [(Int64, Bool)])
    func `have an index from 1 MiB on`(_ padded: Int64, _ isIndexed: Bool) {
        #expect(SealedGeometry(paddedBytes: padded)?.isIndexed == isIndexed)
    }

    @Test func `ask a store for the chunks that hold a range`() throws {
        let geometry = try #require(SealedGeometry(sealedBytes: 5_244_224, isIndexed: false))
        let plain = try #require(ByteRange(offset: 1_000_000, count: 1_000_000, within: 5_000_000))
        let sealed = try #require(geometry.sealedRange(forPlaintext: plain))
        #expect(sealed.offset == 983_344)
        #expect(sealed.last == 2_032_175)
        let end = try #require(ByteRange(offset: 5_242_870, count: 2, within: .max))
        #expect(geometry.sealedRange(forPlaintext: end)?.end == 5_244_224)
        let beyond = try #require(ByteRange(offset: 5_242_870, count: 3, within: .max))
        #expect(geometry.sealedRange(forPlaintext: beyond) == nil)
        #expect(geometry.sealedRange(ofChunks: 79...80) == nil)
    }

    @Test(
        arguments: [
            (.none, 0, 8), (.none, 65_528, 65_536), (.none, 65_529, 65_544), (.none, 65_535, 65_544),
            (.none, 65_536, 65_544),
            (.eighths, 0, 4096), (.eighths, 4088, 4096), (.eighths, 4089, 4608), (.eighths, 5_000_000, 5_242_880),
            (.sixteenths, 4089, 4352), (.powerOfTwo, 4088, 4096), (.powerOfTwo, 4089, 8192),
            (.powerOfTwo, 5_000_000, 8_388_608), (.none, 281474976710648, 281474976710656),
            (.eighths, 281474976710648, 281474976710656),
        ] as [(Padding, Int64, Int64)])
    func `are padded as the policy says`(_ policy: Padding, _ plaintext: Int64, _ padded: Int64) {
        #expect(policy.paddedBytes(for: plaintext) == padded)
    }

    @Test(arguments: Padding.allCases)
    func `that the format cannot hold are not padded`(_ policy: Padding) {
        for size in [Int64.min, -1, (1 << 48) - 7, .max] { #expect(policy.paddedBytes(for: size) == nil) }
    }

    @Test(arguments: Padding.allCases)
    func `padded by any policy always make a geometry that holds the plaintext`(_ policy: Padding) throws {
        var generator = SeededGenerator(seed: 1)
        var sizes = (0..<2000).map { _ in Int64(generator.next() >> UInt64.random(in: 17...63, using: &generator)) }
        for edge: Int64 in [40, 4096, 65_536, 655_360] { sizes += (-40...40).map { edge + $0 } }
        for size in sizes {
            let padded = try #require(policy.paddedBytes(for: size))
            let geometry = try #require(SealedGeometry(paddedBytes: padded))
            #expect(SealedGeometry(sealedBytes: geometry.sealedBytes, isIndexed: geometry.isIndexed) == geometry)
            #expect(geometry.largestPlaintextBytes >= size)
            if policy == .eighths, size >= 4096 { #expect(padded - size - 8 <= (size + 8) / 8 + 8) }
        }
    }
}
