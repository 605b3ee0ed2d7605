import Cage
import Cleaning
import Files
import Foundation
import TestSupport
import Testing

@testable import Imaging

/// HEIC and AVIF, decoded by libheif in the cage.
@Suite(.enabled(if: CagedScene.canMake, Comment(rawValue: CagedScene.reason)))
struct CagedPictureTests {
    private let scene: CagedScene

    init() throws { scene = try CagedScene() }

    private func compressed(_ path: String, _ quality: Quality = .high) throws -> (look: PictureLook, path: String) {
        let (outcome, result) = try scene.prepare(path, quality)
        guard case .compressed(let look) = outcome else {
            throw CageError.broken("it was kept: \(outcome)")
        }
        return (look, result)
    }

    /// How much a JPEG looks like the picture that it was made of, as libheif's own program and ImageMagick would make
    /// one of it.
    private func similarity(
        _ path: String, to original: String, _ arguments: [String] = [], quality: Int = 88
    ) throws -> Double {
        let (decoded, reference) = (scene.studio.newPath("png"), scene.studio.newPath())
        try Tool.run("heif-convert", [original, decoded])
        try Tool.run("convert", [decoded] + arguments + ["-quality", "\(quality)", reference])
        return try GrayImage(path, scene.studio, []).similarity(to: try GrayImage(reference, scene.studio, []))
    }

    @Test(arguments: CagedScene.endings)
    func `a picture becomes a JPEG that looks the same`(ending: String) throws {
        let original = try scene.make(ending)
        let (look, path) = try compressed(original)
        #expect(look.width == 403 && look.height == 270 && look.preview != nil && !look.thumbhash.isEmpty)
        let similarity = try similarity(path, to: original)
        #expect(similarity >= 0.97, "\(similarity)")
    }

    @Test(arguments: CagedScene.endings)
    func `a large one is scaled down`(ending: String) throws {
        let wide = scene.studio.path("wide.jpg")
        let large = try scene.make(ending, changes: [wide, "-delete", "0"])
        let (look, path) = try compressed(large, .standard)
        #expect(look.width == 1600 && look.height == 1011)
        let similarity = try similarity(
            path, to: large, ["-colorspace", "RGB", "-resize", "1600x1011!", "-colorspace", "sRGB"], quality: 80)
        #expect(similarity >= 0.97, "\(similarity)")
    }

    @Test(arguments: [
        ("heic", ["-b", "10"]), ("avif", ["-b", "12"]), ("heic", ["-p", "chroma=444"]), ("avif", ["-p", "chroma=444"]),
        ("heic", ["-L", "-p", "chroma=444", "--matrix_coefficients=0"]),
    ])
    func `deep samples and full chroma become 8 bits and 4-4-4`(ending: String, options: [String]) throws {
        let deepens = options.contains("-b") ? ["-depth", "16", "-evaluate", "multiply", "0.999"] : []
        let path = try scene.make(ending, options + ["--no-alpha"], changes: deepens)
        let similarity = try similarity(try compressed(path).path, to: path)
        #expect(similarity >= 0.97, "\(similarity)")
        let input = try SourceBytes(try OpenFile(path, .read))
        #expect(HEIFTraits(input).hasFullChroma == options.contains("chroma=444"))
    }

    /// What libavif writes for each orientation of Exif (`avifImageExtractExifOrientationToIrotImir`), by the words of
    /// ISO/IEC 23008-12:2022, 6.5.10 and 6.5.12.
    private static let turns: [(Orientation, [[UInt8]])] = [
        (.upright, []), (.mirrored, [StillFixture.mirror(1)]), (.halfTurn, [StillFixture.turn(2)]),
        (.flipped, [StillFixture.mirror(0)]), (.transposed, [StillFixture.turn(1), StillFixture.mirror(0)]),
        (.rightTurn, [StillFixture.turn(3)]), (.transversed, [StillFixture.turn(3), StillFixture.mirror(0)]),
        (.leftTurn, [StillFixture.turn(1)]),
    ]

    @Test(arguments: CagedScene.endings, turns.indices)
    func `turns and mirrors are applied once`(ending: String, index: Int) throws {
        let (orientation, properties) = Self.turns[index]
        let original = try scene.make(ending, ["--no-alpha"], changes: ["-crop", "400x264+0+0", "+repage"])
        let fixture = try #require(StillFixture(try bytes(ofFile: original), width: 400, height: 264))
        let (look, path) = try compressed(try scene.studio.file(fixture.bytes(properties)))
        #expect(look.width == (orientation.swapsEdges ? 264 : 400))
        let turning: [String] =
            switch orientation {
            case .upright: []
            case .mirrored: ["-flop"]
            case .halfTurn: ["-rotate", "180"]
            case .flipped: ["-flip"]
            case .transposed: ["-transpose"]
            case .rightTurn: ["-rotate", "90"]
            case .transversed: ["-transverse"]
            case .leftTurn: ["-rotate", "270"]
            }
        let similarity = try similarity(path, to: original, turning)
        #expect(similarity >= 0.97, "\(orientation): \(similarity)")
    }

    @Test func `a picture is cut as it says`() throws {
        let original = try scene.make("heic", ["--no-alpha"], changes: ["-crop", "400x264+0+0", "+repage"])
        let fixture = try #require(StillFixture(try bytes(ofFile: original), width: 400, height: 264))
        let (look, path) = try compressed(try scene.studio.file(fixture.bytes([StillFixture.cut(200, 100)])))
        #expect(look.width == 200 && look.height == 100)
        #expect(try similarity(path, to: original, ["-crop", "200x100+100+82", "+repage"]) >= 0.97)
    }

    @Test(arguments: CagedScene.endings)
    func `a picture with alpha in use stays what it is, and its preview is on white`(ending: String) throws {
        let clear = ["-alpha", "set", "-channel", "A", "-evaluate", "set", "0"]
        let (outcome, _) = try scene.prepare(try scene.make(ending, changes: clear))
        guard case .kept(let why, let look) = outcome else {
            Issue.record("alpha was lost")
            return
        }
        #expect(why.contains("transparent"))
        let preview = scene.studio.newPath()
        try write(try #require(look?.preview), toFile: preview)
        let samples = try GrayImage(preview, scene.studio, []).samples
        #expect(samples.allSatisfy { $0 >= 250 })
        let opaque = try scene.make(ending, changes: ["-alpha", "set"])
        #expect(try compressed(opaque).look.width == 403)
    }

    @Test func `at original it stays what it is, and has a preview`() throws {
        let (outcome, _) = try scene.prepare(try scene.make("heic"), .original)
        guard case .kept(_, let look?) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(look.preview != nil && look.width == 403)
    }

    @Test(arguments: [("needs", "libnothing is not installed"), ("never-shut", "seccomp")])
    func `without a decoder or a cage it stays what it is, and says why`(stub: String, words: String) throws {
        let path = scene.studio.newPath(stub)
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: Products.path("CageStub"), toPath: folder.path(stub))
        try Tool.run("convert", [scene.studio.path("scene.png"), "png:\(path)"])
        let (outcome, result) = try scene.prepare(path, in: CageProgram(path: folder.path(stub)))
        guard case .kept(let why, nil) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(why.contains(words), "\(why)")
        #expect(try bytes(ofFile: result).isEmpty)
    }
}
