import Files
import Foundation
import Imaging
import TestSupport
import Testing

/// A folder with the pictures that the tests begin with, made once.
struct Studio: Sendable {
    private let folder: TemporaryFolder
    private static let made = Result { try Studio() }

    static func open() throws -> Studio { try made.get() }

    /// The photograph that the project carries: 5400 by 2700 pixels.
    static let photograph = Bundle.module.path(forResource: "Pictures/blue-marble", ofType: "jpg") ?? ""

    private init() throws {
        folder = try TemporaryFolder()
        let scene = path("scene.png")
        // Land on one side, a red corner on the other: no two of the eight orientations look alike.
        try Tool.run(
            "convert",
            [
                Self.photograph, "-crop", "900x600+2500+600", "+repage", "-resize", "403x270!", "-fill", "red", "-draw",
                "rectangle 0,0 60,20", scene,
            ])
        try make("baseline", scene, ["-quality", "90", "-sampling-factor", "2x2"])
        try make("progressive", scene, ["-quality", "90", "-interlace", "JPEG"])
        try make("full-chroma", scene, ["-quality", "95", "-sampling-factor", "1x1"])
        try make("half-chroma", scene, ["-quality", "90", "-sampling-factor", "2x1"])
        try make("gray", scene, ["-quality", "90", "-colorspace", "Gray"])
        try make("cmyk", scene, ["-quality", "90", "-colorspace", "CMYK"])
        try make("small", scene, ["-resize", "48x32!", "-quality", "85"])
        try make("large", scene, ["-resize", "4200x4200!", "-quality", "70"])
        try make("wide", Self.photograph, ["-crop", "1900x1200+2000+600", "+repage", "-quality", "92"])
        try makeWithPrograms()
        // ImageMagick writes YCCK. The same data read as CMYK are other colours, and the same to all decoders.
        let ycck = try bytes("cmyk")
        let adobe = try #require(JPEGBytes.payload(of: 0xEE, in: ycck))
        try TestSupport.write(BrokenJPEG.setting(0, at: adobe + 11, in: ycck), toFile: path("plain-cmyk.jpg"))
    }

    private func make(_ name: String, _ source: String, _ arguments: [String]) throws {
        try Tool.run("convert", [source] + arguments + ["-strip", path(name + ".jpg")])
    }

    private func makeWithPrograms() throws {
        let baseline = path("baseline.jpg")
        try Tool.run("jpegtran", ["-arithmetic", "-outfile", path("arithmetic.jpg"), baseline])
        try Tool.run("jpegtran", ["-restart", "3", "-outfile", path("restarts.jpg"), baseline])
        try Tool.run("jpegtran", ["-progressive", "-outfile", path("small-progressive.jpg"), path("small.jpg")])
        try Tool.run("djpeg", ["-outfile", path("scene.ppm"), baseline])
        try Tool.run("cjpeg", ["-quality", "90", "-outfile", path("usual-tables.jpg"), path("scene.ppm")])
        try Tool.run("cjpeg", ["-rgb", "-quality", "90", "-outfile", path("rgb.jpg"), path("scene.ppm")])
    }

    func path(_ name: String) -> String { folder.path(name) }

    /// The bytes of the picture `name`, which may be another one's with something put into it.
    func bytes(_ name: String) throws -> [UInt8] { try TestSupport.bytes(ofFile: path(name + ".jpg")) }

    /// A name in the folder that nothing else has.
    func newPath(_ ending: String = "jpg") -> String { path("\(UUID().uuidString).\(ending)") }

    /// Writes a new file and tells its path.
    func file(_ bytes: [UInt8]) throws -> String {
        let path = newPath()
        try TestSupport.write(bytes, toFile: path)
        return path
    }
}

/// What came of preparing a picture.
struct Prepared {
    let picture: PreparedPicture
    /// Where it is.
    let path: String

    var bytes: [UInt8] { get throws { try TestSupport.bytes(ofFile: path) } }
}

extension Studio {
    func prepare(_ path: String, _ quality: Quality, acceptsCorruption: Bool = false) throws -> Prepared {
        let result = newPath()
        let input = try OpenFile(path, .read)
        let output = try OpenFile(result, .create(permissions: 0o600))
        let picture = try preparePicture(input, into: output, quality: quality, acceptsCorruption: acceptsCorruption)
        return Prepared(picture: picture, path: result)
    }

    func prepare(_ bytes: [UInt8], _ quality: Quality, acceptsCorruption: Bool = false) throws -> Prepared {
        try prepare(file(bytes), quality, acceptsCorruption: acceptsCorruption)
    }

    func open(_ bytes: [UInt8]) throws -> OpenFile { try OpenFile(file(bytes), .update) }

    /// What became of the picture, and no more of it.
    func prepareThrowing(_ path: String, _ quality: Quality) throws(ImagingError) -> PreparedPicture {
        do { return try prepare(path, quality).picture } catch let error as ImagingError { throw error } catch {
            preconditionFailure("the studio cannot work: \(error)")
        }
    }
}
