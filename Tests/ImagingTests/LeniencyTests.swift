import Files
import TestSupport
import Testing

@testable import Imaging

/// Files that a decoder reads although they are damaged: what is sent, and what is said of the others.
@Suite(.enabled(if: Tool.areInstalled, "\(Tool.reason)"))
struct LeniencyTests {
    /// A damaged file, and what is expected of it.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let source: String
        /// A copy without what does not belong is sound.
        var isCopied = false
        let breakIt: @Sendable ([UInt8]) -> [UInt8]

        init(
            _ name: String, _ source: String = "baseline", isCopied: Bool = false,
            _ breakIt: @escaping @Sendable ([UInt8]) -> [UInt8]
        ) {
            self.name = name
            self.source = source
            self.isCopied = isCopied
            self.breakIt = breakIt
        }

        var testDescription: String { "\(name) in \(source)" }
        func bytes(_ studio: Studio) throws -> [UInt8] { breakIt(try studio.bytes(source)) }
    }

    /// Every row comes out.
    static let readable = [
        // Bytes between segments
        Case("two bytes before a table", isCopied: true) {
            BrokenJPEG.inserting([0, 0], at: BrokenJPEG.marker(0xDB, in: $0), into: $0)
        },
        Case("words before a table", isCopied: true) {
            BrokenJPEG.inserting(BrokenJPEG.secret, at: BrokenJPEG.marker(0xDB, in: $0), into: $0)
        },
        Case("words behind the first marker", isCopied: true) { Array($0[..<2]) + BrokenJPEG.secret + $0[2...] },
        Case("coded data before a table", isCopied: true) {
            BrokenJPEG.inserting([0x55, 0xFF, 0, 0x41], at: BrokenJPEG.marker(0xDB, in: $0), into: $0)
        },
        Case("a restart before the first scan", isCopied: true) { Array($0[..<2]) + [0xFF, 0xD3] + $0[2...] },
        Case("words between two scans", "progressive", isCopied: true) {
            BrokenJPEG.inserting(BrokenJPEG.secret, at: BrokenJPEG.scans($0)[2].lowerBound, into: $0)
        },
        // The end
        Case("no end", isCopied: true) { BrokenJPEG.withoutEnd($0) },
        Case("half an end", isCopied: true) { Array($0.dropLast()) },
        Case("no end", "progressive", isCopied: true) { BrokenJPEG.withoutEnd($0) },
        Case("no end", "restarts", isCopied: true) { BrokenJPEG.withoutEnd($0) },
        Case("a comment that is shorter than its length says, and no end", isCopied: true) {
            BrokenJPEG.withoutEnd($0) + [0xFF, 0xFE, 0x10, 0] + BrokenJPEG.secret
        },
        Case("a comment with a length of 1 at the end", isCopied: true) {
            BrokenJPEG.withoutEnd($0) + [0xFF, 0xFE, 0, 1] + BrokenJPEG.secret + [0xFF, 0xD9]
        },
        Case("an application's segment with a length of 0 in front", isCopied: true) {
            Array($0[..<2]) + [0xFF, 0xE7, 0, 0] + BrokenJPEG.secret + $0[2...]
        },
        Case("a second picture without an end in between", isCopied: true) { BrokenJPEG.withoutEnd($0) + $0 },
        Case("a second frame behind the scan", isCopied: true) {
            let frame = BrokenJPEG.marker(0xC0, in: $0)
            return BrokenJPEG.withoutEnd($0) + $0[frame..<frame + 19] + [0xFF, 0xD9]
        },
        Case("words behind the last row") { BrokenJPEG.withoutEnd($0) + BrokenJPEG.secret + [0xFF, 0xD9] },
        // Coded data
        Case("words before a restart", "restarts") {
            BrokenJPEG.inserting(BrokenJPEG.secret, at: BrokenJPEG.restart(1, in: $0), into: $0)
        },
        Case("a marker of no meaning before a restart", "restarts") {
            BrokenJPEG.inserting([0xFF, 0x9F] + BrokenJPEG.secret, at: BrokenJPEG.restart(1, in: $0), into: $0)
        },
        Case("a marker of no meaning behind the last row", isCopied: true) {
            BrokenJPEG.withoutEnd($0) + [0xFF, 0x9F] + BrokenJPEG.secret + [0xFF, 0xD9]
        },
        Case("numbers of a scan that mean nothing") {
            BrokenJPEG.setting(0, at: BrokenJPEG.dataStart($0) - 2, in: $0)
        },
        Case("a first scan that is sent twice", "progressive") {
            BrokenJPEG.inserting(Array($0[BrokenJPEG.scans($0)[0]]), at: BrokenJPEG.scans($0)[0].upperBound, into: $0)
        },
        Case("the usual tables left out", "usual-tables") { BrokenJPEG.without(0xC4, in: $0) },
    ]

    @Test(arguments: readable)
    func `a damaged file of which every row comes out is sent, without what does not belong`(_ broken: Case) throws {
        let studio = try Studio.open()
        let path = try studio.file(try broken.bytes(studio))
        let before = try GrayImage(studio.path(broken.source + ".jpg"), studio)
        for (quality, accepts) in [(Quality.standard, false), (.high, false), (.original, false), (.original, true)] {
            let prepared = try studio.prepare(path, quality, acceptsCorruption: accepts)
            #expect(prepared.picture.condition == .damaged)
            switch (quality, accepts) {
            case (.original, true):
                #expect(prepared.picture.treatment == (broken.isCopied ? .stripped(.asked) : .encodedAnew))
            case (.original, false): #expect(prepared.picture.treatment == .encodedAnew)
            default: #expect(prepared.picture.treatment == .compressed)
            }
            try expectSound(prepared, studio)
            let floor = quality == .standard ? 0.9 : 0.95
            #expect(try GrayImage(prepared.path, studio).similarity(to: before) > floor)
        }
    }

    /// Another decoder has nothing to say of it, nor has ours, and the words are not in it.
    private func expectSound(_ prepared: Prepared, _ studio: Studio) throws {
        try Tool.run("djpeg", ["-outfile", "/dev/null", prepared.path])
        #expect(try studio.prepare(prepared.path, .original).picture.condition == .sound)
        let words = String(decoding: BrokenJPEG.secret, as: UTF8.self)
        #expect(!String(decoding: try prepared.bytes, as: UTF8.self).contains(words))
    }

    // MARK: Lost picture

    static let incomplete: [(Case, PictureLoss)] = [
        (Case("the tail cut at 97 %") { BrokenJPEG.cut($0, at: 97) }, .edge(.lowest, percent: 5)),
        (Case("the tail cut at half") { BrokenJPEG.cut($0, at: 50) }, .edge(.lowest, percent: 53)),
        (Case("nearly nothing") { BrokenJPEG.cut($0, at: 1) }, .edge(.lowest, percent: 100)),
        (Case("an end in the middle") { BrokenJPEG.cut($0, at: 50) + [0xFF, 0xD9] }, .edge(.lowest, percent: 53)),
        (
            Case("a marker of no meaning") {
                BrokenJPEG.inserting([0xFF, 0x9F], at: BrokenJPEG.place(50, in: $0), into: $0)
            }, .edge(.lowest, percent: 53)
        ),
        (
            Case("a restart where there are none") {
                BrokenJPEG.inserting([0xFF, 0xD0], at: BrokenJPEG.place(50, in: $0), into: $0)
            }, .edge(.lowest, percent: 53)
        ),
        // Three rows of units, 16 rows each, between two restarts: 4 · 48 of 270 rows are there.
        (
            Case("the tail cut at a restart", "restarts") { Array($0.prefix(BrokenJPEG.restart(3, in: $0))) },
            .edge(.lowest, percent: 29)
        ),
        (
            Case("a marker of no meaning in one interval", "restarts") {
                BrokenJPEG.inserting([0xFF, 0x9F], at: BrokenJPEG.restart(1, in: $0) - 900, into: $0)
            }, .parts
        ),
        (
            Case("an interval lost", "restarts") {
                BrokenJPEG.without(BrokenJPEG.restart(1, in: $0)..<BrokenJPEG.restart(2, in: $0), in: $0)
            }, .parts
        ),
        (
            Case("half an interval lost", "restarts") {
                BrokenJPEG.without(BrokenJPEG.restart(2, in: $0) - 900..<BrokenJPEG.restart(2, in: $0), in: $0)
            }, .parts
        ),
        (
            Case("a restart with another's number", "restarts") {
                BrokenJPEG.setting(0xD5, at: BrokenJPEG.restart(1, in: $0) + 1, in: $0)
            }, .parts
        ),
        (
            Case("a code that there is not") {
                let ones: [UInt8] = Array(repeatElement([0xFF, 0] as [UInt8], count: 8).joined())
                return BrokenJPEG.inserting(ones, at: BrokenJPEG.place(50, in: $0), into: $0)
            }, .parts
        ),
        (
            Case("the tail cut in the first scan", "progressive") {
                Array($0.prefix(BrokenJPEG.scans($0)[0].lowerBound + 400))
            }, .parts
        ),
        (
            Case("the tail cut behind the first scan", "progressive") {
                Array($0.prefix(BrokenJPEG.scans($0)[0].upperBound))
            }, .details
        ),
        (Case("the tail cut in the last scan", "progressive") { Array($0.dropLast(900)) }, .details),
        (
            Case("a scan left out on which another builds", "progressive") { picture in
                // The first scan of Y's upper frequencies at half accuracy, which the last one refines.
                BrokenJPEG.without(BrokenJPEG.scans(picture)[4], in: picture)
            }, .details
        ),
        (Case("the tail cut", "arithmetic") { BrokenJPEG.cut($0, at: 50) }, .edge(.lowest, percent: 53)),
    ]

    @Test(arguments: incomplete)
    func `a file of which something is missing is refused with how much; who accepts that gets the rest`(
        broken: Case, loss: PictureLoss
    ) throws {
        let studio = try Studio.open()
        let path = try studio.file(try broken.bytes(studio))
        for quality in Quality.allCases {
            let error = #expect(throws: ImagingError.self) { try studio.prepare(path, quality) }
            #expect(error == .incomplete(loss))
            let prepared = try studio.prepare(path, quality, acceptsCorruption: true)
            #expect(prepared.picture.condition == .incomplete(loss))
            #expect(prepared.picture.treatment == (quality == .original ? .encodedAnew : .compressed))
            try expectSound(prepared, studio)
        }
    }

    // MARK: Refused

    static let unreadable: [(Case, ImagingError)] = [
        (
            Case("two frames") {
                let frame = BrokenJPEG.marker(0xC0, in: $0)
                return BrokenJPEG.inserting(Array($0[frame..<frame + 19]), at: frame, into: $0)
            }, .corrupt("it has two frames")
        ),
        (
            Case("no height") {
                let frame = BrokenJPEG.marker(0xC0, in: $0)
                return BrokenJPEG.setting(0, at: frame + 5, in: BrokenJPEG.setting(0, at: frame + 6, in: $0))
            }, .unsupported("its height is given only after its pixels")
        ),
        (
            Case("no quantization tables") { BrokenJPEG.without(0xDB, in: $0) },
            .corrupt("Quantization table 0x00 was not defined")
        ),
        (Case("no frame") { BrokenJPEG.without(0xC0, in: $0) }, .corrupt("it has no frame")),
        (
            Case("a reserved marker in front") { Array($0[..<2]) + [0xFF, 0x9F] + $0[2...] },
            .corrupt("unexpected marker 0x9f")
        ),
        (
            Case("a table with a length of 1") {
                BrokenJPEG.setting(1, at: BrokenJPEG.marker(0xDB, in: $0) + 3, in: $0)
            }, .corrupt("a segment has a wrong length")
        ),
        (Case("the front alone") { Array($0.prefix(BrokenJPEG.marker(0xDA, in: $0))) }, .truncated),
        (
            Case("a comment in front that is longer than the file") {
                Array($0[..<2]) + [0xFF, 0xFE, 0xFF, 0xFF] + $0[2...]
            },
            .truncated
        ),
    ]

    @Test(arguments: unreadable)
    func `a file of which nothing can be read is refused, accepted damage or not`(
        broken: Case, error: ImagingError
    ) throws {
        let studio = try Studio.open()
        let path = try studio.file(try broken.bytes(studio))
        for accepts in [false, true] {
            #expect(throws: error) { try studio.prepare(path, .standard, acceptsCorruption: accepts) }
        }
        #expect(!error.isDamage)
    }

    @Test func `what libjpeg warns of without damage is sound`() throws {
        let studio = try Studio.open()
        let baseline = try studio.bytes("baseline")
        let jfif = try #require(JPEGBytes.payload(of: 0xE0, in: baseline))
        let strangeAdobe = JPEGBytes.segment(0xEE, Array("Adobe".utf8) + [0, 100, 0, 0, 0, 0, 7])
        for picture in [
            BrokenJPEG.setting(9, at: jfif + 5, in: baseline),
            JPEGBytes.inserting(strangeAdobe, into: BrokenJPEG.without(0xE0, in: baseline)),
            // Fill bytes, and two pictures of which each has its end.
            BrokenJPEG.inserting([0xFF, 0xFF], at: BrokenJPEG.marker(0xDB, in: baseline), into: baseline),
            baseline + baseline,
        ] {
            #expect(try studio.prepare(picture, .original).picture.condition == .sound)
        }
    }

    @Test func `a damaged picture that no decoder reads needs the sender's word, and is copied without the rest`()
        throws
    {
        let studio = try Studio.open()
        var twelveBits = try studio.bytes("small")
        twelveBits[try #require(JPEGBytes.payload(of: 0xC0, in: twelveBits))] = 12
        let broken = Array(twelveBits[..<2]) + BrokenJPEG.secret + twelveBits[2...]
        #expect(throws: ImagingError.unsound(.twelveBit)) { try studio.prepare(broken, .standard) }
        let prepared = try studio.prepare(broken, .standard, acceptsCorruption: true)
        #expect(prepared.picture.treatment == .stripped(.twelveBit))
        #expect(prepared.picture.condition == .incomplete(.unknown))
        #expect(try prepared.bytes == studio.prepare(twelveBits, .standard).bytes)
    }

    @Test func `a picture encoded anew keeps its orientation, and a large one is streamed`() throws {
        let studio = try Studio.open()
        for name in ["baseline", "large"] {
            let turned = JPEGBytes.inserting(JPEGBytes.orientation(6), into: try studio.bytes(name))
            let prepared = try studio.prepare(BrokenJPEG.withoutEnd(turned), .original)
            let sound = try studio.prepare(turned, .original)
            #expect(prepared.picture.treatment == .encodedAnew)
            #expect(prepared.picture.width == sound.picture.width)
            let small = ["-auto-orient", "-resize", "200x300!"]
            let after = try GrayImage(prepared.path, studio, small)
            let before = try GrayImage(sound.path, studio, small)
            #expect(after.similarity(to: before) > 0.95)
            #expect((JPEGBytes.payload(of: 0xC2, in: try prepared.bytes) == nil) == (name == "large"))
        }
    }

    static let edges: [(UInt8, PictureLoss.PictureEdge)] = [
        (1, .lowest), (2, .lowest), (3, .uppermost), (4, .uppermost), (5, .rightmost), (6, .leftmost), (7, .leftmost),
        (8, .rightmost),
    ]

    @Test(arguments: edges)
    func `what is missing is told as it is displayed`(orientation: UInt8, edge: PictureLoss.PictureEdge) throws {
        let studio = try Studio.open()
        let half = BrokenJPEG.cut(try studio.bytes("baseline"), at: 50)
        let turned = JPEGBytes.inserting(JPEGBytes.orientation(orientation), into: half)
        #expect(throws: ImagingError.incomplete(.edge(edge, percent: 53))) { try studio.prepare(turned, .standard) }
        let picture = try GrayImage(try studio.prepare(turned, .high, acceptsCorruption: true).path, studio)
        // What is missing is of one gray.
        let (width, height) = (picture.width, picture.height)
        let missing = (0..<height).flatMap { row in
            (0..<width).filter { column in
                switch edge {
                case .lowest: row > height * 7 / 10
                case .uppermost: row < height * 3 / 10
                case .leftmost: column < width * 3 / 10
                case .rightmost: column > width * 7 / 10
                }
            }.map { picture.samples[row * width + $0] }
        }
        #expect(try #require(missing.max()) - (try #require(missing.min())) <= 6)
    }
}
