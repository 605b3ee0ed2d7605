import Imaging
import TestSupport
import Testing

@Suite(.enabled(if: Tool.areInstalled, "\(Tool.reason)"))
struct QualityTests {
    @Test func `a photograph is as sharp as ImageMagick's Lanczos filter makes it in linear light`() throws {
        let studio = try Studio.open()
        let prepared = try studio.prepare(Studio.photograph, .standard)
        #expect((prepared.picture.width, prepared.picture.height) == (1600, 800))
        #expect(prepared.picture.treatment == .compressed)
        #expect(prepared.picture.removed.isEmpty)
        let linear = ["-colorspace", "RGB", "-filter", "Lanczos", "-resize", "1600x800!", "-colorspace", "sRGB"]
        let reference = try GrayImage(Studio.photograph, studio, linear)
        #expect(try GrayImage(prepared.path, studio).similarity(to: reference) > 0.95)
    }

    @Test func `fine texture turns into the light it gives, not into moiré`() throws {
        let studio = try Studio.open()
        let source = studio.newPath()
        // Lines a pixel wide: half the light, which sRGB encodes as 188.
        try Tool.run("convert", ["-size", "3600x2400", "pattern:horizontal2", "-quality", "95", source])
        let prepared = try GrayImage(try studio.prepare(source, .standard).path, studio)
        let middle = prepared.samples[prepared.width * 8..<prepared.samples.count - prepared.width * 8]
        #expect(middle.allSatisfy { 178...198 ~= $0 })
    }

    @Test(arguments: [
        (1, 1, 1, 1), (1, 700, 1, 700), (700, 1, 700, 1), (1, 3000, 1, 1600), (3000, 1, 1600, 1),
        (17, 5, 17, 5), (1601, 9, 1600, 9), (3, 1999, 2, 1600), (8, 8, 8, 8), (16_000, 2, 1600, 1),
    ])
    func `no picture is enlarged, and every size comes out, however thin`(
        width: Int, height: Int, expectedWidth: Int, expectedHeight: Int
    ) throws {
        let studio = try Studio.open()
        let source = studio.newPath()
        try Tool.run("convert", ["-size", "\(width)x\(height)", "plasma:red-blue", "-quality", "97", source])
        for quality in Quality.allCases {
            let prepared = try studio.prepare(source, quality)
            let image = try GrayImage(prepared.path, studio)
            #expect((image.width, image.height) == (prepared.picture.width, prepared.picture.height))
            if quality == .standard && prepared.picture.treatment == .compressed {
                #expect((image.width, image.height) == (expectedWidth, expectedHeight))
            }
            let preview = try checkPreview(try #require(prepared.picture.preview))
            #expect(preview.width <= 72 && preview.height <= 72 && prepared.picture.thumbhash.count >= 5)
        }
    }

    @Test(arguments: ["arithmetic", "restarts", "rgb", "full-chroma", "half-chroma", "gray"])
    func `every way of coding is read`(name: String) throws {
        let studio = try Studio.open()
        for quality in Quality.allCases {
            let prepared = try studio.prepare(studio.path(name + ".jpg"), quality)
            let before = try GrayImage(studio.path(name + ".jpg"), studio)
            #expect(try GrayImage(prepared.path, studio).similarity(to: before) > 0.93)
        }
    }

    @Test func `gray stays gray, chroma stays whole at high where it was, and the output is progressive`() throws {
        let studio = try Studio.open()
        func frame(_ name: String, _ quality: Quality) throws -> [UInt8] {
            let bytes = try studio.prepare(studio.path(name + ".jpg"), quality).bytes
            let start = try #require(JPEGBytes.payload(of: 0xC2, in: bytes), "no progressive frame")
            return Array(bytes[start + 5..<start + 8])
        }
        #expect(try frame("gray", .standard)[0] == 1)
        #expect(try frame("full-chroma", .standard) == [3, 1, 0x22])
        #expect(try frame("full-chroma", .high) == [3, 1, 0x11])
        #expect(try frame("baseline", .high) == [3, 1, 0x22])
    }

    @Test func `what compressing would not make smaller is stripped instead`() throws {
        let studio = try Studio.open()
        let source = studio.newPath()
        try Tool.run("convert", [studio.path("scene.png"), "-quality", "20", source])
        let prepared = try studio.prepare(source, .standard)
        #expect(prepared.picture.treatment == .stripped(.wouldNotShrink))
        #expect(try prepared.bytes.count <= TestSupport.bytes(ofFile: source).count)
    }
}
