import Cleaning
import Files
import Foundation
import TestSupport
import Testing

@testable import Imaging

@Suite(.enabled(if: Tool.areInstalled, "\(Tool.reason)"), .enabled(if: WebPLibrary.isAtHand, "needs libwebp7"))
struct StillPreparationTests {
    @Test func `a screenshot becomes WebP that nobody tells apart, with half the bytes or fewer`() throws {
        let studio = try Studio.open()
        let source = try studio.screenshot("PNG24:png")
        let trial = try StillTrial(source, .standard, studio)
        #expect(trial.still.form == .webP(isLossless: false))
        #expect(try #require(trial.size) == (1080, 2400))
        #expect(try GrayImage(trial.path, studio).similarity(to: GrayImage(source, studio)) >= 0.99)
        #expect(try trial.bytes.count * 2 < TestSupport.bytes(ofFile: trial.cleanPath).count)
        let preview = try checkPreview(try #require(trial.still.look?.preview))
        #expect(max(preview.width, preview.height) <= 72)
    }

    @Test func `what is said to be without loss is: same pixels, same alpha`() throws {
        let studio = try Studio.open()
        for more in [[], ["-alpha", "set", "-channel", "A", "-evaluate", "set", "60%", "+channel"]] {
            let source = try studio.screenshot(
                "PNG32:png", width: 1600, height: 1500, more + ["-define", "png:compression-level=0"])
            let trial = try StillTrial(source, .high, studio)
            #expect(trial.still.form == .webP(isLossless: true))
            #expect(try Samples.seen(Samples.rgba(trial.path, studio)) == Samples.seen(Samples.rgba(source, studio)))
            // libwebp's own program agrees.
            let output = studio.newPath("png")
            if (try? Tool.run("dwebp", ["-quiet", trial.path, "-o", output])) != nil {
                #expect(try Samples.seen(Samples.rgba(output, studio)) == Samples.seen(Samples.rgba(source, studio)))
            }
        }
    }

    @Test func `lossy WebP keeps alpha as it is`() throws {
        let studio = try Studio.open()
        let veil = [
            "(", "-size", "1080x2400", "gradient:white-black", "-depth", "8", ")", "-alpha", "off", "-compose",
            "CopyOpacity", "-composite",
        ]
        let source = try studio.screenshot("PNG32:png", veil)
        let trial = try StillTrial(source, .standard, studio)
        #expect(trial.still.form == .webP(isLossless: false))
        let (before, after) = (try Samples.rgba(source, studio), try Samples.rgba(trial.path, studio))
        #expect(Samples.alpha(before) == Samples.alpha(after))
        #expect(try #require(trial.still.look?.thumbhash)[2] & 0x80 != 0)
    }

    @Test func `alpha is looked at, not believed`() throws {
        let studio = try Studio.open()
        let size = ["-size", "2700x1000", "plasma:red-blue", "-alpha", "set"]
        let opaque = try StillTrial(try studio.draw("PNG32:png", size), .standard, studio)
        #expect(opaque.still.form == .jpeg)
        #expect(try #require(opaque.size) == (1600, 593))
        let seen = try studio.draw("PNG32:png", size + ["-fill", "none", "-draw", "color 2699,999 point"])
        let used = try StillTrial(seen, .standard, studio)
        #expect(used.still.form == .webP(isLossless: false))
        #expect(try #require(used.size) == (2560, 948))
    }

    @Test func `scaling weighs pixels by what can be seen of them`() throws {
        let studio = try Studio.open()
        // Red that cannot be seen between blue that can: it must not tint the edge.
        let source = try studio.draw(
            "PNG32:png",
            [
                "-size", "3200x2900", "xc:rgba(255,0,0,0)", "-fill", "rgba(0,0,255,1)", "-draw",
                "circle 1600,1450 1600,300",
                "-define", "png:compression-level=0",
            ])
        let trial = try StillTrial(source, .standard, studio)
        let samples = try Samples.rgba(trial.path, studio)
        for pixel in stride(from: 0, to: samples.count, by: 4) where samples[pixel + 3] > 64 {
            #expect(samples[pixel] < 24)
            if samples[pixel] >= 24 { break }
        }
    }

    @Test(arguments: 1...8)
    func `all eight orientations are applied, or kept where the picture is`(orientation: Int) throws {
        let studio = try Studio.open()
        for (ending, isLarge) in [("png", false), ("png", true), ("webp", true), ("webp", false)] {
            let source = try turned(orientation, ending, isLarge, studio)
            let turning = ["-orient", Self.orientations[orientation - 1], "-auto-orient"]
            let before = try GrayImage(source, studio, turning)
            for quality in isLarge ? [Quality.standard, .high] : [.original] {
                let trial = try StillTrial(source, quality, studio)
                let isKept = trial.still.form.type == nil
                let after = try GrayImage(trial.path, studio, isKept ? turning : ["-orient", "TopLeft"])
                #expect(try #require(trial.size) == (after.width, after.height))
                #expect(trial.file.picture?.orientation.rawValue == UInt16(orientation))
                let reference = try GrayImage(source, studio, turning + ["-resize", "\(after.width)x\(after.height)!"])
                #expect(reference.similarity(to: after) > 0.93, "\(ending) \(quality) \(trial.still.form)")
                #expect(isKept || before.width >= after.width)
                try expectPreview(of: trial, toShow: source, turning, studio)
            }
        }
    }

    /// The names that ImageMagick has for 1…8; it does not read them from PNG and WebP itself.
    private static let orientations = [
        "TopLeft", "TopRight", "BottomRight", "BottomLeft", "LeftTop", "RightTop", "RightBottom", "LeftBottom",
    ]

    private func expectPreview(
        of trial: StillTrial, toShow source: String, _ turning: [String], _ studio: Studio
    ) throws {
        let path = studio.newPath()
        try TestSupport.write(try #require(trial.still.look?.preview), toFile: path)
        let small = try GrayImage(path, studio)
        let expected = try GrayImage(source, studio, turning + ["-resize", "\(small.width)x\(small.height)!"])
        #expect(small.similarity(to: expected) > 0.8)
    }

    /// A picture with land on one side and a red corner on the other, whose EXIF turns it.
    private func turned(_ orientation: Int, _ ending: String, _ isLarge: Bool, _ studio: Studio) throws -> String {
        let path = studio.newPath(ending)
        let quality = ending == "webp" ? ["-quality", "98"] : []
        let size = isLarge ? ["-resize", "1700x1100!", "-attenuate", "0.2", "-seed", "3", "+noise", "Gaussian"] : []
        try Tool.run("convert", [studio.path("scene.png")] + size + ["-strip"] + quality + [path])
        try Tool.run(
            "exiftool", ["-q", "-overwrite_original", "-n", "-Orientation=\(orientation)", "-Artist=PLANTED", path])
        return path
    }

    @Test func `what comes out tells nothing`() throws {
        let studio = try Studio.open()
        for (quality, name) in [(Quality.standard, "webp"), (.high, "png"), (.original, "png")] {
            let source = try studio.screenshot("PNG24:png", height: 1400)
            try Tool.run(
                "exiftool",
                ["-q", "-overwrite_original", "-GPSLatitude=52.52", "-Artist=PLANTED", "-XMP:City=PLANTED", source])
            let trial = try StillTrial(source, quality, studio)
            let bytes = try trial.bytes
            #expect(!String(decoding: bytes, as: UTF8.self).contains("PLANTED"), "\(name)")
            #expect(trial.file.removed.isSuperset(of: [.gps, .xmp]))
        }
    }

    @Test func `a profile goes along into WebP and JPEG`() throws {
        let studio = try Studio.open()
        let adobe = "/usr/share/color/icc/ghostscript/a98.icc"
        guard FileManager.default.fileExists(atPath: adobe) else { return }
        for (width, isJPEG) in [(1200, false), (2700, true)] {
            let source = try studio.draw(
                "PNG24:png", ["-size", "\(width)x1300", "plasma:red-blue", "-strip", "-profile", adobe])
            let trial = try StillTrial(source, .standard, studio)
            #expect(trial.still.form == (isJPEG ? .jpeg : .webP(isLossless: false)))
            let output = studio.newPath("icc")
            try Tool.run("exiftool", ["-b", "-icc_profile", trial.path], output: output)
            #expect(try TestSupport.bytes(ofFile: output) == trial.file.picture?.profile)
        }
    }

    @Test func `without libwebp everything is sent all the same`() throws {
        let studio = try Studio.open()
        let shot = try studio.screenshot("PNG24:png")
        let trial = try StillTrial(shot, .standard, studio, hasWebP: false)
        #expect(trial.still.form == .stripped(.noLibrary) && trial.still.look?.preview != nil)
        let photo = try studio.draw("PNG24:png", ["-size", "2700x1000", "plasma:red-blue"])
        #expect(try StillTrial(photo, .standard, studio, hasWebP: false).still.form == .jpeg)
    }

    @Test func `a heavy WebP becomes a photo, and its colours stay`() throws {
        let studio = try Studio.open()
        let source = try studio.draw("webp", [Studio.photograph, "-resize", "3000x1500!", "-quality", "90"])
        let trial = try StillTrial(source, .standard, studio)
        #expect(trial.still.form == .jpeg)
        #expect(try #require(trial.size) == (1600, 800))
        let linear = ["-colorspace", "RGB", "-filter", "Lanczos", "-resize", "1600x800!", "-colorspace", "sRGB"]
        #expect(try GrayImage(trial.path, studio).similarity(to: GrayImage(source, studio, linear)) > 0.94)
    }

    @Test func `what compressing would make larger is sent as it is`() throws {
        let studio = try Studio.open()
        // What is left of the worst quality, JPEG at a good one takes more bytes to tell.
        let source = try studio.draw("webp", ["-size", "1700x1700", "plasma:red-blue", "-quality", "1"])
        #expect(try StillTrial(source, .standard, studio).still.form == .stripped(.wouldNotShrink))
    }

    @Test func `colours that only PNG can tell stay in PNG`() throws {
        let studio = try Studio.open()
        let source = try studio.draw(
            "PNG24:png",
            ["-size", "1200x1200", "plasma:red-blue", "-set", "gamma", "1.0", "-define", "png:include-chunk=gAMA"])
        guard try TestSupport.bytes(ofFile: source).count > 256 << 10 else { return }
        let bytes = try SourceBytes(try OpenFile(source, .read))
        guard try PNG.clean(bytes).picture?.hasOtherColours == true else { return }
        #expect(try StillTrial(source, .standard, studio).still.form == .stripped(.colours))
    }
}
