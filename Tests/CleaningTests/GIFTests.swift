import Testing

@testable import Cleaning

@Suite struct GIFTests {
    /// Blocks of a GIF of 1 × 1 pixel with two colours.
    static let header = Array("GIF89a".utf8) + [1, 0, 1, 0, 0x80, 0, 49, 0, 0, 0, 255, 255, 255]
    static let image: [UInt8] = [0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0]
    static let control: [UInt8] = [0x21, 0xF9, 4, 4, 25, 0, 0, 0]
    static let loops = application("NETSCAPE2.0", [3, 1, 0, 0, 0])
    static let plain: [UInt8] = [0x21, 1, 12, 0, 0, 0, 0, 1, 0, 1, 0, 8, 8, 1, 0, 2, 72, 73, 0]

    static func application(_ name: String, _ blocks: [UInt8]) -> [UInt8] {
        [0x21, 0xFF, UInt8(name.utf8.count)] + Array(name.utf8) + blocks
    }

    static func comment(_ text: String) -> [UInt8] { [0x21, 0xFE, UInt8(text.utf8.count)] + Array(text.utf8) + [0] }

    static func gif(_ blocks: [UInt8]...) -> [UInt8] { header + blocks.flatMap { $0 } + [0x3B] }

    static let telling = gif(
        loops, comment("52.5200"), application("XMP DataXMP", [6] + Array("SECRET".utf8) + [0]),
        application("PRIVATE4711", [4] + Array("ABCD".utf8) + [0]), [0x21, 0x77, 3] + Array("xyz".utf8) + [0],
        control, comment("SERIAL4711"), image, control, image)

    let trial: CleaningTrial

    init() throws { trial = try CleaningTrial(GIF.clean) }

    @Test func `comments, applications and what follows the end go, frames and times stay`() throws {
        let (file, copy) = try trial.run(Self.telling + Array("TRAILING".utf8))
        #expect(copy == Self.gif(Self.loops, Self.control, Self.image, Self.control, Self.image))
        #expect(file.removed == [.text, .xmp, .other, .trailing])
        #expect(file.seconds == 0.5 && file.size.map { $0 == (1, 1) } ?? false)
    }

    @Test func `what tells nothing stays as it is`() throws {
        for bytes in [
            Self.gif(Self.image), Self.gif(Self.loops, Self.control, Self.image), Self.gif(Self.plain, Self.image),
            Self.gif(Self.application("ANIMEXTS1.0", [3, 1, 5, 0, 0]), Self.control, Self.plain, Self.image),
        ] {
            let (file, copy) = try trial.run(bytes)
            #expect(copy == bytes && file.removed.isEmpty && file.seconds == nil)
        }
    }

    @Test func `of the number of runs, only the number stays`() throws {
        let more = Self.application("NETSCAPE2.0", [3, 1, 0, 0, 5, 2, 1, 2, 3, 4, 7] + Array("52.5200".utf8) + [0])
        let (file, copy) = try trial.run(Self.gif(more, Self.loops, Self.image))
        #expect(copy == Self.gif(Self.loops, Self.image) && file.removed == [.other])
        let (_, other) = try trial.run(Self.gif(Self.application("NETSCAPE2.0", [3, 2, 0, 0, 0]), Self.image))
        #expect(other == Self.gif(Self.image))
    }

    @Test func `reserved bits become zero`() throws {
        var (control, image) = (Self.control, Self.image)
        control[3] |= 0xA0
        image[9] |= 0x18
        let (file, copy) = try trial.runTwice(Self.gif(control, image))
        #expect(copy == Self.gif(Self.control, Self.image) && file.removed == [.other])
    }

    @Test func `a control without a picture goes, the last before one counts`() throws {
        var second = Self.control
        second[4] = 50
        let (file, copy) = try trial.run(Self.gif(Self.control, second, Self.image, Self.control))
        #expect(copy == Self.gif(second, Self.image) && file.removed == [.other])
    }

    @Test func `what is damaged or over the limits is refused`() throws {
        var large = Self.gif(Self.image)
        large[7] = 0x41
        var empty = Self.gif(Self.image)
        empty[6] = 0
        let many = Self.header + [[UInt8]](repeating: Self.image, count: 5_001).flatMap { $0 } + [0x3B]
        let refused: [(String, [UInt8], CleaningError)] = [
            ("nothing", [], .truncated), ("no end", Self.gif(Self.image).dropLast(), .truncated),
            ("another format", Self.header.map { $0 ^ 1 }, .corrupt("it does not start like a GIF")),
            ("no picture", Self.gif(Self.loops), .corrupt("it has no picture")),
            ("no block", Self.gif([0x55]), .corrupt("something that is no block stands at 19")),
            (
                "a long control", Self.gif([0x21, 0xF9, 5, 1, 2, 3, 4, 5, 0]),
                .corrupt("a graphic control in it has a wrong length")
            ),
            ("a short plain text", Self.gif([0x21, 1, 1, 1, 0]), .corrupt("a plain text in it has a wrong length")),
            (
                "codes of no size", Self.gif(Self.image.prefix(10) + [0, 1, 1, 0]),
                .corrupt("a picture in it has codes of no known size")
            ),
            ("an empty screen", empty, .corrupt("its screen is empty")),
            ("a large screen", large, .excessive("more than 16,384 pixels on an edge")),
            ("many frames", many, .excessive("more than 5,000 frames")),
        ]
        for (reason, bytes, error) in refused {
            #expect(throws: error, "\(reason)") { try trial.run(bytes) }
        }
    }

    @Test func `damage never traps`() throws { try trial.damage(Self.telling, changes: 2000, planted: []) }
}
