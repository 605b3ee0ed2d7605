import Testing

@testable import Cleaning

@Suite struct PNGTests {
    /// Chunks of a gray picture of 2 × 1 pixels.
    struct Sample {
        var header: [UInt8] = [0, 0, 0, 2, 0, 0, 0, 1, 8, 0, 0, 0, 0]
        var before: [[UInt8]] = []
        var data: [[UInt8]] = [PNGChunk.made("IDAT", Deflater.zlib([0, 1, 2]))]
        var after: [[UInt8]] = []
        var trailing: [UInt8] = []

        var bytes: [UInt8] {
            let head = PNG.signature + PNGChunk.made("IHDR", header)
            return head + (before + data + after + [PNGChunk.made("IEND", [])]).flatMap { $0 } + trailing
        }
    }

    static func text(_ name: ChunkName, _ keyword: String, _ value: String) -> [UInt8] {
        let between: [UInt8] = name == "iTXt" ? [0, 0, 0, 0, 0] : [0]
        return PNGChunk.made(name, Array(keyword.utf8) + between + Array(value.utf8))
    }

    static func profile(_ sample: ProfileSample) -> [UInt8] {
        PNGChunk.made("iCCP", Array("U2312HM of mine".utf8) + [0, 0] + Deflater.zlib(sample.bytes))
    }

    /// Everything that is removed, and nothing else.
    static var telling: Sample {
        Sample(
            before: [
                text("tEXt", "Title", "Holiday"), text("tEXt", "Software", "ProgramX"),
                text("iTXt", "XML:com.adobe.xmp", "<x>52.5200</x>"), text("tEXt", "Source", "ModelNine"),
                PNGChunk.made("zTXt", Array("Comment".utf8) + [0, 0] + Deflater.zlib(Array("Secret".utf8))),
                PNGChunk.made("tIME", [0x07, 0xE8, 5, 6, 7, 8, 9]), PNGChunk.made("prVt", Array("SERIAL4711".utf8)),
            ],
            after: [PNGChunk.made("eXIf", ExifSample.telling(orientation: 6)), text("tEXt", "Author", "Somebody")],
            trailing: Array("TRAILING52.5200".utf8))
    }

    let trial: CleaningTrial

    init() throws { trial = try CleaningTrial(PNG.clean) }

    @Test func `a picture that tells nothing stays as it is`() throws {
        let bytes = Sample().bytes
        let (file, copy) = try trial.run(bytes)
        #expect(copy == bytes && file.removed.isEmpty && file.seconds == nil)
        #expect(file.size.map { $0 == (2, 1) } ?? false)
        // The check of an empty IEND is known.
        #expect(bytes.suffix(4) == [0xAE, 0x42, 0x60, 0x82])
    }

    @Test func `texts, times, EXIF, private chunks and what follows the end go, the orientation stays`() throws {
        let (file, copy) = try trial.run(Self.telling.bytes)
        #expect(file.removed == [.text, .encoder, .xmp, .camera, .time, .other, .gps, .trailing])
        #expect(file.size.map { $0 == (1, 2) } ?? false)
        for planted in ExifSample.planted + ["Holiday", "Secret", "Somebody", "TRAILING", "tIME", "prVt", "Title"] {
            #expect(!copy.tells(planted), "\(planted)")
        }
        var expected = Sample()
        expected.after = [PNGChunk.made("eXIf", ExifReader.minimal(.rightTurn))]
        #expect(copy == expected.bytes)
        _ = try trial.runTwice(Self.telling.bytes)
    }

    @Test(arguments: 0...9) func `an orientation that turns nothing needs no EXIF`(orientation: UInt8) throws {
        var sample = Sample()
        sample.before = [PNGChunk.made("eXIf", ExifSample.telling(orientation: orientation))]
        let (file, copy) = try trial.run(sample.bytes)
        #expect(copy.tells("eXIf") == (2...8).contains(orientation))
        #expect(file.size.map { $0 == ((5...8).contains(orientation) ? (1, 2) : (2, 1)) } ?? false)
    }

    @Test func `EXIF in ImageMagick's texts has its words`() throws {
        let digits = ExifSample.telling(orientation: 1).map { "0123456789abcdef".hexadecimal($0) }.joined()
        var sample = Sample()
        sample.before = [Self.text("tEXt", "Raw profile type exif", "\nexif\n  200\n\(digits)\n")]
        #expect(try trial.run(sample.bytes).file.removed == [.camera, .encoder, .time, .gps])
    }

    @Test func `chunks that describe the picture stay`() throws {
        var sample = Sample()
        let kept: [(ChunkName, Int)] = [
            ("cICP", 4), ("mDCV", 24), ("cLLI", 8), ("gAMA", 4), ("cHRM", 32), ("sRGB", 1), ("sBIT", 1), ("bKGD", 2),
            ("tRNS", 2), ("pHYs", 9),
        ]
        sample.before = kept.map { PNGChunk.made($0.0, [UInt8](repeating: 1, count: $0.1)) }
        let (file, copy) = try trial.run(sample.bytes)
        #expect(copy == sample.bytes && file.removed.isEmpty)
    }

    @Test func `a chunk that is repeated, misplaced or of a wrong length goes`() throws {
        let gamma = PNGChunk.made("gAMA", [0, 0, 0xB1, 0x8F])
        var sample = Sample()
        sample.before = [gamma, gamma, PNGChunk.made("pHYs", Array("SERIAL4711".utf8))]
        sample.after = [PNGChunk.made("sRGB", [0])]
        let (file, copy) = try trial.run(sample.bytes)
        var expected = Sample()
        expected.before = [gamma]
        #expect(copy == expected.bytes && file.removed == [.other])
    }

    @Test func `a display's profile is made anew under another name`() throws {
        var sample = Sample()
        sample.header[9] = 2
        sample.before = [Self.profile(.display)]
        let (file, copy) = try trial.run(sample.bytes)
        #expect(file.removed == [.profile] && copy.tells("iCCP"))
        for planted in ["SERIAL4711", "U2312HM", "DELL", "CALIBRATED"] { #expect(!copy.tells(planted)) }
        _ = try trial.runTwice(sample.bytes)
    }

    @Test func `the profile of sRGB becomes the chunk of sRGB`() throws {
        var sample = Sample()
        sample.header[9] = 2
        let gamma = PNGChunk.made("gAMA", [0, 1, 0x86, 0xA0])
        sample.before = [Self.profile(.standard(.sRGB)), gamma]
        let (file, copy) = try trial.run(sample.bytes)
        #expect(file.removed.isEmpty)
        sample.before = [gamma, PNGChunk.made("sRGB", [0])]
        #expect(copy == sample.bytes)
    }

    @Test func `a profile of another space, or one that cannot be inflated, goes`() throws {
        for profile in [Self.profile(.display), PNGChunk.made("iCCP", Array("x".utf8) + [0, 0, 1, 2, 3])] {
            var sample = Sample()
            sample.before = [profile]
            let (file, copy) = try trial.run(sample.bytes)
            #expect(copy == Sample().bytes && file.removed == [.icc])
        }
    }

    // MARK: Animations

    static func frameControl(_ number: UInt8, width: UInt8 = 2, left: UInt8 = 0) -> [UInt8] {
        PNGChunk.made(
            "fcTL", [0, 0, 0, number, 0, 0, 0, width, 0, 0, 0, 1, 0, 0, 0, left, 0, 0, 0, 0, 0, 1, 0, 4, 0, 0])
    }

    private static let frame = Deflater.zlib([0, 3, 4])

    static func frameData(_ number: UInt8, _ part: [UInt8] = frame) -> [UInt8] {
        PNGChunk.made("fdAT", [0, 0, 0, number] + part)
    }

    static var animated: Sample {
        Sample(
            before: [PNGChunk.made("acTL", [0, 0, 0, 2, 0, 0, 0, 0]), frameControl(0)],
            after: [
                text("tEXt", "Title", "Holiday"), frameControl(1), frameData(2, Array(frame.prefix(5))),
                frameData(3, Array(frame.dropFirst(5))),
            ])
    }

    @Test func `an animation stays, with its duration`() throws {
        let (file, copy) = try trial.run(Self.animated.bytes)
        var expected = Self.animated
        expected.after.removeFirst()
        #expect(copy == expected.bytes && file.removed == [.text] && file.seconds == 0.5)
    }

    @Test func `frames without an animation are not carried along`() throws {
        var sample = Self.animated
        sample.before = []
        let (file, copy) = try trial.run(sample.bytes)
        #expect(copy == Sample().bytes && file.removed == [.text, .other])
    }

    @Test func `an animation that is not sound is refused`() throws {
        let control = PNGChunk.made("acTL", [0, 0, 0, 2, 0, 0, 0, 0])
        let refused: [(String, [[UInt8]], [[UInt8]])] = [
            ("a number is left out", [control, Self.frameControl(0)], [Self.frameControl(2), Self.frameData(3)]),
            ("a frame is missing", [control, Self.frameControl(0)], []),
            ("a frame has no data", [control, Self.frameControl(0)], [Self.frameControl(1)]),
            ("data has no frame", [control, Self.frameControl(0)], [Self.frameData(1)]),
            (
                "a frame is too wide", [control, Self.frameControl(0)],
                [Self.frameControl(1, left: 1), Self.frameData(2)]
            ),
            ("there are two", [control, control], []),
            ("it has no frames", [PNGChunk.made("acTL", [0, 0, 0, 0, 0, 0, 0, 0])], []),
            ("it has too many", [PNGChunk.made("acTL", [0, 0, 0x13, 0x89, 0, 0, 0, 0])], []),
        ]
        for (reason, before, after) in refused {
            #expect(throws: CleaningError.self, "\(reason)") {
                try trial.run(Sample(before: before, after: after).bytes)
            }
        }
    }

    // MARK: Errors

    @Test func `what is damaged or not understood is refused`() throws {
        let sample = Sample()
        var wrongCheck = sample.bytes
        wrongCheck[wrongCheck.count - 13] ^= 1
        let refused: [(String, [UInt8], CleaningError?)] = [
            ("nothing", [], .truncated), ("another format", Array("GIF89a".utf8) + sample.bytes, nil),
            ("a wrong check", wrongCheck, .corrupt("the check of a chunk IDAT is wrong")),
            (
                "an unknown critical chunk", Sample(before: [PNGChunk.made("CgBI", [0])]).bytes,
                .unsupported("a chunk CgBI")
            ),
            ("no data", Sample(data: []).bytes, .corrupt("it ends without a picture")),
            (
                "data in two pieces", Sample(after: [PNGChunk.made("tIME", []), sample.data[0]]).bytes,
                .corrupt("its data is not in one piece")
            ),
            ("two headers", Sample(before: [PNGChunk.made("IHDR", sample.header)]).bytes, nil),
            ("no width", Sample(header: [0, 0, 0, 0] + sample.header.dropFirst(4)).bytes, nil),
            ("three bits", Sample(header: sample.header.prefix(8) + [3, 0, 0, 0, 0]).bytes, nil),
            ("a palette for gray", Sample(before: [PNGChunk.made("PLTE", [1, 2, 3])]).bytes, nil),
            ("no palette", Sample(header: sample.header.prefix(8) + [8, 3, 0, 0, 0]).bytes, nil),
            ("transparency of a wrong length", Sample(before: [PNGChunk.made("tRNS", [1])]).bytes, nil),
            (
                "too many pixels", Sample(header: [0, 1, 0, 0, 0, 1, 0, 0, 8, 0, 0, 0, 0]).bytes,
                .excessive("more than 300 million pixels")
            ),
            (
                "too many chunks",
                Sample(before: [[UInt8]](repeating: PNGChunk.made("prVt", []), count: 10_000)).bytes,
                .excessive("more than 10,000 chunks beside its data, or 1,000,000 of data")
            ),
        ]
        for (reason, bytes, error) in refused {
            if let error {
                #expect(throws: error, "\(reason)") { try trial.run(bytes) }
            } else {
                #expect(throws: CleaningError.self, "\(reason)") { try trial.run(bytes) }
            }
        }
    }

    @Test func `damage never traps and lets nothing through`() throws {
        var sample = Self.animated
        sample.header[9] = 2
        sample.before = [Self.profile(.display)] + Self.telling.before + sample.before
        sample.after += Self.telling.after
        try trial.damage(
            sample.bytes, changes: 1500, planted: ["52.5200", "SERIAL4711", "Holiday", "Secret", "U2312HM"])
    }
}

extension String {
    fileprivate func hexadecimal(_ byte: UInt8) -> String {
        let digits = Array(self)
        return String([digits[Int(byte >> 4)], digits[Int(byte & 15)]])
    }
}
