import TestSupport
import Testing

@testable import Cleaning

@Suite struct InflaterTests {
    /// Made by zlib 1.2.13: the word `colour ` a hundred times at level 9, and at level 1 with fixed codes.
    static let repeated: [UInt8] = [
        0x78, 0xDA, 0x4B, 0xCE, 0xCF, 0xC9, 0x2F, 0x2D, 0x52, 0x48, 0x1E, 0xA5, 0x46, 0xA9, 0xA1, 0x46, 0x01, 0x00,
        0x79, 0x9A, 0x0E, 0x60,
    ]
    static let fixed: [UInt8] = [
        0x78, 0x01, 0x4B, 0x54, 0x28, 0x49, 0xAD, 0x28, 0x51, 0xC8, 0x4F, 0x53, 0xC8, 0x2C, 0x29, 0x56, 0xC8, 0x2F,
        0xCF, 0x03, 0x00, 0x35, 0xA7, 0x06, 0x20,
    ]
    /// The numbers (i × i / 7 mod 251) / 60 for i below 400, with codes of its own.
    static let dynamic: [UInt8] = [
        0x78, 0xDA, 0x7D, 0x8A, 0x01, 0x0E, 0x80, 0x30, 0x08, 0x03, 0x51, 0xF9, 0xFF, 0x9B, 0x2D, 0x2D, 0x10, 0x50,
        0x23, 0xD9, 0xA0, 0x77, 0x60, 0xF6, 0x51, 0x47, 0xD6, 0xA9, 0xBA, 0xA2, 0xBC, 0x37, 0xA5, 0x5C, 0x9C, 0x58,
        0x50, 0x91, 0xB6, 0x9D, 0xCC, 0x63, 0xCE, 0x01, 0xE9, 0x84, 0xEE, 0x30, 0xE1, 0xB1, 0x65, 0x0C, 0x4B, 0x56,
        0x93, 0xD3, 0xE1, 0x0E, 0x3F, 0xDF, 0x3B, 0xBE, 0x07, 0x77, 0x13, 0x92, 0xF7, 0xA3, 0xC7, 0x96, 0x67, 0x12,
        0x9A, 0x06, 0x3B, 0x38, 0x61, 0x35, 0x38, 0x6C, 0x95, 0x71, 0xC4, 0x11, 0x14, 0x92, 0x1C, 0xE1, 0x06, 0xC1,
        0x98, 0x02, 0x64,
    ]

    @Test func `streams of zlib are inflated`() {
        let words = [[UInt8]](repeating: Array("colour ".utf8), count: 100).flatMap { $0 }
        #expect(Inflater.zlib(Self.repeated[...], limit: 700) == words)
        #expect(Inflater.zlib(Self.fixed[...], limit: 100) == Array("a text of its own".utf8))
        let numbers = (0..<400).map { UInt8($0 * $0 / 7 % 251 / 60) }
        #expect(Inflater.zlib(Self.dynamic[...], limit: 400) == numbers)
    }

    @Test func `what is written is inflated again`() {
        for count in [0, 1, 65_535, 65_536, 200_000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
            #expect(Inflater.zlib(Deflater.zlib(bytes)[...], limit: count) == bytes)
        }
    }

    @Test func `nothing over the limit, cut or changed is inflated`() {
        #expect(Inflater.zlib(Self.repeated[...], limit: 699) == nil)
        for stream in [Self.repeated, Self.fixed, Self.dynamic] {
            for length in 0..<stream.count { #expect(Inflater.zlib(stream[..<length], limit: 1 << 20) == nil) }
            let sum = Adler32.of(Inflater.zlib(stream[...], limit: 1 << 20) ?? [])
            var random = SeededGenerator(seed: 0xDEF)
            for _ in 0..<2000 {
                var damaged = stream
                let place = Int.random(in: 2..<stream.count, using: &random)
                damaged[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
                let inflated = Inflater.zlib(damaged[...], limit: 1 << 20)
                #expect(inflated == nil || inflated.map(Adler32.of) == sum || damaged.suffix(4) != stream.suffix(4))
            }
        }
    }
}
