import Foundation
import Testing

@testable import Cleaning
@testable import Files
@testable import Imaging

@Suite(.enabled(if: Tool.areInstalled, "\(Tool.reason)"))
struct StillDecodingTests {
    /// All samples of a cleaned picture, as RGBA.
    private func decode(_ path: String, _ traits: PictureTraits) throws -> [UInt8] {
        let file = try OpenFile(path, .read)
        var source: any PixelSource =
            switch traits.format {
            case .png: try PNGSource(file, traits)
            case .webP: try WebPSource(file, traits, longEdge: .max)
            case .gif: try GIFSource(file, traits)
            case .bmp: try BMPSource(file, traits)
            }
        let header = source.header
        var samples: [UInt8] = []
        var row = [UInt8](repeating: 0, count: header.rowCount)
        for _ in 0..<header.size.height {
            try source.readRow(into: &row)
            for pixel in stride(from: 0, to: row.count, by: header.components) {
                let isGray = header.components < 3
                samples += [row[pixel], row[isGray ? pixel : pixel + 1], row[isGray ? pixel : pixel + 2]]
                samples.append(header.hasAlpha ? row[pixel + header.components - 1] : 255)
            }
        }
        try source.finish()
        return samples
    }

    static let scene = ["-size", "61x47", "plasma:red-blue", "-seed", "7"]
    static let veil =
        scene + [
            "(", "-size", "61x47", "gradient:white-black", ")", "-alpha", "off", "-compose", "CopyOpacity",
            "-composite",
        ]

    @Test(arguments: [
        ("PNG24", scene, 0), ("PNG32", veil, 0), ("PNG8", scene + ["-colors", "200"], 0),
        ("PNG8", scene + ["-colors", "13", "-transparent", "red"], 0), ("PNG48", scene, 1), ("PNG64", veil, 1),
        ("PNG", scene + ["-colorspace", "Gray", "-depth", "8"], 0),
        ("PNG", scene + ["-colorspace", "Gray", "-depth", "16"], 1),
        ("PNG", scene + ["-colorspace", "Gray", "-depth", "4", "-colors", "16"], 0),
        ("PNG", scene + ["-monochrome"], 0),
        ("PNG", veil + ["-colorspace", "Gray"], 1), ("PNG24", scene + ["-interlace", "PNG"], 0),
        ("PNG64", veil + ["-interlace", "PNG"], 1), ("PNG8", scene + ["-colors", "4", "-interlace", "PNG"], 0),
        ("GIF", scene, 0), ("GIF", scene + ["-interlace", "GIF"], 0), ("GIF", scene + ["-colors", "2"], 0),
        ("GIF", scene + ["-transparent", "red", "-fuzz", "20%"], 0),
        ("GIF", ["-size", "700x500", "plasma:red-blue", "-seed", "9"], 0), ("GIF", ["-size", "1x1", "xc:red"], 0),
        ("BMP3", scene + ["-type", "TrueColor"], 0), ("BMP3", scene + ["-colors", "99", "-compress", "None"], 0),
        ("BMP3", scene + ["-colorspace", "Gray", "-compress", "None"], 0), ("BMP", veil, 0),
        ("BMP", scene + ["-type", "TrueColor"], 0),
    ])
    func `samples are those that ImageMagick reads`(format: String, arguments: [String], allowed: Int) throws {
        let studio = try Studio.open()
        let source = try studio.draw("\(format):\(format.prefix(3).lowercased())", arguments)
        let trial = try StillTrial(source, .original, studio)
        let samples = try decode(trial.cleanPath, try #require(trial.file.picture))
        let expected = try Samples.rgba(source, studio)
        let distance = try #require(Samples.distance(Samples.seen(samples), Samples.seen(expected)))
        #expect(distance <= allowed)
        // The clean copy shows the same to others.
        #expect(try Samples.rgba(trial.cleanPath, studio) == expected)
        #expect(trial.still.form == .stripped(.asked) && trial.still.look?.preview != nil)
    }

    @Test func `the first frame of an animation lies in its place on the canvas`() throws {
        let studio = try Studio.open()
        for ending in ["gif", "webp"] {
            let path = studio.newPath(ending)
            let script = """
                from PIL import Image
                frames = [Image.new("RGBA", (80, 60), (0, 0, 0, 0)) for _ in range(3)]
                for n, frame in enumerate(frames):
                    frame.paste((200, 30 * n, 10, 255), (20 + n, 10, 50 + n, 40))
                frames[0].save("\(path)", save_all=True, append_images=frames[1:], duration=100, disposal=2, lossless=True)
                """
            guard (try? Tool.run("python3", ["-c", script])) != nil else { continue }
            let trial = try StillTrial(path, .standard, studio)
            #expect(trial.still.form == .stripped(.animated))
            #expect(try #require(trial.size) == (80, 60))
            let samples = try decode(trial.cleanPath, try #require(trial.file.picture))
            func pixel(_ x: Int, _ y: Int) -> [UInt8] { Array(samples[4 * (y * 80 + x)..<4 * (y * 80 + x) + 4]) }
            #expect(pixel(30, 20) == [200, 0, 10, 255] && pixel(5, 5)[3] == 0 && pixel(60, 50)[3] == 0)
        }
    }
}
