import Testing

@testable import Imaging

@Suite
struct ThumbHashTests {
    /// Pictures that are made alike in any language. Their hashes are those of the published code, computed in double
    /// precision as its first version does, and of the Python package `thumbhash` 0.1.2, an independent port.
    enum Pattern: Sendable {
        case slope, disc, noise

        func colour(_ x: Int, _ y: Int, _ width: Int, _ height: Int) -> [Int] {
            switch self {
            case .slope:
                return [x * 255 / max(1, width - 1), y * 255 / max(1, height - 1), (x * 7 + y * 13) % 256]
            case .disc:
                let (across, down, edge) = (2 * x - width, 2 * y - height, min(width, height))
                return across * across + down * down < edge * edge / 2 ? [230, 180, 40] : [20, 40, 90]
            case .noise:
                return [(x * x * 31 + y * 17) % 256, (x * 57 + y * y * 11) % 256, (x * y * 3 + x) % 256]
            }
        }
    }

    @Test(arguments: [
        (100, 75, Pattern.slope, "df070a359a8087777077777878787778708007f877"),
        (75, 100, .slope, "dff709351a7077808777777778777778807008f878"),
        (100, 100, .disc, "d6080a5f06076888877878808a8987679878787008078700"),
        (100, 50, .disc, "51f7094c8607c867877887837b780787737038"),
        (37, 99, .noise, "1f08020b0001651645754235ffa97c1018"),
        (64, 48, .noise, "1ff8010d803032424157654366379445bfbeba06a3"),
        (1, 100, .slope, "150629813e08867988878777f78578bf78"),
        (100, 1, .slope, "54f62a71be7677878888088995874f8808"),
        (10, 3, .noise, "93ea091a9280226a86759877805c2aaf96"),
    ])
    func `hashes of known pictures`(width: Int, height: Int, pattern: Pattern, expected: String) {
        var raster = Raster(size: PixelSize(width: width, height: height), components: 3)
        for y in 0..<height {
            raster.append((0..<width).flatMap { pattern.colour($0, y, width, height).map { UInt8($0) } })
        }
        let hash = thumbHash(of: raster).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hash == expected)
    }

    /// From a port of the published code to Python, in double precision.
    @Test(arguments: [
        (100, 75, Pattern.slope, "dff7851c8c1781878089a888080866708f8763787857093609"),
        (75, 100, .disc, "1408862c041826689807b87a68620826868077973487780a05"),
        (64, 48, .noise, "1f08820480180021859d449af7a9987e408a77974038d3b506"),
        (10, 3, .noise, "d6fa81028201f023b7956af36e3aaf9770777478878877"),
    ])
    func `hashes of pictures with alpha`(width: Int, height: Int, pattern: Pattern, expected: String) {
        var raster = Raster(size: PixelSize(width: width, height: height), components: 4)
        for y in 0..<height {
            raster.append(
                (0..<width).flatMap { x in
                    (pattern.colour(x, y, width, height) + [(x * 3 + y * 5) % 256]).map { UInt8($0) }
                })
        }
        let hash = thumbHash(of: raster).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hash == expected)
    }

    @Test func `a picture of which nothing can be seen has a hash, and alpha that is full is none`() {
        var empty = Raster(size: PixelSize(width: 10, height: 10), components: 4)
        for _ in 0..<10 { empty.append([UInt8](repeating: 0, count: 40)) }
        #expect(thumbHash(of: empty).count == 25)
        var full = Raster(size: PixelSize(width: 10, height: 10), components: 2)
        var gray = Raster(size: PixelSize(width: 10, height: 10), components: 1)
        for _ in 0..<10 {
            full.append((0..<10).flatMap { [UInt8(25 * $0), 255] })
            gray.append((0..<10).map { UInt8(25 * $0) })
        }
        #expect(thumbHash(of: full) == thumbHash(of: gray))
    }

    @Test func `a gray picture hashes as the same picture in colour`() {
        var gray = Raster(size: PixelSize(width: 40, height: 30), components: 1)
        var colour = Raster(size: PixelSize(width: 40, height: 30), components: 3)
        for y in 0..<30 {
            let row = (0..<40).map { UInt8(($0 * y) % 256) }
            gray.append(row)
            colour.append(row.flatMap { [$0, $0, $0] })
        }
        #expect(thumbHash(of: gray) == thumbHash(of: colour))
    }
}
