import Cage
import Cleaning
import Files
import Foundation
import Imaging
import TestSupport
import Testing

/// What stands for a film before it has arrived.
@Suite(
    .enabled(
        if: CagedScene.canMake && Tool.isInstalled("ffmpeg"), Comment(rawValue: "\(CagedScene.reason), and ffmpeg")))
struct CagedFilmTests {
    private let studio: Studio

    init() throws { studio = try Studio.open() }

    struct Codec: Sendable, CustomTestStringConvertible {
        let name: String
        let arguments: [String]
        /// What is decoded must have its library.
        let library: String

        var testDescription: String { name }
        var isAvailable: Bool {
            library.isEmpty
                || ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"].contains {
                    folder in
                    (6...8).contains { FileManager.default.fileExists(atPath: "\(folder)/\(library).\($0)") }
                }
        }
    }

    private static let codecs = [
        Codec(name: "H.264", arguments: ["-c:v", "libx264", "-pix_fmt", "yuv420p"], library: "libopenh264.so"),
        Codec(
            name: "HEVC",
            arguments: [
                "-c:v", "libx265", "-pix_fmt", "yuv420p", "-tag:v", "hvc1", "-x265-params",
                "no-open-gop=1:keyint=10:min-keyint=10:scenecut=0:log-level=0",
            ], library: ""),
        Codec(name: "AV1", arguments: ["-c:v", "libaom-av1", "-cpu-used", "8", "-pix_fmt", "yuv420p"], library: ""),
    ]

    /// A film of 320 × 240 with a key frame each second.
    private func make(_ codec: Codec, _ pictures: [String]) throws -> String {
        let path = studio.newPath("mp4")
        let inputs = pictures.flatMap { ["-f", "lavfi", "-i", $0] }
        let joined = pictures.indices.map { "[\($0):v]" }.joined() + "concat=n=\(pictures.count)[v]"
        try Tool.run(
            "ffmpeg",
            ["-loglevel", "error", "-y"] + inputs + ["-filter_complex", joined, "-map", "[v]", "-g", "10"]
                + codec.arguments + [path])
        return path
    }

    private static func colour(_ name: String) -> String { "color=\(name):size=320x240:rate=10:duration=1" }

    private func look(_ path: String) throws -> PictureLook? {
        Imaging.look(atFilm: try SourceBytes(try OpenFile(path, .read)), in: CagedScene.program)
    }

    /// The mean of red, green and blue in a part of the preview.
    private func colour(_ look: PictureLook?, _ part: [String] = []) throws -> [Int] {
        let (preview, output) = (studio.newPath(), studio.newPath("rgb"))
        try write(try #require(look?.preview), toFile: preview)
        try Tool.run("convert", [preview] + part + ["-resize", "1x1!", "-depth", "8", output])
        return try bytes(ofFile: output).map(Int.init)
    }

    @Test(arguments: codecs)
    func `the first frame that is not black stands for a film`(codec: Codec) throws {
        guard codec.isAvailable else { return }
        let path = try make(codec, [Self.colour("black"), Self.colour("red"), Self.colour("blue")])
        let found = try #require(try look(path))
        #expect(found.width == 320 && found.height == 240)
        let mean = try colour(found)
        #expect(mean[0] > 200 && mean[1] < 40 && mean[2] < 40, "\(mean)")
    }

    @Test(arguments: codecs)
    func `colours are those that ffmpeg finds`(codec: Codec) throws {
        guard codec.isAvailable else { return }
        let path = try make(codec, ["smptebars=size=320x240:rate=10:duration=1"])
        let frame = studio.newPath("png")
        try Tool.run("ffmpeg", ["-loglevel", "error", "-y", "-i", path, "-frames:v", "1", frame])
        for part in ["320x40+0+0", "320x40+0+200", "40x240+0+0", "40x240+140+0"] {
            let reference = studio.newPath("rgb")
            try Tool.run("convert", [frame, "-crop", part, "+repage", "-resize", "1x1!", "-depth", "8", reference])
            let larger = ["-resize", "320x240!", "-crop", part, "+repage"]
            let (ours, theirs) = (try colour(try look(path), larger), try bytes(ofFile: reference).map(Int.init))
            #expect(zip(ours, theirs).allSatisfy { abs($0 - $1) <= 12 }, "\(codec.name) \(part): \(ours), \(theirs)")
        }
    }

    @Test func `a film that is black all the time has a black poster`() throws {
        let codec = Self.codecs[1]
        #expect(try colour(try look(try make(codec, [Self.colour("black")]))).allSatisfy { $0 < 16 })
    }

    @Test(arguments: [
        ([0, 1, -1, 0], "72x36+0+0", 0), ([-1, 0, 0, -1], "36x72+0+0", 2), ([0, -1, 1, 0], "72x36+0+0", 2),
        ([1, 0, 0, 1], "36x72+0+0", 0),
    ])
    func `a poster is turned as its film`(matrix: [Int32], part: String, brightest: Int) throws {
        // Red on the left, blue on the right.
        let both = "\(Self.colour("blue")),drawbox=x=0:y=0:w=160:h=240:c=red:t=fill"
        var film = try bytes(ofFile: try make(Self.codecs[1], [both]))
        let name = Array("tkhd".utf8)
        let start = try #require((0..<film.count - 100).first { Array(film[$0..<$0 + 4]) == name }) + 4 + 40
        let numbers = [matrix[0], matrix[1], 0, matrix[2], matrix[3], 0]
        let matrixBytes = numbers.flatMap { BigEndian.bytes(UInt32(bitPattern: $0 << 16)) }
        film.replaceSubrange(start..<start + 24, with: matrixBytes)
        let found = try #require(try look(try studio.file(film)))
        #expect((found.width, found.height) == (matrix[0] == 0 ? (240, 320) : (320, 240)))
        let mean = try colour(found, ["-crop", part, "+repage"])
        #expect(mean[brightest] > 180 && mean[2 - brightest] < 60, "\(mean)")
    }

    @Test func `no poster is no error`() throws {
        let whole = try bytes(ofFile: try make(Self.codecs[1], [Self.colour("red")]))
        var random = SeededGenerator(seed: 7)
        for count in stride(from: 0, to: whole.count, by: max(1, whole.count / 20)) {
            _ = try look(try studio.file(Array(whole.prefix(count))))
        }
        for _ in 0..<40 {
            var bytes = whole
            bytes[Int.random(in: bytes.indices, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            _ = try look(try studio.file(bytes))
        }
        #expect(Imaging.look(atFilm: try SourceBytes(try MemoryFile.holding([])), in: CagedScene.program) == nil)
        let nowhere = CageProgram(path: "/nowhere")
        #expect(Imaging.look(atFilm: try SourceBytes(try MemoryFile.holding(whole)), in: nowhere) == nil)
    }
}
