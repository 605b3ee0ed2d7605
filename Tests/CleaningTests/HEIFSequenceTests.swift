import Files
import Testing

@testable import Cleaning

/// Animated pictures: items in `meta`, and tracks in `moov` beside it.
@Suite struct HEIFSequenceTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private static func clean(_ source: SourceBytes) throws -> CleanedFile { try HEIF.clean(source) { _ in (nil, []) } }

    private static let auxiliary = [UInt8].fullBox("auxi", .text("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha") + [0])

    /// A still picture, and a film of pictures in the same data behind it.
    private func sequence(
        name: String = "PlantedHandler", alpha: [UInt8] = auxiliary, movieFirst: Bool = true,
        change: (inout FilmFixture) -> Void = { _ in }
    ) -> [UInt8] {
        var film = FilmFixture()
        let entry = FilmFixture.video(extra: .fullBox("ccst", [0, 0, 0, 0]))
        film.tracks = [
            FilmFixture.Track(id: 1, handler: "pict", name: name, entry: entry),
            FilmFixture.Track(
                id: 2, handler: "auxv", name: "", entry: FilmFixture.video(extra: alpha), chunks: [[.text("alpha-1")]],
                extra: .box("tref", .box("auxl", [0, 0, 0, 1]))),
            FilmFixture.Track(id: 3, handler: "meta", chunks: [[.text("telemetry-1 52.5200")]]),
        ]
        change(&film)
        var picture = HEIFFixture()
        picture.brands = ["avis", "avis", "avif", "msf1", "mif1", "CAMX"]
        picture.items.append(HEIFFixture.exif(2))
        let samples = film.bytes
        let data = Array(samples[(samples.position(of: .text("mdat")) ?? 0) + 4..<samples.count])
        let chunks = Array(data.prefix(data.count - film.movie(start: 0).count))
        picture.after = .box("mdat", chunks)
        if movieFirst { picture.before = film.movie(start: 0) }
        let start = picture.bytes.count - chunks.count
        if movieFirst { picture.before = film.movie(start: start) } else { picture.after += film.movie(start: start) }
        return picture.bytes
    }

    private func cleaned(_ bytes: [UInt8]) throws -> CleanedBytes {
        let cleaned = try CleanedBytes(bytes, in: folder, Self.clean)
        let again = try CleanedBytes(cleaned.bytes, in: folder, Self.clean)
        #expect(again.bytes == cleaned.bytes && again.file.removed.isEmpty, "\(again.file.removed)")
        return cleaned
    }

    @Test(arguments: [true, false]) func `items and samples stay where they were, and nothing else`(movieFirst: Bool)
        throws
    {
        let bytes = sequence(movieFirst: movieFirst)
        let cleaned = try cleaned(bytes)
        for word in ["PlantedHandler", "52.5200", "SN123456", "CAMX", "telemetry", "PlantedCompressor", "VNDR"] {
            #expect(!cleaned.contains(word), "\(word)")
        }
        #expect(cleaned.bytes.position(of: BigEndian.bytes(UInt32(FilmFixture.time))) == nil)
        for word in ["picture-1", "frame-1frame-2", "frame-3", "alpha-1"] {
            #expect(cleaned.bytes.position(of: .text(word)) == bytes.position(of: .text(word)), "\(word)")
        }
        for word in ["ccst", "auxi", "auxl"] { #expect(cleaned.contains(word), "\(word)") }
        #expect(cleaned.file.removed == [.gps, .camera, .exif, .text, .time, .encoder, .telemetry])
        #expect(cleaned.file.seconds == 2 && cleaned.file.size?.width == 640)
        // The first chunk lies where its table says.
        let table = try #require(cleaned.bytes.position(of: .text("stco"))) + 12
        let place = Int(BigEndian.number(cleaned.bytes, at: table, 4))
        #expect(cleaned.bytes[place...].starts(with: "frame-1".utf8))
    }

    @Test(arguments: 0...24) func `what is freed is filled, whatever its length`(length: Int) throws {
        let bytes = sequence(name: String(repeating: "x", count: length)) { $0.tracks.removeLast() }
        let cleaned = try cleaned(bytes)
        #expect(!cleaned.contains("xx"))
        #expect(cleaned.bytes.count == bytes.count)
        #expect(cleaned.bytes.position(of: .text("frame-1")) == bytes.position(of: .text("frame-1")))
    }

    @Test func `a sequence without a still picture is a film of pictures`() throws {
        var film = FilmFixture(brand: "msf1", tracks: [FilmFixture.Track(id: 1, handler: "pict")])
        film.gap = .text("PlantedGap")
        let cleaned = try cleaned(film.bytes)
        #expect(cleaned.bytes.ends(with: .text("frame-1frame-2frame-3")) && !cleaned.contains("Planted"))
    }

    @Test func `auxiliary sequences other than alpha are refused`() throws {
        #expect(throws: CleaningError.unsupported("an auxiliary sequence that is no alpha")) {
            try cleaned(sequence(alpha: .fullBox("auxi", .text("urn:mpeg:hevc:2015:auxid:2\u{0}"))))
        }
    }

    @Test func `a sequence in small goes`() throws {
        let bytes = sequence { film in
            film.tracks[1].extra = .box("tref", .box("thmb", [0, 0, 0, 1]))
            film.tracks[1].handler = "pict"
        }
        let cleaned = try cleaned(bytes)
        #expect(!cleaned.contains("alpha-1") && cleaned.file.removed.contains(.thumbnail))
    }

    @Test func `damage is refused or cleaned`() throws {
        try expectSafe(sequence(), planted: ["PlantedHandler", "CAMX"], changes: 1500, clean: Self.clean)
    }
}
