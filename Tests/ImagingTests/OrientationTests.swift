import Cleaning
import Foundation
import Imaging
import Testing

@Suite(
    .enabled(if: Tool.areInstalled, "\(Tool.reason)")
)
struct OrientationTests {
    @Test(arguments: Array(1...8), Quality.allCases)
    func `orientation, coding and quality: every combination looks as before, and only the orientation is left to tell`(
        orientation: Int, quality: Quality
    ) throws {
        let studio = try Studio.open()
        for name in ["baseline", "progressive", "gray"] {
            let turned = JPEGBytes.inserting(JPEGBytes.orientation(UInt8(orientation)), into: try studio.bytes(name))
            let source = try studio.file(turned)
            let prepared = try studio.prepare(source, quality)
            let before = try GrayImage(source, studio)
            let after = try GrayImage(prepared.path, studio)
            #expect(before.similarity(to: after) > 0.93, "\(name)")
            #expect((prepared.picture.width, prepared.picture.height) == (before.width, before.height))
            try expectMiniature(of: prepared.picture, toShow: source, studio)
            if prepared.picture.treatment == .compressed {
                #expect(JPEGBytes.payload(of: 0xE1, in: try prepared.bytes) == nil)
            } else {
                try expectOrientation(orientation, in: try prepared.bytes)
            }
        }
    }

    private func expectOrientation(_ orientation: Int, in bytes: [UInt8]) throws {
        let payload = JPEGBytes.payload(of: 0xE1, in: bytes)
        guard orientation > 1 else {
            #expect(payload == nil)
            return
        }
        #expect(bytes[try #require(payload) + 25] == UInt8(orientation))
    }

    private func expectMiniature(of picture: PreparedPicture, toShow source: String, _ studio: Studio) throws {
        let preview = try #require(picture.preview)
        #expect(preview.count <= 1536)
        let (width, height) = try checkPreview(preview)
        #expect(max(width, height) == 72 && (width > height) == (picture.width > picture.height))
        let shown = try GrayImage(try studio.file(preview), studio)
        let expected = try GrayImage(source, studio, ["-auto-orient", "-resize", "\(width)x\(height)!"])
        #expect(shown.similarity(to: expected) > 0.75)
        // The hash knows the shape: bit 15 of its second number is set for landscapes.
        #expect((picture.thumbhash[4] & 0x80 != 0) == (picture.width > picture.height))
    }

    @Test(arguments: [1, 2, 3, 6, 7])
    func `pictures that are scaled down are turned as well`(orientation: Int) throws {
        let studio = try Studio.open()
        let turned = JPEGBytes.inserting(JPEGBytes.orientation(UInt8(orientation)), into: try studio.bytes("wide"))
        let source = try studio.file(turned)
        let prepared = try studio.prepare(source, .standard)
        let expectedSize = orientation < 5 ? (1600, 1011) : (1011, 1600)
        #expect((prepared.picture.width, prepared.picture.height) == expectedSize)
        #expect(prepared.picture.treatment == .compressed)
        let after = try GrayImage(prepared.path, studio)
        let size = "\(expectedSize.0)x\(expectedSize.1)!"
        let linear = [
            "-auto-orient", "-colorspace", "RGB", "-filter", "Lanczos", "-resize", size, "-colorspace", "sRGB",
        ]
        #expect(try GrayImage(source, studio, linear).similarity(to: after) > 0.95)
    }
}
