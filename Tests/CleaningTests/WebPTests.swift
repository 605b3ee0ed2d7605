import Testing

@testable import Cleaning

@Suite struct WebPTests {
    /// Pictures of 1 × 1 pixel, made by libwebp.
    static let lossless: [UInt8] = [0x2F, 0, 0, 0, 0x10, 7, 0x10, 0x11, 0x11, 0x88, 0x88, 0xFE, 7]
    static let lossy: [UInt8] = [
        0x30, 1, 0, 0x9D, 1, 0x2A, 1, 0, 1, 0, 0x0E, 0xC0, 0xFE, 0x25, 0xA4, 0, 3, 0x70, 0, 0, 0, 0,
    ]

    static func chunk(_ name: ChunkName, _ contents: [UInt8]) -> [UInt8] {
        RIFFChunk.header(name, length: Int64(contents.count)) + contents + (contents.count % 2 == 0 ? [] : [0])
    }

    static func header(_ flags: UInt8, _ width: UInt8 = 1, _ height: UInt8 = 1) -> [UInt8] {
        chunk("VP8X", [flags, 0, 0, 0, width - 1, 0, 0, height - 1, 0, 0])
    }

    static func webp(_ chunks: [UInt8]...) -> [UInt8] {
        let body = Array("WEBP".utf8) + chunks.flatMap { $0 }
        return RIFFChunk.header("RIFF", length: Int64(body.count)) + body
    }

    static func frame(_ contents: [UInt8], flags: UInt8 = 2) -> [UInt8] {
        chunk("ANMF", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 250, 0, 0, flags] + contents)
    }

    static let alpha = chunk("ALPH", [0, 200])
    static let control = chunk("ANIM", [0, 0, 0, 0, 0, 0])

    static let telling = webp(
        header(0x3C), chunk("ICCP", ProfileSample.display.bytes), chunk("PRVT", Array("SERIAL4711".utf8)), alpha,
        chunk("VP8 ", lossy), chunk("EXIF", ExifSample.telling(orientation: 6)),
        chunk("XMP ", Array("<x>52.5200</x>".utf8)))

    static let animated = webp(
        header(2), control, frame(chunk("VP8L", lossless)),
        frame(alpha + chunk("VP8 ", lossy) + chunk("PRVT", Array("SERIAL4711".utf8)), flags: 0xFE),
        chunk("EXIF", ExifSample.telling(orientation: 1)))

    let trial: CleaningTrial

    init() throws { trial = try CleaningTrial(WebP.clean) }

    @Test func `what tells nothing stays as it is`() throws {
        for bytes in [
            Self.webp(Self.chunk("VP8L", Self.lossless)), Self.webp(Self.chunk("VP8 ", Self.lossy)),
            Self.webp(Self.header(0x10), Self.alpha, Self.chunk("VP8 ", Self.lossy)),
        ] {
            let (file, copy) = try trial.run(bytes)
            #expect(copy == bytes && file.removed.isEmpty && file.seconds == nil)
            #expect(file.size.map { $0 == (1, 1) } ?? false)
        }
    }

    @Test func `EXIF, XMP, a display's identity and unknown chunks go, the orientation stays`() throws {
        let (file, copy) = try trial.run(Self.telling + Array("TRAILING".utf8))
        #expect(file.removed == [.camera, .encoder, .time, .gps, .xmp, .profile, .other, .trailing])
        for planted in ExifSample.planted + ["CALIBRATED", "U2312HM", "PRVT", "XMP ", "TRAILING", "DELL"] {
            #expect(!copy.tells(planted), "\(planted)")
        }
        guard case .rebuilt(let profile) = CleanProfile(ProfileSample.display.bytes[...], of: .rgb).replacement else {
            Issue.record("the profile is dropped")
            return
        }
        #expect(
            copy
                == Self.webp(
                    Self.header(0x38), Self.chunk("ICCP", profile), Self.alpha, Self.chunk("VP8 ", Self.lossy),
                    Self.chunk("EXIF", ExifReader.minimal(.rightTurn))))
        _ = try trial.runTwice(Self.telling)
    }

    @Test func `the flags say what is left`() throws {
        let bytes = Self.webp(
            Self.header(0xFD), Self.chunk("ICCP", ProfileSample.standard(.sRGB).bytes),
            Self.chunk("VP8L", Self.lossless),
            Self.chunk("EXIF", ExifReader.label + ExifReader.minimal(.upright)))
        let (file, copy) = try trial.run(bytes)
        #expect(copy == Self.webp(Self.header(0x10), Self.chunk("VP8L", Self.lossless)) && file.removed.isEmpty)
    }

    @Test func `an animation stays, with its duration and nothing beside its pictures`() throws {
        let (file, copy) = try trial.run(Self.animated)
        #expect(file.removed == [.camera, .encoder, .time, .gps, .other] && file.seconds == 0.5)
        let second = Self.frame(Self.alpha + Self.chunk("VP8 ", Self.lossy))
        #expect(copy == Self.webp(Self.header(2), Self.control, Self.frame(Self.chunk("VP8L", Self.lossless)), second))
    }

    @Test func `EXIF and XMP in a file without the header for them go`() throws {
        let picture = Self.chunk("VP8L", Self.lossless)
        let (file, copy) = try trial.run(Self.webp(picture, Self.chunk("EXIF", ExifSample.telling(orientation: 6))))
        #expect(copy == Self.webp(picture) && file.removed.contains(.gps))
    }

    @Test func `what is damaged or over the limits is refused`() throws {
        let picture = Self.chunk("VP8L", Self.lossless)
        let frames = [[UInt8]](repeating: Self.frame(picture), count: 5_001).flatMap { $0 }
        var unlike = Self.lossless
        unlike[0] = 0x2E
        let refused: [(String, [UInt8])] = [
            ("nothing", []), ("another format", Array("RIFF".utf8) + [4, 0, 0, 0] + Array("WAVE".utf8)),
            ("a RIFF without chunks", Self.webp()), ("it is cut", Self.webp(picture).dropLast(2)),
            ("no picture", Self.webp(Self.header(0))), ("alpha alone", Self.webp(Self.header(0x10), Self.alpha)),
            ("two headers", Self.webp(Self.header(0), Self.header(0), picture)),
            ("two pictures", Self.webp(Self.header(0), picture, picture)),
            ("two pictures without a header", Self.webp(picture, picture)),
            ("another size", Self.webp(Self.header(0, 2, 1), picture)),
            ("a picture that is none", Self.webp(Self.chunk("VP8L", unlike))),
            ("an empty alpha", Self.webp(Self.header(0x10), Self.chunk("ALPH", [0]), Self.chunk("VP8 ", Self.lossy))),
            ("a frame in a still", Self.webp(Self.header(0), Self.control, Self.frame(picture))),
            ("frames without control", Self.webp(Self.header(2), Self.frame(picture))),
            ("a still in an animation", Self.webp(Self.header(2), Self.control, picture)),
            ("a frame without a picture", Self.webp(Self.header(2), Self.control, Self.frame([]))),
            ("a chunk beyond its frame", Self.webp(Self.header(2), Self.control, Self.frame(picture.dropLast(4)))),
            ("a large canvas", Self.webp(Self.chunk("VP8X", [0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0]), picture)),
            ("many frames", Self.webp(Self.header(2), Self.control, frames)),
            (
                "many chunks",
                Self.webp(picture, [[UInt8]](repeating: Self.chunk("PRVT", []), count: 10_000).flatMap { $0 })
            ),
        ]
        for (reason, bytes) in refused {
            #expect(throws: CleaningError.self, "\(reason)") { try trial.run(bytes) }
        }
    }

    @Test func `damage never traps`() throws {
        try trial.damage(Self.telling, changes: 1000, planted: [])
        try trial.damage(Self.animated, changes: 1000, planted: [])
    }
}
