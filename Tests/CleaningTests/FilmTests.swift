import Files
import Testing

@testable import Cleaning

@Suite struct FilmTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func clean(_ film: FilmFixture) throws -> CleanedBytes {
        try CleanedBytes(film.bytes, in: folder, Film.clean)
    }

    /// The film's planted words, each in another place.
    private static let planted = [
        "52.5200", "SN123456", "PlantedTitle", "PlantedHandler", "PlantedCompressor", "PlantedXMP", "PlantedNote",
        "VNDR",
        "freeGPS", "telemetry-1", "niko",
    ]

    private static var full: FilmFixture {
        var film = FilmFixture()
        let sound = FilmFixture.Track(
            id: 2, handler: "soun", entry: FilmFixture.sound("mp4a", extra: FilmFixture.elementaryStream()),
            chunks: [[.text("sound-1")], [.text("sound-2")]])
        let telemetry = FilmFixture.Track(
            id: 3, handler: "meta", entry: .box("mebx", [0, 0, 0, 0, 0, 0, 0, 1] + .text("PlantedNote")),
            chunks: [[.text("telemetry-1 52.5200")], [.text("telemetry-2")]],
            extra: .box("tref", .box("cdsc", [0, 0, 0, 1])))
        film.tracks = [FilmFixture.Track(id: 1), sound, telemetry]
        film.tracks[0].extra = .box("udta", FilmFixture.userText("©nam", "PlantedTitle"))
        film.movieExtra =
            [UInt8].box("udta", FilmFixture.userText("©xyz", "+52.5200+013.4050/") + .box("SNum", .text("SN123456")))
            + FilmFixture.keys([
                ("com.apple.quicktime.location.ISO6709", "+52.5200+013.4050/"),
                ("com.apple.quicktime.model", "SN123456"),
            ])
        let xmp: [UInt8] = [
            0xBE, 0x7A, 0xCF, 0xCB, 0x97, 0xA9, 0x42, 0xE8, 0x9C, 0x71, 0x99, 0x94, 0x91, 0xE3, 0xAF, 0xAC,
        ]
        film.before = [UInt8].box("free", .text("PlantedNote")) + .box("uuid", xmp + .text("PlantedXMP"))
        film.after = .box("skip", .text("SN123456"))
        return film
    }

    @Test func `everything that a film tells goes, and its samples stay in order`() throws {
        var film = Self.full
        film.gap = .text("freeGPS 52.5200")
        let cleaned = try clean(film)
        for word in Self.planted { #expect(!cleaned.contains(word), "\(word)") }
        #expect(cleaned.bytes.position(of: BigEndian.bytes(UInt32(FilmFixture.time))) == nil)
        #expect(cleaned.bytes.ends(with: .text("frame-1frame-2sound-1frame-3sound-2")))
        #expect(cleaned.file.removed == [.gps, .camera, .xmp, .text, .time, .encoder, .telemetry])
        #expect(cleaned.file.size?.width == 640 && cleaned.file.size?.height == 360 && cleaned.file.seconds == 2)
        let again = try CleanedBytes(cleaned.bytes, in: folder, Film.clean)
        #expect(again.bytes == cleaned.bytes && again.file.removed.isEmpty)
    }

    /// Whatever their description is: they are not looked at.
    @Test(arguments: ["text", "tx3g"]) func `titles of chapters go`(entry: String) throws {
        var film = FilmFixture()
        film.tracks[0].extra += .box("tref", .box("chap", [0, 0, 0, 2]))
        film.tracks.append(
            FilmFixture.Track(
                id: 2, handler: "text", entry: .box(BoxType(stringLiteral: entry), [UInt8](repeating: 0, count: 43)),
                chunks: [[[0, 12] + .text("PlantedTitle")]]))
        let cleaned = try clean(film)
        #expect(!cleaned.contains("PlantedTitle") && !cleaned.contains("chap"))
        #expect(cleaned.bytes.ends(with: .text("frame-1frame-2frame-3")))
        #expect(cleaned.file.removed.contains(.text) && !cleaned.file.removed.contains(.telemetry))
    }

    @Test func `the maker of a telephone is told as a camera, not as a time`() throws {
        var film = FilmFixture()
        film.movieExtra = FilmFixture.keys([("com.apple.quicktime.make", "PlantedMake")])
        let removed = try clean(film).file.removed
        #expect(removed.contains(.camera))
        film.movieExtra = FilmFixture.keys([("com.apple.quicktime.software", "PlantedTool")])
        #expect(try !clean(film).file.removed.contains(.camera))
    }

    @Test(arguments: [0, 4, 8, 16, 32]) func `samples are found by sizes of every width`(bits: Int) throws {
        var film = FilmFixture()
        film.tracks[0].sizeBits = bits
        film.tracks[0].version = 1
        #expect(film.bytes.position(of: BigEndian.bytes(FilmFixture.time)) != nil)
        film.tracks[0].usesWideOffsets = bits == 8
        film.gap = [1, 2, 3]
        let cleaned = try clean(film)
        #expect(cleaned.bytes.ends(with: .text("frame-1frame-2frame-3")))
        #expect(!cleaned.contains("co64") && cleaned.contains("stco"))
        #expect(cleaned.bytes.position(of: BigEndian.bytes(UInt32(FilmFixture.time))) == nil)
        #expect(cleaned.file.removed.contains(.other), "gaps were not empty")
    }

    @Test func `a turned film is told as it is displayed`() throws {
        var film = FilmFixture()
        film.tracks[0].matrix = [0, 0x10000, 0, UInt32(bitPattern: -0x10000), 0, 0, 0x168_0000, 0, 0x4000_0000]
        let cleaned = try clean(film)
        #expect(cleaned.file.size?.width == 360 && cleaned.file.size?.height == 640)
        #expect(cleaned.bytes.contains("tkhd"))
    }

    @Test func `the longest track counts, as its edits say`() throws {
        var film = FilmFixture()
        let edit = BigEndian.bytes(UInt32(900)) + [0, 0, 0, 0, 0, 1, 0, 0]
        film.tracks[0].extra = .box("edts", .fullBox("elst", [0, 0, 0, 1] + edit))
        let cleaned = try clean(film)
        #expect(cleaned.file.seconds == 1.5)
        #expect(cleaned.contains("elst"))
    }

    @Test func `frames of sound that a table counts are whole`() throws {
        var film = FilmFixture()
        // Two channels of 16 bits: three frames are twelve bytes, and the table says one byte each.
        film.tracks = [
            FilmFixture.Track(
                id: 1, handler: "soun", entry: FilmFixture.sound(), chunks: [[[1], [2], [3]]], sizeBits: 0)
        ]
        var bytes = film.bytes
        let data = [UInt8].box("mdat", [1, 2, 3])
        let position = try #require(bytes.position(of: data))
        bytes.replaceSubrange(position..<position + data.count, with: [UInt8].box("mdat", Array(1...15)))
        let cleaned = try CleanedBytes(bytes, in: folder, Film.clean)
        #expect(cleaned.bytes.ends(with: .box("mdat", Array(1...12))))
    }

    @Test func `only the samples to leave out stay of what iTunes writes`() throws {
        func item(_ name: String, _ value: String) -> [UInt8] {
            .box(
                "----",
                .fullBox("mean", .text("com.apple.iTunes")) + .fullBox("name", .text(name))
                    + .fullBox("data", flags: 1, [0, 0, 0, 0] + .text(value)))
        }
        let list =
            item("iTunSMPB", " 00000000 00000840 000001ca 00000000003F31F6 00000000 PlantedNote")
            + item("SN", "SN123456")
        var film = FilmFixture()
        let handler = [UInt8].fullBox("hdlr", [UInt8](repeating: 0, count: 21))
        film.movieExtra = .box("udta", .fullBox("meta", handler + .box("ilst", list)))
        let cleaned = try clean(film)
        #expect(cleaned.contains(" 00000000 00000840 000001CA 00000000003F31F6 00000000 00000000"))
        #expect(!cleaned.contains("PlantedNote") && !cleaned.contains("SN123456"))
        #expect(cleaned.file.removed.contains(.text))
        let again = try CleanedBytes(cleaned.bytes, in: folder, Film.clean)
        #expect(again.bytes == cleaned.bytes && again.file.removed.isEmpty)
    }

    @Test(arguments: [
        ("Hello", false), ("GPS (13.4050, 52.5200, 16)", true), ("HOME(E: 13.40, N: 52.52)", true), ("1.2345", true),
        ("$GPRMC,070809,A", true), ("$GLGGA,070809", true), ("48°08'14.7\"N", true), ("lat: 48.137", true),
        ("48,13743", true),
        ("It is 20° warm", false), ("in 1,234 cases", false), ("version 1.234 costs 12.50", false), (".1234", false),
    ])
    func `subtitles that tell positions go`(text: String, tells: Bool) throws {
        var film = FilmFixture()
        let subtitle = FilmFixture.Track(
            id: 2, handler: "sbtl",
            entry: .box("tx3g", [UInt8](repeating: 0, count: 7) + [1] + [UInt8](repeating: 0, count: 30)),
            chunks: [[[0, UInt8(text.utf8.count)] + .text(text)]])
        film.tracks.append(subtitle)
        let cleaned = try clean(film)
        #expect(cleaned.contains(text) == !tells)
        #expect(cleaned.file.removed.contains(.gps) == tells)
    }

    @Test func `what a decoder needs stays, and what names its encoder goes`() throws {
        let message: [UInt8] = [0x4E, 1, 5] + .text("PlantedOptions")
        let configuration: [UInt8] =
            [UInt8](repeating: 1, count: 22) + [2, 0xA1, 0, 1, 0, 3, 0x42, 1, 7, 0xA7, 0, 1, 0, UInt8(message.count)]
            + message
        var film = FilmFixture()
        film.tracks[0].entry = FilmFixture.video(
            "hvc1", configuration: .box("hvcC", configuration),
            extra: .box("colr", .text("nclx") + [0, 1, 0, 1, 0, 1, 0] + .text("PlantedNote"))
                + .box("pasp", [0, 0, 0, 1, 0, 0, 0, 1])
                + .box("uuid", [UInt8](repeating: 7, count: 16) + .text("SN123456")))
        let cleaned = try clean(film)
        for word in ["PlantedOptions", "PlantedNote", "SN123456"] { #expect(!cleaned.contains(word), "\(word)") }
        for word in ["hvcC", "nclx", "pasp"] { #expect(cleaned.contains(word), "\(word)") }
    }

    @Test func `descriptors beside a decoder's go`() throws {
        var film = FilmFixture()
        film.tracks[0] = FilmFixture.Track(
            id: 1, handler: "soun",
            entry: FilmFixture.sound("mp4a", extra: FilmFixture.elementaryStream(extra: [0x43, 8] + .text("SN123456"))))
        let cleaned = try clean(film)
        #expect(!cleaned.contains("SN123456") && cleaned.contains("esds"))
    }

    @Test func `what follows a whole film goes`() throws {
        var film = FilmFixture()
        film.after = .text("\u{1}\u{1}\u{1}\u{1} a camera's own 52.5200")
        let cleaned = try clean(film)
        #expect(!cleaned.contains("52.5200") && cleaned.file.removed.contains(.trailing))
    }

    private static let refused: [(String, CleaningError, @Sendable (inout FilmFixture) -> Void)] = [
        ("no tracks", .corrupt("it has no box “moov”"), { $0 = FilmFixture(tracks: []) }),
        (
            "another file", .unsupported("a reference to another file"),
            { $0.tracks[0].reference = .fullBox("url ", .text("file:///x\u{0}")) }
        ),
        ("compressed", .unsupported("its description is compressed (cmov)"), { $0.movieExtra = .box("cmov", []) }),
        ("no picture", .unsupported("no track of film, sound or text"), { $0.tracks[0].handler = "meta" }),
        ("a codec", .unsupported("a track compressed as “jpeg”"), { $0.tracks[0].entry = FilmFixture.video("jpeg") }),
        ("encrypted", .unsupported("a track compressed as “encv”"), { $0.tracks[0].entry = FilmFixture.video("encv") }),
        ("twice", .corrupt("two tracks have one number"), { $0.tracks.append($0.tracks[0]) }),
        ("two movies", .corrupt("it has more than one box “moov”"), { $0.after = $0.movie(start: 0) }),
        (
            "tracks", .excessive("more than 64 tracks"),
            { film in
                film.tracks = (1...65).map { FilmFixture.Track(id: $0, chunks: [[[1]]]) }
            }
        ),
        (
            "foreign unit", .corrupt("a decoder's settings have a foreign unit"),
            {
                $0.tracks[0].entry = FilmFixture.video(
                    configuration: .box("avcC", [1, 66, 0, 30, 0xFF, 0xE1, 0, 2, 0x06, 5, 0]))
            }
        ),
    ]

    @Test(arguments: refused.indices) func `what is not understood is refused`(index: Int) throws {
        let (name, error, change) = Self.refused[index]
        if name == "no tracks" {
            let bytes = [UInt8].box("ftyp", .text("isom") + [0, 0, 0, 0])
            #expect(throws: error) { try CleanedBytes(bytes, in: folder, Film.clean) }
            return
        }
        var film = FilmFixture()
        change(&film)
        #expect(throws: error, "\(name)") { try clean(film) }
    }

    @Test func `samples outside of the data are refused`() throws {
        let film = FilmFixture()
        let bytes = film.bytes
        let table = try #require(bytes.position(of: .text("stco")))
        for (offset, error) in [
            (0, CleaningError.corrupt("samples lie outside of its data")), (0xFFFF_FF00, .truncated),
            (bytes.count - 3, .truncated),
        ] {
            var changed = bytes
            changed.replaceSubrange(table + 12..<table + 16, with: BigEndian.bytes(UInt32(offset)))
            #expect(throws: error) { try CleanedBytes(changed, in: folder, Film.clean) }
        }
    }

    @Test func `more samples than the limit are refused before anything is read`() throws {
        var film = FilmFixture()
        film.tracks[0].sizeBits = 0
        var bytes = film.bytes
        let table = try #require(bytes.position(of: .text("stsz")))
        bytes.replaceSubrange(
            table + 8..<table + 16, with: BigEndian.bytes(UInt32(0)) + BigEndian.bytes(UInt32(20_000_001)))
        #expect(throws: CleaningError.excessive("more than 20 million samples")) {
            try CleanedBytes(bytes, in: folder, Film.clean)
        }
    }

    @Test func `hours of uncompressed sound are one size for all samples`() throws {
        let samples = 30_000_000
        var film = FilmFixture(tracks: [])
        film.tracks = [
            FilmFixture.Track(id: 1, handler: "soun", entry: FilmFixture.sound(), chunks: [[[1]]], sizeBits: 0)
        ]
        film.movieFirst = true
        var bytes = film.bytes
        let count = BigEndian.bytes(UInt32(samples))
        let sizes = try #require(bytes.position(of: .text("stsz")))
        bytes.replaceSubrange(sizes + 8..<sizes + 16, with: BigEndian.bytes(UInt32(4)) + count)
        let runs = try #require(bytes.position(of: .text("stsc")))
        bytes.replaceSubrange(runs + 16..<runs + 20, with: count)
        let data = try #require(bytes.position(of: .text("mdat")))
        bytes.replaceSubrange(data - 4..<data, with: BigEndian.bytes(UInt32(8 + 4 * samples)))
        let file = try folder.file(bytes)
        try file.truncate(to: Int64(data + 4 + 4 * samples))
        let cleaned = try Film.clean(try SourceBytes(file))
        #expect(cleaned.copy.size > Int64(4 * samples))
    }

    @Test func `samples whose size is out of this world are refused`() throws {
        var film = FilmFixture()
        film.tracks[0].sizeBits = 0
        var bytes = film.bytes
        let sizes = try #require(bytes.position(of: .text("stsz")))
        bytes.replaceSubrange(sizes + 8..<sizes + 16, with: [UInt8](repeating: 0xFF, count: 8))
        let runs = try #require(bytes.position(of: .text("stsc")))
        bytes.replaceSubrange(runs + 16..<runs + 20, with: [UInt8](repeating: 0xFF, count: 4))
        #expect(throws: CleaningError.truncated) { try CleanedBytes(bytes, in: folder, Film.clean) }
    }

    @Test func `chunks in another order than the file's keep their samples`() throws {
        var film = FilmFixture()
        film.tracks[0].chunks = [[.text("first")], [.text("other")], [.text("third")]]
        film.gap = .text("gap")
        var bytes = film.bytes
        let table = try #require(bytes.position(of: .text("stco"))) + 12
        let places = (0..<3).map { Array(bytes[table + 4 * $0..<table + 4 * $0 + 4]) }
        bytes.replaceSubrange(table..<table + 12, with: places[2] + places[0] + places[1])
        let cleaned = try CleanedBytes(bytes, in: folder, Film.clean)
        #expect(cleaned.bytes.ends(with: .box("mdat", .text("firstotherthird"))))
        let moved = try #require(cleaned.bytes.position(of: .text("stco"))) + 12
        for (index, text) in ["third", "first", "other"].enumerated() {
            let place = Int(BigEndian.number(cleaned.bytes, at: moved + 4 * index, 4))
            #expect(cleaned.bytes[place...].starts(with: text.utf8))
        }
        let again = try CleanedBytes(cleaned.bytes, in: folder, Film.clean)
        #expect(again.bytes == cleaned.bytes)
    }

    @Test func `chunks that share bytes keep them`() throws {
        var film = FilmFixture()
        film.tracks = (1...3).map { FilmFixture.Track(id: $0) }
        var bytes = film.bytes
        // All tracks' chunks lie where the first one's do, but for one byte.
        let tables = bytes.indices.filter { bytes[$0...].starts(with: "stco".utf8) }
        let first = Array(bytes[tables[0] + 12..<tables[0] + 20])
        var second = first
        second[3] -= 1
        bytes.replaceSubrange(tables[1] + 12..<tables[1] + 20, with: first)
        bytes.replaceSubrange(tables[2] + 12..<tables[2] + 20, with: second)
        let cleaned = try? CleanedBytes(bytes, in: folder, Film.clean)
        #expect(cleaned == nil, "one byte before the data is no sample")
        bytes.replaceSubrange(tables[2] + 12..<tables[2] + 20, with: first)
        #expect(try CleanedBytes(bytes, in: folder, Film.clean).bytes.ends(with: .text("frame-1frame-2frame-3")))
    }

    @Test func `a description in use that is not there is refused`() throws {
        let film = FilmFixture()
        for number in [0, 2, 0xFFFF_FFFF] as [UInt32] {
            var bytes = film.bytes
            let runs = try #require(bytes.position(of: .text("stsc")))
            bytes.replaceSubrange(runs + 20..<runs + 24, with: BigEndian.bytes(number))
            #expect(throws: CleaningError.corrupt("samples have no description")) {
                try CleanedBytes(bytes, in: folder, Film.clean)
            }
        }
    }

    @Test func `damage is refused or cleaned`() throws {
        var film = Self.full
        // A changed table may make a sample of what was beside it: what is planted lies in no data.
        film.tracks[2].chunks = [[.text("motion-1")], [.text("motion-2")]]
        try expectSafe(
            film.bytes, planted: ["52.5200", "SN123456", "PlantedTitle", "PlantedXMP", "niko"], changes: 2000,
            clean: Film.clean)
    }

    @Test func `a film of more than 4 GiB gets wide offsets, and its data is not read`() throws {
        let film = FilmFixture()
        let large: Int64 = 5 << 30
        // The film's data moves behind a hole that one sample covers: `mdat` of 64 bits, then `moov`.
        var track = FilmFixture.Track(id: 1, chunks: [[[1]], [[2]]], usesWideOffsets: true)
        track.sizeBits = 32
        var movie = FilmFixture(tracks: [track]).movie(start: 0)
        let sizes = try #require(movie.position(of: .text("stsz")))
        movie.replaceSubrange(sizes + 16..<sizes + 20, with: BigEndian.bytes(UInt32(3 << 30)))
        movie.replaceSubrange(sizes + 20..<sizes + 24, with: BigEndian.bytes(UInt32(2) << 29))
        let places = try #require(movie.position(of: .text("co64")))
        movie.replaceSubrange(places + 12..<places + 20, with: BigEndian.bytes(UInt64(100)))
        movie.replaceSubrange(places + 20..<places + 28, with: BigEndian.bytes(UInt64(3 << 30) + 200))
        let file = try folder.file(
            film.bytes.prefix(24) + BigEndian.bytes(UInt32(1)) + .text("mdat") + BigEndian.bytes(UInt64(large - 24)))
        try file.write(movie, at: large)
        let cleaned = try Film.clean(try SourceBytes(file))
        #expect(cleaned.copy.parts.count < 32)
        #expect(cleaned.copy.size > 4 << 30 && cleaned.copy.size < large)
        #expect(
            cleaned.copy.parts.contains { if case .bytes(let bytes) = $0 { bytes.contains("co64") } else { false } })
    }
}
