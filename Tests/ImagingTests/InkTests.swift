import Foundation
import TestSupport
import Testing

@testable import Cleaning
@testable import Imaging

@Suite(.enabled(if: Tool.areInstalled, "\(Tool.reason)"))
struct InkTests {
    static let hasLibrary = InkTransform(press()) != nil

    /// A profile of a press that does not exist: each corner of the inks has a colour as if they were filters.
    private static func press() -> [UInt8] {
        var values: [UInt8] = []
        // The last ink, black, changes fastest. Cyan, magenta and yellow paper, in Lab of 8 bits.
        for corner in 0..<16 {
            let (cyan, magenta, yellow, black) = (corner >> 3 & 1, corner >> 2 & 1, corner >> 1 & 1, corner & 1)
            let lightness = max(18, 245 - 80 * cyan - 90 * magenta - 15 * yellow - 200 * black)
            let redness = 128 + (black == 1 ? 0 : 60 * magenta - 35 * cyan - 4 * yellow)
            let yellowness = 128 + (black == 1 ? 0 : 75 * yellow - 40 * cyan - 5 * magenta)
            values += [UInt8(lightness), UInt8(redness), UInt8(yellowness)]
        }
        return JPEGBytes.tableProfile("CMYK", values: values)
    }

    @Test(arguments: ["cmyk", "plain-cmyk"], [Quality.standard, .high])
    func `CMYK without a profile becomes sRGB by the plain inverse`(name: String, quality: Quality) throws {
        let studio = try Studio.open()
        let path = studio.path(name + ".jpg")
        let prepared = try studio.prepare(path, quality)
        #expect(prepared.picture.treatment == .compressed && prepared.picture.removed.isEmpty)
        let bytes = try prepared.bytes
        #expect(bytes[try #require(JPEGBytes.payload(of: 0xC2, in: bytes)) + 5] == 3)
        #expect(JPEGBytes.payload(of: 0xE2, in: bytes) == nil)
        let expected = try meanColour(path, ["-colorspace", "sRGB"], studio)
        #expect(try difference(meanColour(prepared.path, [], studio), expected) < 2)
        let preview = try studio.file(try #require(prepared.picture.preview))
        #expect(try difference(meanColour(preview, [], studio), expected) < 4)
    }

    @Test(.enabled(if: hasLibrary, "needs liblcms2"), arguments: ["cmyk", "plain-cmyk"])
    func `CMYK with a profile becomes sRGB by that`(name: String) throws {
        let studio = try Studio.open()
        let segments = JPEGBytes.profile(Self.press())[0]
        let path = try studio.file(JPEGBytes.inserting(segments, into: try studio.bytes(name)))
        let screen = try file(StandardProfile(of: .sRGB).bytes, "icc", studio)
        let expected = try meanColour(path, ["-profile", screen, "-strip"], studio)
        for quality in [Quality.standard, .high] {
            let prepared = try studio.prepare(path, quality)
            #expect(prepared.picture.treatment == .compressed)
            #expect(try difference(meanColour(prepared.path, [], studio), expected) < 2)
            let preview = try studio.file(try #require(prepared.picture.preview))
            #expect(try difference(meanColour(preview, [], studio), expected) < 4)
        }
        // It makes a difference.
        #expect(try difference(meanColour(studio.path(name + ".jpg"), ["-colorspace", "sRGB"], studio), expected) > 5)
    }

    @Test func `CMYK is copied at original, and becomes sRGB there if it is damaged`() throws {
        let studio = try Studio.open()
        let whole = try studio.bytes("cmyk")
        #expect(try studio.prepare(whole, .original).picture.treatment == .stripped(.asked))
        let prepared = try studio.prepare(BrokenJPEG.withoutEnd(whole), .original)
        #expect(prepared.picture.treatment == .encodedAnew && prepared.picture.condition == .damaged)
        let expected = try meanColour(studio.path("cmyk.jpg"), ["-colorspace", "sRGB"], studio)
        #expect(try difference(meanColour(prepared.path, [], studio), expected) < 2)
    }

    @Test func `without the library a picture with a profile is copied, and says why`() throws {
        let studio = try Studio.open()
        let segments = JPEGBytes.profile(Self.press())[0]
        let input = try studio.open(JPEGBytes.inserting(segments, into: try studio.bytes("cmyk")))
        let preparation = Preparation(try StructureReader.read(input), acceptsCorruption: false, canConvert: false)
        #expect(preparation.obstacle == .ycck)
        let output = try studio.open([])
        #expect(try preparation.strip(input, into: output, .ycck).treatment == .stripped(.ycck))
    }

    // MARK: Measuring

    private func file(_ bytes: [UInt8], _ ending: String, _ studio: Studio) throws -> String {
        let path = studio.newPath(ending)
        try TestSupport.write(bytes, toFile: path)
        return path
    }

    /// The mean of all pixels as ImageMagick reads them, in sRGB.
    private func meanColour(_ path: String, _ arguments: [String], _ studio: Studio) throws -> [Double] {
        let output = studio.newPath("raw")
        try Tool.run("convert", [path] + arguments + ["-depth", "8", "rgb:\(output)"])
        let samples = try TestSupport.bytes(ofFile: output)
        return (0..<3).map { component in
            let sum = stride(from: component, to: samples.count, by: 3).reduce(0) { $0 + Int(samples[$1]) }
            return Double(sum) / Double(samples.count / 3)
        }
    }

    /// ΔE of 1976.
    private func difference(_ one: [Double], _ other: [Double]) -> Double {
        zip(lab(one), lab(other)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }

    private func lab(_ colour: [Double]) -> [Double] {
        let light = colour.map { $0 / 255 }.map { $0 <= 0.04045 ? $0 / 12.92 : pow(($0 + 0.055) / 1.055, 2.4) }
        let rows = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
        let xyz = rows.map { zip($0, light).reduce(0) { $0 + $1.0 * $1.1 } }
        let roots = zip(xyz, [0.9505, 1, 1.089]).map { $0 / $1 }.map {
            $0 > 0.008856 ? cbrt($0) : 7.787 * $0 + 16.0 / 116
        }
        return [116 * roots[1] - 16, 500 * (roots[0] - roots[1]), 200 * (roots[1] - roots[2])]
    }
}
