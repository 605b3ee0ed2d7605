import Files
import Testing

@testable import Cleaning

/// Bytes that no player needs, in boxes that stay and beside them.
@Suite struct FilmHidingPlaceTests {
    private static let word = "HiddenWord"
    private static var hidden: [UInt8] { .text(word) }

    /// What stays may be needed by a player.
    private static let places: [(name: String, stays: String, hide: @Sendable (inout FilmFixture) -> Void)] = [
        ("user data of a track", "trak", { $0.tracks[0].extra = .box("udta", .box("name", hidden)) }),
        ("metadata of a track", "trak", { $0.tracks[0].extra = .fullBox("meta", .box("ilst", hidden)) }),
        ("a box of a maker in a track", "trak", { $0.tracks[0].extra = .box("uuid", hidden + hidden) }),
        ("a box of a maker in media", "mdia", { $0.tracks[0].mediaExtra = .box("uuid", hidden + hidden) }),
        ("metadata of media", "mdia", { $0.tracks[0].mediaExtra = .fullBox("meta", hidden) }),
        (
            "a second box of media information", "minf",
            { $0.tracks[0].informationExtra = .box("uuid", hidden + hidden) }
        ),
        (
            "the handler of data", "dhlr",
            { $0.tracks[0].informationExtra = .fullBox("hdlr", .text("dhlralis") + zeros(12) + [10] + hidden) }
        ),
        (
            "a handler of data of its own kind", "minf",
            { $0.tracks[0].informationExtra = .fullBox("hdlr", .text("dhlrHidd") + zeros(12) + hidden) }
        ),
        ("unused room", "stbl", { $0.tracks[0].tableExtra = .box("free", hidden) }),
        ("a box of a maker in tables", "stbl", { $0.tracks[0].tableExtra = .box("uuid", hidden + hidden) }),
        (
            "behind sync samples", "stss",
            { $0.tracks[0].tableExtra = .fullBox("stss", [0, 0, 0, 1, 0, 0, 0, 1] + hidden) }
        ),
        (
            "behind composition offsets", "ctts",
            { $0.tracks[0].tableExtra = .fullBox("ctts", [0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0] + hidden) }
        ),
        ("behind flags of samples", "sdtp", { $0.tracks[0].tableExtra = .fullBox("sdtp", [0, 0, 0] + hidden) }),
        ("behind shifts", "cslg", { $0.tracks[0].tableExtra = .fullBox("cslg", zeros(20) + hidden) }),
        ("groups of its own", "stbl", { $0.tracks[0].tableExtra = .fullBox("sbgp", hidden + zeros(8)) }),
        (
            "descriptions of groups that are too long", "stbl",
            {
                $0.tracks[0].tableExtra = .fullBox(
                    "sgpd", version: 1, .text("roll") + [0, 0, 0, 12, 0, 0, 0, 1, 0, 1] + hidden)
            }
        ),
        (
            "behind descriptions of groups", "sgpd",
            {
                $0.tracks[0].tableExtra = .fullBox(
                    "sgpd", version: 1, .text("roll") + [0, 0, 0, 2, 0, 0, 0, 1, 0, 1] + hidden)
            }
        ),
        ("auxiliary information", "stbl", { $0.tracks[0].tableExtra = .fullBox("saiz", hidden) }),
        ("references of its own", "trak", { $0.tracks[0].extra = .box("tref", .box("hidd", hidden + [0, 0])) }),
        (
            "dimensions", "clef",
            { $0.tracks[0].extra = .box("tapt", .fullBox("clef", zeros(8) + hidden) + .box("hidd", hidden)) }
        ),
        (
            "beside edits", "elst",
            { $0.tracks[0].extra = .box("edts", .fullBox("elst", zeros(4) + hidden) + .box("hidd", hidden)) }
        ),
        ("a language that is none", "mdia", { $0.tracks[0].mediaExtra = .fullBox("elng", .text("en-\(word)\u{0}")) }),
        ("behind a language", "elng", { $0.tracks[0].mediaExtra = .fullBox("elng", .text("en-US\u{0}\(word)")) }),
        ("extended fragments", "mvex", { $0.movieExtra = .box("mvex", .box("hidd", hidden)) }),
        ("behind a length of fragments", "mehd", { $0.movieExtra = .box("mvex", .fullBox("mehd", zeros(4) + hidden)) }),
        (
            "a picture's shape", "pasp",
            { $0.tracks[0].entry = FilmFixture.video(extra: .box("pasp", zeros(8) + hidden)) }
        ),
        (
            "a colour profile", "avcC",
            { $0.tracks[0].entry = FilmFixture.video(extra: .box("colr", .text("prof") + hidden)) }
        ),
        (
            "behind decoder settings", "avcC",
            {
                $0.tracks[0].entry = FilmFixture.video(
                    configuration: .box(
                        "avcC", [1, 66, 0, 30, 0xFF, 0xE1, 0, 4, 0x67, 66, 0, 30, 1, 0, 3, 0x68, 1, 2] + hidden))
            }
        ),
        (
            "settings of VP9", "vpcC",
            {
                $0.tracks[0].entry = FilmFixture.video(
                    "vp09", configuration: .fullBox("vpcC", version: 1, zeros(6) + [0, 10] + hidden))
            }
        ),
        (
            "a second unit of AV1", "av1C",
            {
                $0.tracks[0].entry = FilmFixture.video(
                    "av01", configuration: .box("av1C", [0x81, 0, 0, 0, 0x0A, 1, 0, 0x2A, 10] + hidden))
            }
        ),
        (
            "comments of FLAC", "dfLa",
            {
                $0.tracks[0] = sound(
                    "fLaC", .fullBox("dfLa", [0, 0, 0, 34] + zeros(34) + [0x84, 0, 0, 10] + hidden))
            }
        ),
        ("a sound's box", "alac", { $0.tracks[0] = sound("alac", .box("alac", zeros(28) + hidden)) }),
        ("a layout's reserved bytes", "alac", { $0.tracks[0] = sound("alac", .box("alac", zeros(42) + hidden)) }),
        (
            "AMR's vendor", "damr",
            { $0.tracks[0] = sound("samr", .box("damr", .text("Hidd") + [1, 0, 0, 0, 1] + hidden)) }
        ),
        ("behind Opus", "dOps", { $0.tracks[0] = sound("Opus", .box("dOps", zeros(11) + hidden)) }),
        (
            "fonts", "ftab",
            {
                $0.tracks.append(
                    text("tx3g", zeros(30) + .box("ftab", [0, 1, 0, 1, 10] + hidden + hidden)))
            }
        ),
        ("a header of subtitles", "vttC", { $0.tracks.append(text("wvtt", .box("vttC", .text("WEBVTT\n") + hidden))) }),
        ("a label of subtitles", "wvtt", { $0.tracks.append(text("wvtt", .box("vlab", hidden))) }),
        ("a font's name", "text", { $0.tracks.append(text("text", zeros(51) + [10] + hidden)) }),
        ("in front of the data", "mdat", { $0.before = .box("wide", []) + .box("uuid", hidden + hidden) }),
        ("a preview", "mdat", { $0.before = .box("pnot", hidden) + .box("PICT", hidden) }),
        ("an index", "mdat", { $0.after = .fullBox("sidx", hidden) + .box("mfra", hidden) }),
        ("metadata of the file", "mdat", { $0.after = .fullBox("meta", .box("xml ", hidden)) }),
        ("a second box of data", "mdat", { $0.after = .box("mdat", hidden) }),
        (
            "brands", "ftyp",
            {
                $0.before = []; $0.brand = "Hidd"
            }
        ),
    ]

    private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    private static func sound(_ type: BoxType, _ extra: [UInt8]) -> FilmFixture.Track {
        FilmFixture.Track(id: 1, handler: "soun", entry: FilmFixture.sound(type, extra: extra))
    }

    private static func text(_ type: BoxType, _ rest: [UInt8]) -> FilmFixture.Track {
        FilmFixture.Track(
            id: 2, handler: "text", entry: .box(type, zeros(7) + [1] + rest), chunks: [[[0, 2] + .text("Hi")]])
    }

    @Test(arguments: places.indices) func `nothing stays hidden`(index: Int) throws {
        let (name, stays, hide) = Self.places[index]
        let folder = try TestFolder()
        var film = FilmFixture()
        hide(&film)
        #expect(film.bytes.contains("Hidd"), "\(name): the word is there")
        let cleaned = try CleanedBytes(film.bytes, in: folder, Film.clean)
        #expect(!cleaned.contains("Hidd") && !cleaned.contains("Word"), "\(name)")
        #expect(cleaned.contains(stays), "\(name): \(stays) stays")
        let again = try CleanedBytes(cleaned.bytes, in: folder, Film.clean)
        #expect(again.bytes == cleaned.bytes && again.file.removed.isEmpty, "\(name): \(again.file.removed)")
    }

    @Test(
        arguments: [
            "tmcd", "meta", "hint", "auxv", "pict", "camm", "data", "url ", "odsm", "sdsm", "m7sm", "GPS ", "xxxx",
        ] as [BoxType]) func `tracks of every other handler go with their samples`(handler: BoxType) throws
    {
        let folder = try TestFolder()
        var film = FilmFixture()
        film.tracks.append(FilmFixture.Track(id: 2, handler: handler, chunks: [[Self.hidden], [Self.hidden]]))
        let cleaned = try CleanedBytes(film.bytes, in: folder, Film.clean)
        #expect(
            !cleaned.contains("Hidd") && !cleaned.file.removed.isDisjoint(with: [.telemetry, .time, .other, .depth]))
        #expect(cleaned.bytes.ends(with: .box("mdat", .text("frame-1frame-2frame-3"))))
    }

    @Test(arguments: ["vide", "soun", "sbtl", "subt", "text", "clcp"] as [BoxType])
    func `tracks of film, sound and text stay`(handler: BoxType) throws {
        let folder = try TestFolder()
        var film = FilmFixture()
        let entry: [UInt8] =
            switch handler {
            case "vide": FilmFixture.video()
            case "soun": FilmFixture.sound("mp4a", extra: FilmFixture.elementaryStream())
            default: .box("c608", Self.zeros(7) + [1])
            }
        film.tracks.append(
            FilmFixture.Track(
                id: 2, handler: handler, entry: entry, chunks: [[.text("second-1")], [.text("second-2")]]))
        let cleaned = try CleanedBytes(film.bytes, in: folder, Film.clean)
        #expect(cleaned.contains("frame-2second-1frame-3second-2"))
    }
}
