import Testing

@testable import Cleaning

private typealias S = SoundSamples
private typealias M = MatroskaSample

/// The first bytes of a file, and its type.
struct MediaTypeCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let start: [UInt8]
    let type: String

    init(_ type: String, _ name: String = "", _ start: [UInt8]...) {
        testDescription = "\(type) \(name)"
        self.start = start.flatMap { $0 }
        self.type = type
    }

    /// Characters up to 255 stand for bytes.
    init(_ type: String, _ text: String) {
        self.init(
            type, text.prefix(20).debugDescription, text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
    }
}

@Suite struct MediaTypeTests {
    private static let unknown = "application/octet-stream"

    private static func ftyp(_ major: String, _ compatible: String...) -> [UInt8] {
        S.join(S.big(16 + 4 * compatible.count, 4), S.ascii("ftyp" + major), S.zeros(4), S.ascii(compatible.joined()))
    }

    private static func box(_ name: String, _ size: Int, _ content: String = "") -> [UInt8] {
        S.join(
            S.big(size, 4), S.ascii(name), S.ascii(content), S.zeros(max(0, min(size, 100) - 8 - content.utf8.count)))
    }

    private static func bmp(header: Int, planes: Int = 1, depth: Int = 24) -> [UInt8] {
        let sizes = header == 12 ? S.little(3, 2) + S.little(4, 2) : S.little(3, 4) + S.little(4, 4)
        return S.join(
            S.ascii("BM"), S.little(99, 4), S.ascii("odd!"), S.little(14 + header, 4), S.little(header, 4), sizes,
            S.little(planes, 2), S.little(depth, 2))
    }

    private static func entry(_ name: String, _ content: String = "", method: Int = 0) -> [UInt8] {
        S.join(
            S.ascii("PK\u{3}\u{4}"), S.zeros(4), S.little(method, 2), S.zeros(12), S.zeros(4),
            S.little(name.utf8.count, 2),
            S.zeros(2), S.ascii(name + content))
    }

    private static func ogg(_ packet: String, flags: UInt8 = 2) -> [UInt8] {
        S.page(packet.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }, flags: flags, number: 0)
    }

    @Test(arguments: [
        MediaTypeCase("image/jpeg", "\u{FF}\u{D8}\u{FF}\u{E0}"),
        MediaTypeCase("image/jpeg", "\u{FF}\u{D8}..\u{FF}\u{E0}"),
        MediaTypeCase("image/png", "\u{89}PNG\r\n\u{1A}\n"), MediaTypeCase("image/gif", "GIF89a.."),
        MediaTypeCase("image/webp", "RIFF....WEBPVP8 "), MediaTypeCase("text/plain", "RIFF"),
        MediaTypeCase("image/tiff", "II*\0"), MediaTypeCase("image/tiff", "MM\0*"),
        MediaTypeCase("image/tiff", "II+\0\u{8}\0\0\0"), MediaTypeCase("image/tiff", "MM\0+\0\u{8}\0\0"),
        MediaTypeCase(unknown, "II+\0\u{4}\0\0\0"), MediaTypeCase("text/plain", "II+ is two plus"),
        MediaTypeCase("image/jxl", "\u{FF}\n\0"), MediaTypeCase("image/jxl", "\0\0\0\u{C}JXL \r\n\u{87}\n"),
        MediaTypeCase(unknown, "\0\0\0\u{C}JXL ...."), MediaTypeCase("image/jp2", "\0\0\0\u{C}jP  \r\n\u{87}\n"),
        MediaTypeCase("application/pdf", "%PDF-1.7"), MediaTypeCase("application/gzip", "\u{1F}\u{8B}\u{8}"),
        MediaTypeCase("text/plain", "plain words\n"), MediaTypeCase(unknown, ""), MediaTypeCase(unknown, "a\0b"),
        MediaTypeCase(unknown, "\u{FE}\u{FE}\u{FE}"),
    ])
    func `signatures`(_ row: MediaTypeCase) { #expect(MediaType.sniff(row.start) == row.type) }

    /// What is not UTF-8 is text as well if nearly all of it could be typed.
    @Test(arguments: [
        MediaTypeCase("text/plain", "Gr\u{FC}\u{DF}e aus Z\u{FC}rich\n"), MediaTypeCase("text/plain", "caf\u{E9}"),
        MediaTypeCase("text/plain", "\u{93}Quotes\u{94} of Windows, \u{80} 5"),
        MediaTypeCase(unknown, "\u{E9}\u{E8}\u{E9}"), MediaTypeCase(unknown, "caf\u{E9}\u{1}"),
        MediaTypeCase(unknown, "an unused byte: \u{81}"), MediaTypeCase(unknown, "\u{E9} 1 2 3 4 5 6 7 8 9"),
        MediaTypeCase(unknown, "caf\u{E9}\u{7F}"),
    ])
    func `text of one byte a character`(_ row: MediaTypeCase) { #expect(MediaType.sniff(row.start) == row.type) }

    @Test(arguments: [
        MediaTypeCase("image/svg+xml", "<svg xmlns=\"\">"), MediaTypeCase("image/svg+xml", "<svg>"),
        MediaTypeCase("image/svg+xml", "\u{EF}\u{BB}\u{BF} \n<svg/>"),
        MediaTypeCase(
            "image/svg+xml", "<?xml version=\"1.0\"?>\r\n<!-- <html> -->\n<?xml-stylesheet?><svg:svg x=\"\">"),
        MediaTypeCase("image/svg+xml", "<?xml version=\"1.0\"?><!DOCTYPE svg PUBLIC \"-//W3C\" \"\"><svg "),
        MediaTypeCase("image/svg+xml", "<!DOCTYPE svg [ <!ENTITY a \"]>\"> ]>"),
        MediaTypeCase("text/plain", "<svgx>"), MediaTypeCase("text/plain", "<svg"),
        MediaTypeCase("text/plain", "<!DOCTYPE html><svg>"),
        MediaTypeCase("text/plain", "<html><svg></svg></html>"), MediaTypeCase("text/plain", "a <svg>"),
        MediaTypeCase("text/plain", "<!-- <svg>"), MediaTypeCase("text/plain", "<SVG>"),
        MediaTypeCase("text/plain", "<!DOCTYPEsvg>"),
        MediaTypeCase(unknown, "\u{FF}\u{FE}<\0s\0v\0g\0>\0"), MediaTypeCase(unknown, "\u{FE}\u{FF}\0<\0s\0v\0g\0>"),
    ])
    func `SVG is known by its root or its document type`(_ row: MediaTypeCase) {
        #expect(MediaType.sniff(row.start) == row.type)
    }

    @Test(arguments: [
        MediaTypeCase("image/heic", "", ftyp("heic")),
        MediaTypeCase("image/heic", "mif1", ftyp("mif1", "heic", "mif1")),
        MediaTypeCase("image/avif", "mif1", ftyp("mif1", "mif1", "avif")),
        MediaTypeCase("image/avif", "", ftyp("avif")),
        MediaTypeCase("image/avif", "avis", ftyp("avis")), MediaTypeCase("image/heif", "", ftyp("mif1", "miaf")),
        MediaTypeCase("image/heic-sequence", "", ftyp("hevc")),
        MediaTypeCase("image/heic-sequence", "msf1", ftyp("msf1", "hevc")),
        MediaTypeCase("image/heif-sequence", "", ftyp("msf1")), MediaTypeCase("image/x-canon-cr3", "", ftyp("crx ")),
        MediaTypeCase("video/mp4", "", ftyp("isom", "avc1")), MediaTypeCase("video/mp4", "M4V", ftyp("M4V ")),
        MediaTypeCase("video/quicktime", "", ftyp("qt  ")), MediaTypeCase("audio/mp4", "M4A", ftyp("M4A ")),
        MediaTypeCase("audio/mp4", "M4B", ftyp("M4B ")), MediaTypeCase("video/3gpp", "", ftyp("3gp5")),
        MediaTypeCase("video/3gpp2", "", ftyp("3g2a")), MediaTypeCase("video/iso.segment", "", box("styp", 24, "msdh")),
        MediaTypeCase("text/plain", "a brand in text", S.ascii("somefftypheicxxx")),
        MediaTypeCase("video/quicktime", "moov first", box("moov", 9000, "\0\0\0\u{6C}mvhd")),
        MediaTypeCase("video/quicktime", "compressed", box("moov", 9000, "\0\0\0\u{6C}cmov")),
        MediaTypeCase("video/quicktime", "wide, mdat", box("wide", 8), box("mdat", 100_000)),
        MediaTypeCase("video/quicktime", "mdat", box("mdat", 5000)),
        MediaTypeCase("video/quicktime", "mdat to the end", box("mdat", 0), S.zeros(8)),
        MediaTypeCase("video/quicktime", "large mdat", box("mdat", 1), S.big(1 << 33, 8)),
        MediaTypeCase("video/quicktime", "skip, free, moov", box("skip", 20), box("moov", 900, "\0\0\0\u{6C}mvhd")),
        MediaTypeCase("video/quicktime", "free beyond reach", box("free", 90_000), S.zeros(5000)),
        MediaTypeCase("video/quicktime", "pnot", box("pnot", 20), box("PICT", 30)),
        MediaTypeCase("video/mp4", "free in front of ftyp", box("free", 16), ftyp("isom")),
        MediaTypeCase(unknown, "free, then nothing", box("free", 16)),
        MediaTypeCase(unknown, "free, then text", box("free", 16), S.ascii("....what")),
        MediaTypeCase("text/plain", "text", S.ascii("yes, moov and mdat")),
        MediaTypeCase("text/plain", "more text", S.ascii("the mdat of a film")),
        MediaTypeCase(unknown, "moov of nothing known", box("moov", 900, "\0\0\0\u{8}abcd")),
    ])
    func `boxes tell the kind of film or picture`(_ row: MediaTypeCase) {
        #expect(MediaType.sniff(row.start) == row.type)
    }

    @Test(arguments: [
        MediaTypeCase("image/bmp", "OS/2 1.x", bmp(header: 12)),
        MediaTypeCase("image/bmp", "OS/2 2.x short", bmp(header: 16)),
        MediaTypeCase("image/bmp", "Windows 3", bmp(header: 40)), MediaTypeCase("image/bmp", "52", bmp(header: 52)),
        MediaTypeCase("image/bmp", "56", bmp(header: 56)), MediaTypeCase("image/bmp", "OS/2 2.x", bmp(header: 64)),
        MediaTypeCase("image/bmp", "4", bmp(header: 108, depth: 32)),
        MediaTypeCase("image/bmp", "5", bmp(header: 124, depth: 1)),
        MediaTypeCase(unknown, "two planes", bmp(header: 40, planes: 2)),
        MediaTypeCase(unknown, "an odd depth", bmp(header: 40, depth: 7)),
        MediaTypeCase(unknown, "an odd header", bmp(header: 41)),
        MediaTypeCase("text/plain", "text", S.ascii("BMW and other makers of cars, in a list")),
        MediaTypeCase(unknown, "cut short", Array(bmp(header: 40).prefix(20))),
    ])
    func `BMP is known by its header`(_ row: MediaTypeCase) { #expect(MediaType.sniff(row.start) == row.type) }

    private static let word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    private static let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    private static let slides = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    private static let odt = "application/vnd.oasis.opendocument.text"

    @Test(arguments: [
        MediaTypeCase(
            word, "", entry("[Content_Types].xml", "<x/>", method: 8), entry("_rels/.rels"), entry("word/document.xml")),
        MediaTypeCase(sheet, "", entry("_rels/.rels"), entry("xl/workbook.xml")),
        MediaTypeCase(slides, "", entry("[Content_Types].xml"), entry("ppt/slides/slide1.xml")),
        MediaTypeCase(odt, "", entry("mimetype", odt), entry("content.xml")),
        MediaTypeCase(
            "application/epub+zip", "", entry("mimetype", "application/epub+zip"), entry("META-INF/container.xml")),
        MediaTypeCase("application/zip", "packed type", entry("mimetype", odt, method: 8), entry("content.xml")),
        MediaTypeCase("application/zip", "another type", entry("mimetype", odt + "-template"), entry("content.xml")),
        MediaTypeCase("application/zip", "a folder of words", entry("word/list.txt")),
        MediaTypeCase("application/zip", "", entry("a.txt")),
        MediaTypeCase("application/zip", "only types", entry("[Content_Types].xml")),
        MediaTypeCase("application/zip", "empty", S.ascii("PK\u{5}\u{6}")),
    ])
    func `documents in ZIP are told apart by their entries`(_ row: MediaTypeCase) {
        #expect(MediaType.sniff(row.start) == row.type)
    }

    @Test(arguments: [
        MediaTypeCase("video/webm", "", M.header("webm")), MediaTypeCase("video/matroska", "", M.header()),
        MediaTypeCase(
            "video/webm", "with room in front", M.identifier(0x1A45_DFA3), M.size(40), M.element(0xEC, S.zeros(28)),
            M.element(0x4282, "webm")),
        MediaTypeCase(unknown, "another document", M.header("other")),
        MediaTypeCase("video/matroska", "no header", S.ascii("\u{1A}E"), [0xDF, 0xA3, 0xFF]),
        MediaTypeCase("video/matroska", "webm in another place", M.identifier(0x1A45_DFA3), M.element(0xEC, "webm")),
        MediaTypeCase("video/x-msvideo", "RIFF....AVI LIST"), MediaTypeCase("audio/wav", "RIFF....WAVEfmt "),
        MediaTypeCase("audio/wav", "RF64....WAVEds64"), MediaTypeCase("audio/wav", "BW64....WAVEds64"),
        MediaTypeCase("audio/aiff", "FORM....AIFFCOMM"), MediaTypeCase("audio/aiff", "FORM....AIFCFVER"),
        MediaTypeCase("text/plain", "FORM OF ADDRESS"), MediaTypeCase("video/x-flv", "FLV\u{1}\u{5}"),
        MediaTypeCase("video/mpeg", "\0\0\u{1}\u{BA}"),
        MediaTypeCase("video/mp2t", "", (0..<5).flatMap { _ in [0x47] + S.zeros(187) }),
        MediaTypeCase("video/mp2t", "with time codes", (0..<5).flatMap { _ in S.zeros(4) + [0x47] + S.zeros(187) }),
        MediaTypeCase("text/plain", "text", S.ascii("GGGG")),
    ])
    func `films are known by their headers`(_ row: MediaTypeCase) { #expect(MediaType.sniff(row.start) == row.type) }

    @Test(arguments: [
        MediaTypeCase("audio/mpeg", "three frames", S.mp3(1), S.mp3(2), S.mp3(3)),
        MediaTypeCase("audio/mpeg", "one frame, ID3v1", S.mp3(1), S.id3v1("")),
        MediaTypeCase("audio/mpeg", "ID3", S.id3([]), S.mp3(1)),
        MediaTypeCase("audio/mpeg", "a long ID3", S.id3([("APIC", S.zeros(9000))])),
        MediaTypeCase("audio/flac", "behind ID3", S.id3([]), S.ascii("fLaC")),
        MediaTypeCase("audio/aac", "behind two ID3", S.id3([]), S.id3([]), S.adts(40), S.adts(40)),
        MediaTypeCase("audio/flac", "fLaC\0\0\0\""), MediaTypeCase("audio/aac", "", S.adts(40), S.adts(50), S.adts(60)),
        MediaTypeCase("audio/aac", "a tag behind the first", S.adts(40), S.id3([]), S.adts(60)),
        MediaTypeCase(unknown, "one header", [0xFF, 0xFB, 0x90, 0]),
        MediaTypeCase(unknown, "a frame and zeros", S.mp3(1), S.zeros(500)),
        MediaTypeCase(unknown, "another rate", S.mp3(1), S.mpeg([0xFF, 0xFB, 0x94, 0], 384), S.zeros(10)),
        MediaTypeCase(unknown, "UTF-16", [0xFF, 0xFE], S.ascii("a\0b\0c\0d\0")),
        MediaTypeCase(unknown, "ADTS once", S.adts(40), S.zeros(40)),
        MediaTypeCase("text/plain", "ID3 tags are in front of MP3 files."),
        MediaTypeCase(unknown, "ID3\u{5}\0\0\0\0\0\0"),
        MediaTypeCase("audio/amr", "#!AMR\n<"), MediaTypeCase("audio/amr-wb", "#!AMR-WB\n<"),
        MediaTypeCase("text/plain", "#!AMR is a magic"),
        MediaTypeCase("audio/ogg", "Opus", ogg("OpusHead")), MediaTypeCase("audio/ogg", "Vorbis", ogg("\u{1}vorbis")),
        MediaTypeCase("audio/ogg", "FLAC", ogg("\u{7F}FLAC")), MediaTypeCase("audio/ogg", "Speex", ogg("Speex   ")),
        MediaTypeCase("audio/ogg", "Skeleton, Opus", ogg("fishead\0"), ogg("OpusHead")),
        MediaTypeCase("video/ogg", "Theora", ogg("\u{80}theora")),
        MediaTypeCase("video/ogg", "Vorbis, Theora", ogg("\u{1}vorbis"), ogg("\u{80}theora")),
        MediaTypeCase("application/ogg", "unknown", ogg("CMML")),
        MediaTypeCase("application/ogg", "no beginning", ogg("OpusHead", flags: 0)),
        MediaTypeCase("text/plain", "OggS in text"),
    ])
    func `sound is known by its frames and pages`(_ row: MediaTypeCase) {
        #expect(MediaType.sniff(row.start) == row.type)
    }

    @Test func `text may be cut in the middle of a character`() {
        let text = Array(String(repeating: "ü", count: 3000).utf8)
        #expect(MediaType.sniff(Array(text.prefix(4095))) == "application/octet-stream")
        #expect(MediaType.sniff([0x61] + text) == "text/plain")
    }

    @Test(arguments: [
        MediaTypeCase("audio/flac", "", S.id3([("APIC", S.zeros(9000))]), S.ascii("fLaC")),
        MediaTypeCase("audio/aac", "", S.id3([("APIC", S.zeros(9000))]), S.adts(20), S.adts(20)),
        MediaTypeCase("audio/mpeg", "", S.id3([("APIC", S.zeros(9000))]), S.mp3(1), S.mp3(2)),
        MediaTypeCase("audio/mpeg", "text behind", S.id3([("APIC", S.zeros(9000))]), S.ascii("text")),
        MediaTypeCase("text/plain", "", S.ascii("text")), MediaTypeCase("application/octet-stream", ""),
    ])
    func `a file is known behind a tag of any length`(_ row: MediaTypeCase) throws {
        let folder = try TestFolder()
        #expect(try MediaType.sniff(try SourceBytes(try folder.file(row.start))) == row.type)
    }

    @Test func `every start of a file is read without a trap`() {
        var state: UInt64 = 5
        for seed in [
            Self.ftyp("mif1", "heic"), M.header("webm"), Self.ogg("OpusHead"), S.id3([]) + S.mp3(1),
            Self.bmp(header: 40), Self.entry("mimetype", Self.odt), S.ascii("<?xml?><!DOCTYPE svg>"),
        ] {
            for _ in 0..<2000 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                var bytes = seed
                bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 20)
                _ = MediaType.sniff(Array(bytes.prefix(Int(state >> 40) % (bytes.count + 1))))
                _ = MediaType.sniff(bytes)
            }
        }
    }

    /// Films that ffmpeg plays, however they begin.
    @Test(
        arguments: [
            ("video/mp4", [box("uuid", 40), box("moov", 16)]),
            ("video/mp4", [box("udta", 8), box("ftyp", 24, "isom")]),
            ("video/mp4", [box("junk", 5000), S.zeros(4900), box("ftyp", 24, "isom")]),
            ("video/iso.segment", [box("moof", 64)]),
            (unknown, [box("junk", 5000)]), (unknown, [S.zeros(100)]), ("audio/x-caf", [S.ascii("caff\0\u{1}\0\0")]),
            ("image/x-olympus-orf", [S.ascii("IIRO\u{8}\0\0\0")]), ("text/plain", [S.ascii("MAC addresses")]),
        ] as [(String, [[UInt8]])])
    func `a film is told by any of its first boxes, and rare pictures and sound by their first bytes`(
        type: String, parts: [[UInt8]]
    ) throws {
        let folder = try TestFolder()
        #expect(try MediaType.sniff(try SourceBytes(try folder.file(parts.flatMap { $0 }))) == type)
    }
}
