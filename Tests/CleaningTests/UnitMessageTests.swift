import Testing

@testable import Cleaning

/// Messages inside coded pictures of H.264 and H.265.
@Suite struct UnitMessageTests {
    private static let x264: [UInt8] = [
        0xDC, 0x45, 0xE9, 0xBD, 0xE6, 0xD9, 0x48, 0xB7, 0x96, 0x2C, 0xD8, 0x20, 0xD9, 0x23, 0xEE, 0xEF,
    ]
    private static let telling = x264 + .text("x264 - core 164 r3095 - options: HiddenWord=52.5200\0")
    private static let timing = message(1, [0, 0, 0, 1, 2])
    private static let timingEscaped: [UInt8] = [1, 5, 0, 0, 3, 0, 1, 2]

    private static func message(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [type] + [UInt8](repeating: 255, count: payload.count / 255) + [UInt8(payload.count % 255)] + payload
    }

    private func cleaned(_ unit: [UInt8]) throws -> (bytes: [UInt8], removed: Set<RemovedMetadata>)? {
        guard let cleaned = try CleanedUnit(unit) else { return nil }
        var bytes: [UInt8] = []
        for part in cleaned.copy.parts {
            switch part {
            case .bytes(let new): bytes += new
            case .filler(let count): bytes += [UInt8](repeating: 0xFF, count: Int(count))
            default: Issue.record("\(part)")
            }
        }
        #expect(bytes.count == unit.count)
        #expect(try CleanedUnit(bytes) == nil, "nothing is left to clean")
        return (bytes, cleaned.removed)
    }

    @Test func `of x264's text its number stays`() throws {
        let unit = [6] + Self.message(5, Self.telling) + [0x80]
        let (bytes, removed) = try #require(try cleaned(unit))
        let kept = Self.x264 + .text("x264 - core 164\0")
        let start: [UInt8] = [6] + Self.message(5, kept) + [3]
        #expect(bytes.starts(with: start) && bytes.last == 0x80)
        #expect(!bytes.contains("Hidden") && removed == [.encoder])
    }

    @Test(arguments: [0, 1, 200, 230, 252, 253, 254, 255, 256, 257, 258, 300, 509, 510, 511, 70_000])
    func `a filler has every length`(count: Int) throws {
        let payload = [UInt8](repeating: 0x41, count: 16 + count)
        let unit: [UInt8] = [6] + Self.message(5, payload) + [0x80]
        let (bytes, removed) = try #require(try cleaned(unit))
        #expect(!bytes.contains("AAAA"))
        #expect(removed == [.other])
    }

    @Test func `messages that decoders need stay, with their escapes`() throws {
        let recovery = Self.message(6, [0x84])
        var unit: [UInt8] = [6] + Self.timingEscaped
        unit += Self.message(5, Self.telling) + recovery + [0x80]
        let (bytes, _) = try #require(try cleaned(unit))
        let core = Self.message(5, Self.x264 + .text("x264 - core 164\0"))
        var start: [UInt8] = [6] + Self.timingEscaped
        start += core + recovery + [3]
        #expect(bytes.starts(with: start))
        let plain: [UInt8] = [6] + Self.timingEscaped + recovery + [0x80]
        #expect(try CleanedUnit(plain) == nil)
    }

    @Test func `a filler does not become an escape`() throws {
        let zeros: [UInt8] = [1, 2, 0, 0]
        let (bytes, _) = try #require(try cleaned([6] + zeros + Self.message(99, .text("HiddenWord")) + [0x80]))
        #expect(bytes.starts(with: [6, 1, 2, 0, 0, 3, 3, 9]))
    }

    /// Captions, light that changes, the light of a display.
    private static let shown: [[UInt8]] = [
        message(4, [0xB5, 0x00, 0x31] + .text("GA94")), message(4, [0xB5, 0x00, 0x3C, 0, 1, 4]),
        message(137, .text("light of a display")),
    ]
    /// A maker's own, a time of day, an unknown one, a filler that is none, x265's options, one that is too long.
    private static let hidden: [[UInt8]] = [
        message(4, [0xB5, 0x11, 0x11] + .text("HiddenWord")), message(136, .text("HiddenTime")),
        message(99, .text("HiddenWord")), message(3, .text("HiddenWord")),
        message(5, x264 + .text("x265 - HiddenWord")), [5, 200] + .text("HiddenWord"),
    ]
    private static let headers: [[UInt8]] = [[6], [0x4E, 1], [0x50, 1]]

    @Test(arguments: shown, headers) func `what is seen stays`(message: [UInt8], header: [UInt8]) throws {
        #expect(try cleaned(header + message + [0x80]) == nil)
    }

    @Test(arguments: hidden, headers) func `all else goes`(message: [UInt8], header: [UInt8]) throws {
        let (bytes, _) = try #require(try cleaned(header + message + [0x80]))
        #expect(bytes.starts(with: header + [3]) && !bytes.contains("Hidden"))
    }

    // MARK: In files

    private static func sample(_ units: [UInt8]...) -> [UInt8] {
        units.flatMap { BigEndian.bytes(UInt32($0.count)) + $0 }
    }

    private static let information: [UInt8] = [6] + message(5, telling) + [0x80]
    private static let slice: [UInt8] = [0x65] + .text("slice")

    @Test func `films lose them, and nothing moves`() throws {
        var film = FilmFixture()
        film.tracks[0].chunks = [[Self.sample(Self.information, Self.slice), Self.sample([0x41, 1, 2])]]
        let folder = try TestFolder()
        let cleaned = try CleanedBytes(film.bytes, in: folder, Film.clean)
        #expect(!cleaned.contains("Hidden") && cleaned.contains("x264 - core 164") && cleaned.contains("slice"))
        #expect(cleaned.file.removed.contains(.encoder))
        let again = try CleanedBytes(cleaned.bytes, in: folder, Film.clean)
        #expect(again.bytes == cleaned.bytes && again.file.removed.isEmpty)
        try expectSafe(film.bytes, planted: ["HiddenWord"], changes: 300, clean: Film.clean)
    }

    @Test func `two tracks may have the same samples, but not parts of each other's`() throws {
        let folder = try TestFolder()
        var film = FilmFixture()
        let sample = Self.sample(Self.information, Self.slice)
        film.tracks[0].chunks = [[sample]]
        film.tracks.append(film.tracks[0])
        film.tracks[1].id = 2
        let shared = try Self.moving(film.bytes, to: sample)
        #expect(!(try CleanedBytes(shared, in: folder, Film.clean).contains("Hidden")))
        // Where the second begins inside of the first, another unit seems to be.
        let inner: [UInt8] = [6] + Self.message(5, Self.x264 + Self.sample(Self.information)) + [0x80]
        film.tracks[0].chunks = [[Self.sample(inner)]]
        film.tracks[1].chunks = [[Self.sample(Self.information)]]
        let nested = try Self.moving(film.bytes, to: Self.sample(Self.information))
        #expect(throws: CleaningError.unsupported("samples that lie within each other")) {
            try CleanedBytes(nested, in: folder, Film.clean)
        }
    }

    /// The film with the only chunk of its second track where these bytes are for the first time.
    private static func moving(_ film: [UInt8], to sample: [UInt8]) throws -> [UInt8] {
        var bytes = film
        let tables = bytes.indices.dropLast(15).filter { bytes[$0..<$0 + 4].elementsEqual([UInt8].text("stco")) }
        let start = try #require(bytes.position(of: sample))
        bytes.replaceSubrange(tables[1] + 12..<tables[1] + 16, with: BigEndian.bytes(UInt32(start)))
        return bytes
    }

    @Test func `pictures of HEIF lose them`() throws {
        var picture = HEIFFixture()
        let unit: [UInt8] = [0x4E, 1] + Self.message(5, Self.x264 + .text("x265 (build 199) - HiddenWord")) + [0x80]
        // The settings of the fixture say that lengths have two bytes.
        picture.items[0].data = BigEndian.bytes(UInt16(unit.count)) + unit + [0, 3, 0x26, 1, 7]
        let folder = try TestFolder()
        let clean: (SourceBytes) throws -> CleanedFile = { try HEIF.clean($0) { _ in (nil, []) } }
        let cleaned = try CleanedBytes(picture.bytes, in: folder, clean)
        #expect(cleaned.bytes.count == picture.bytes.count && !cleaned.contains("Hidden"))
        #expect(cleaned.file.removed.contains(.encoder) && cleaned.bytes.ends(with: [0, 3, 0x26, 1, 7]))
        let again = try CleanedBytes(cleaned.bytes, in: folder, clean)
        #expect(again.bytes == cleaned.bytes && again.file.removed.isEmpty)
    }

    private typealias M = MatroskaSample
    private static let configuration: [UInt8] = [1, 66, 0, 30, 0xFF, 0xE1, 0, 4, 0x67, 66, 0, 30, 1, 0, 3, 0x68, 1, 2]

    @Test(arguments: [0, 1, 2, 3, 200])
    func `Matroska loses them, and what lies behind settings of a decoder`(more: Int) throws {
        func film(_ settings: [UInt8]) -> [UInt8] {
            let track = M.track(
                1, type: 1, codec: "V_MPEG4/ISO/AVC",
                settings + M.element(0xE0, M.element(0xB0, 320, bytes: 2) + M.element(0xBA, 240, bytes: 2)))
            let frame = Self.sample(Self.information, Self.slice)
            return M.film(
                M.info(), M.tracks(track),
                M.cluster(
                    M.element(0xA3, [0x81, 0, 0, 0x80] + frame),
                    M.element(0xA0, M.element(0x9B, 40) + M.element(0xA1, [0x81, 0, 40, 0] + frame))))
        }
        let hidden = Array(("HiddenWord" + String(repeating: "x", count: 200)).utf8.prefix(more))
        let bytes = film(M.element(0x63A2, Self.configuration + hidden))
        let (file, copy) = try CleaningTrial(Matroska.clean).runTwice(bytes)
        #expect(copy.count == bytes.count && !copy.contains("Hidden") && file.removed.isSuperset(of: [.encoder]))
        #expect(more < 3 || !copy.contains(String(decoding: hidden, as: UTF8.self)))
        #expect(copy.position(of: Self.configuration) != nil && copy.contains("slice"))
    }
}

/// Parameter sets of H.264, as x264 has written them.
@Suite struct AVCParameterSetTests {
    /// Of the profiles Baseline, Main, High, High 4:4:4, and High with lists and a constant rate.
    private static let sequences: [[UInt8]] = [
        [
            0x67, 0x42, 0xC0, 0x0B, 0xD9, 0x02, 0xC4, 0x78, 0x89, 0x30, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00,
            0x03, 0x00, 0x32, 0x0F, 0x14, 0x2A, 0x48,
        ],
        [
            0x67, 0x4D, 0x40, 0x0B, 0xEC, 0xA1, 0x62, 0x3C, 0x44, 0x98, 0x08, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00,
            0x00, 0x19, 0x07, 0x8A, 0x14, 0xCB,
        ],
        [
            0x67, 0x64, 0x00, 0x0B, 0xAC, 0xD9, 0x42, 0xC4, 0x78, 0x89, 0x30, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00,
            0x00, 0x03, 0x00, 0x32, 0x0F, 0x14, 0x29, 0x96,
        ],
        [
            0x67, 0xF4, 0x00, 0x0B, 0x91, 0x9B, 0x28, 0x58, 0x8F, 0x1F, 0x3E, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0x20,
            0x00, 0x00, 0x06, 0x41, 0xE2, 0x85, 0x32, 0xC0,
        ],
        [
            0x67, 0x64, 0x00, 0x0D, 0xAC, 0xD9, 0x42, 0xC4, 0x78, 0x89, 0x30, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00,
            0x00, 0x03, 0x00, 0x32, 0x60, 0x20, 0x01, 0xE8, 0x40, 0x00, 0x7A, 0x13, 0x93, 0x0C, 0x01, 0xE2, 0x85, 0x32,
            0xC0,
        ],
    ]
    private static let pictures: [[UInt8]] = [
        [0x68, 0xCB, 0x83, 0xCB, 0x20],
        [0x68, 0xEB, 0xE3, 0xCB, 0x20],
        [0x68, 0xEB, 0xE3, 0xCB, 0x22, 0xC0],
        [0x68, 0xEB, 0xE3, 0xC4, 0x48, 0x44],
        [0x68, 0xEB, 0xEC, 0xB3, 0x00, 0x2C],
    ]

    @Test(arguments: sequences + pictures) func `what an encoder has written stays`(unit: [UInt8]) {
        #expect(AVCParameterSets.bounded(unit) == unit)
    }

    @Test(arguments: sequences + pictures[2...3]) func `what lies behind the end of the syntax goes`(unit: [UInt8]) {
        #expect(AVCParameterSets.bounded(unit + .text("HiddenWord")) == unit)
        #expect(AVCParameterSets.bounded(unit + [0, 0, 0]) == unit)
    }

    @Test func `what is not understood stays as it is`() {
        for unit in [[0x67], [0x67, 66, 0, 30], [0x68, 1, 2], [0x6D, 1, 2, 3]] as [[UInt8]] {
            #expect(AVCParameterSets.bounded(unit) == unit)
        }
    }
}
