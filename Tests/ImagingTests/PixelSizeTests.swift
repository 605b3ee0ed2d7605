import Cleaning
import Testing

@testable import Imaging

@Suite
struct PixelSizeTests {
    @Test(arguments: [
        (4000, 3000, 1600, 1200), (3000, 4000, 1200, 1600), (1600, 1600, 1600, 1600), (1601, 1, 1600, 1),
        (65_535, 65_535, 1600, 1600), (65_535, 1, 1600, 1), (5400, 2700, 1600, 800), (3, 5, 3, 5),
    ])
    func `the long edge comes down to the limit, the other keeps the shape and at least a pixel`(
        width: Int, height: Int, expectedWidth: Int, expectedHeight: Int
    ) {
        let size = PixelSize(width: width, height: height).fitting(longEdge: 1600)
        #expect(size == PixelSize(width: expectedWidth, height: expectedHeight))
    }

    @Test(arguments: [(4000, 1600, 8), (4480, 1600, 4), (9000, 1600, 2), (20_000, 1600, 1), (1600, 1600, 8), (1, 1, 8)])
    func `the decoder gives enough for the filter to work on`(longEdge: Int, target: Int, expected: Int) {
        let source = PixelSize(width: longEdge, height: 1)
        #expect(source.decodingEighths(for: PixelSize(width: target, height: 1)) == expected)
    }

    @Test(arguments: Orientation.allCases)
    func `where each pixel of a small picture goes, by the drawings of the EXIF standard`(orientation: Orientation) {
        // A B C
        // D E F
        var raster = Raster(size: PixelSize(width: 3, height: 2), components: 1)
        raster.append(Array("ABC".utf8))
        raster.append(Array("DEF".utf8))
        let displayed: [Orientation: String] = [
            .upright: "ABCDEF", .mirrored: "CBAFED", .halfTurn: "FEDCBA", .flipped: "DEFABC",
            .transposed: "ADBECF", .rightTurn: "DAEBFC", .transversed: "FCEBDA", .leftTurn: "CFBEAD",
        ]
        #expect(String(decoding: raster.displayed(orientation).samples, as: UTF8.self) == displayed[orientation])
    }

    @Test(arguments: Orientation.allCases, [1, 3])
    func `a picture is turned in bands as it is turned at once`(orientation: Orientation, components: Int) {
        let stored = PixelSize(width: 1203, height: 901)
        var raster = Raster(size: stored, components: components)
        var turned = TurnedPicture(stored: stored, components: components, orientation)
        for y in 0..<stored.height {
            let row = (0..<stored.width * components).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ y &* 31) }
            raster.append(row)
            turned.put(row, at: y)
        }
        var samples: [UInt8] = []
        var row = [UInt8](repeating: 0, count: turned.size.width * components)
        for y in 0..<turned.size.height {
            turned.take(y, into: &row)
            samples += row
        }
        #expect(samples == raster.displayed(orientation).samples)
    }
}
