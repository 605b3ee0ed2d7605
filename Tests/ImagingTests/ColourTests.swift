import Cleaning
import Imaging
import TestSupport
import Testing

@Suite(.enabled(if: Tool.areInstalled, "\(Tool.reason)"))
struct ColourTests {
    @Test(arguments: ["baseline", "progressive", "arithmetic", "restarts", "rgb", "gray", "cmyk", "full-chroma"])
    func `a stripped picture decodes to the very same pixels`(name: String) throws {
        let studio = try Studio.open()
        let prepared = try studio.prepare(studio.path(name + ".jpg"), .original)
        #expect(prepared.picture.treatment == .stripped(.asked))
        #expect(try pixels(prepared.path, studio) == pixels(studio.path(name + ".jpg"), studio))
        #expect(try prepared.bytes.count < studio.bytes(name).count + 64)
    }

    private func pixels(_ path: String, _ studio: Studio) throws -> [UInt8] {
        let output = studio.newPath("raw")
        try Tool.run("convert", [path, "-depth", "8", "rgb:\(output)"])
        return try TestSupport.bytes(ofFile: output)
    }

    @Test func `a picture of RGB samples does not get the segment that would make them YCbCr`() throws {
        let studio = try Studio.open()
        #expect(JPEGBytes.payload(of: 0xE0, in: try studio.prepare(studio.path("rgb.jpg"), .original).bytes) == nil)
        #expect(JPEGBytes.payload(of: 0xE0, in: try studio.prepare(studio.path("gray.jpg"), .original).bytes) != nil)
    }

    @Test func `adobe's segment stays only where JFIF does not say as much`() throws {
        func adobe(_ transform: UInt8) -> [UInt8] {
            JPEGBytes.segment(0xEE, Array("Adobe".utf8) + [0, 100, 0, 0, 0, 0, transform])
        }
        let studio = try Studio.open()
        let baseline = try studio.bytes("baseline")
        let jfifEnd = try #require(JPEGBytes.payload(of: 0xE0, in: baseline)) + 14
        let withoutJFIF = Array(baseline.prefix(2) + baseline.dropFirst(jfifEnd))
        for (picture, hasJFIF, hasAdobe) in [
            (JPEGBytes.inserting(adobe(1), into: baseline), true, false),
            (JPEGBytes.inserting(adobe(0), into: baseline), true, true),
            (JPEGBytes.inserting(adobe(1), into: withoutJFIF), true, false),
            (JPEGBytes.inserting(adobe(0), into: withoutJFIF), false, true),
            (withoutJFIF, true, false),
        ] {
            let source = try studio.file(picture)
            let stripped = try studio.prepare(source, .original)
            #expect((JPEGBytes.payload(of: 0xE0, in: try stripped.bytes) != nil) == hasJFIF)
            #expect((JPEGBytes.payload(of: 0xEE, in: try stripped.bytes) != nil) == hasAdobe)
            #expect(try pixels(stripped.path, studio) == pixels(source, studio))
            let compressed = try GrayImage(try studio.prepare(source, .standard).path, studio)
            #expect(compressed.similarity(to: try GrayImage(source, studio)) > 0.9)
        }
    }

    @Test func `samples of more than eight bits, and lossless ones, are stripped and have no preview`() throws {
        let studio = try Studio.open()
        var twelveBits = try studio.bytes("small")
        twelveBits[try #require(JPEGBytes.payload(of: 0xC0, in: twelveBits))] = 12
        let prepared = try studio.prepare(twelveBits, .standard)
        #expect(prepared.picture.treatment == .stripped(.twelveBit))
        #expect(prepared.picture.preview == nil && prepared.picture.thumbhash.isEmpty)
        var lossless = try studio.bytes("small")
        lossless[try #require(JPEGBytes.payload(of: 0xC0, in: lossless)) - 3] = 0xC3
        #expect(try studio.prepare(lossless, .high).picture.treatment == .stripped(.rareProcess))
    }

    // MARK: Profiles

    @Test(arguments: [(2, 1), (3, 3), (28, 2), (66, 15)])
    func `a whole profile stays, made anew, in as many segments as it takes`(points: Int, chunkCount: Int) throws {
        let profile = JPEGBytes.tableProfile(points: points)
        let segments = JPEGBytes.profile(profile, chunkCount: chunkCount).flatMap { $0 }
        for quality in Quality.allCases {
            try expect(prepare(segments, quality, "baseline"), profile, of: .rgb)
        }
    }

    /// The picture has the profile that the room of cleaning makes of this one.
    private func expect(_ prepared: Prepared, _ profile: [UInt8], of colours: PictureColours) throws {
        let cleaned = CleanProfile(profile[...], of: colours)
        #expect(try .rebuilt(profileBytes(in: prepared.bytes)) == cleaned.replacement)
        #expect(prepared.picture.removed == Array(cleaned.removed))
    }

    @Test(arguments: Quality.allCases)
    func `a profile of the other colour space, too large, incomplete or with a chunk twice goes`(
        quality: Quality
    ) throws {
        let whole = JPEGBytes.profile(JPEGBytes.tableProfile(points: 4), chunkCount: 3)
        let wrongLength = BrokenJPEG.setting(0x77, at: 3, in: JPEGBytes.tableProfile())
        let unfit: [(String, [UInt8])] = [
            ("gray", JPEGBytes.profile(JPEGBytes.grayProfile())[0]),
            ("CMYK", JPEGBytes.profile(JPEGBytes.tableProfile("CMYK"))[0]),
            ("a chunk missing", whole[0] + whole[1]),
            ("the first missing", whole[1] + whole[2]),
            ("counted from 2", numbered(whole, [2, 3, 4])),
            ("counted from 0, the last missing", numbered(Array(whole.prefix(2)), [0, 1])),
            ("one twice", whole[0] + whole[0] + whole[1] + whole[2]),
            ("other length", JPEGBytes.profile(wrongLength)[0]),
            ("empty", JPEGBytes.segment(0xE2, Array("ICC_PROFILE\0".utf8))),
            ("over 4 MiB", JPEGBytes.profile(JPEGBytes.tableProfile(points: 112), chunkCount: 70).flatMap { $0 }),
        ]
        for (name, segments) in unfit {
            let prepared = try prepare(segments, quality, "small")
            #expect(try profileBytes(in: prepared.bytes).isEmpty, "\(name)")
            #expect(prepared.picture.removed == [.icc], "\(name)")
        }
    }

    @Test func `chunks out of order, or counted from 0, are put together`() throws {
        let profile = JPEGBytes.tableProfile(points: 4)
        let whole = JPEGBytes.profile(profile, chunkCount: 3)
        for segments in [
            whole[1] + whole[2] + whole[0], whole[2] + whole[1] + whole[0], numbered(whole, [0, 1, 2]),
            numbered([whole[1], whole[2], whole[0]], [1, 2, 0]),
        ] {
            try expect(prepare(segments, .original, "small"), profile, of: .rgb)
        }
    }

    /// The chunks with other numbers.
    private func numbered(_ chunks: [[UInt8]], _ numbers: [UInt8]) -> [UInt8] {
        zip(chunks, numbers).flatMap { BrokenJPEG.setting($1, at: 16, in: $0) }
    }

    @Test func `a gray picture keeps a gray profile`() throws {
        let profile = JPEGBytes.grayProfile()
        try expect(prepare(JPEGBytes.profile(profile)[0], .standard, "gray"), profile, of: .gray)
    }

    private func prepare(_ segments: [UInt8], _ quality: Quality, _ name: String) throws -> Prepared {
        let studio = try Studio.open()
        return try studio.prepare(JPEGBytes.inserting(segments, into: try studio.bytes(name)), quality)
    }

    private func profileBytes(in picture: [UInt8]) throws -> [UInt8] {
        var profile: [UInt8] = []
        var position = 2
        while position + 4 <= picture.count, picture[position] == 0xFF, picture[position + 1] != 0xDA {
            let end = position + 2 + Int(picture[position + 2]) << 8 + Int(picture[position + 3])
            if picture[position + 1] == 0xE2 { profile += picture[position + 18..<end] }
            position = end
        }
        return profile
    }
}
