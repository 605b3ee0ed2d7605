import Glibc

/// The ThumbHash of an opaque picture of at most 100 pixels a side, by the algorithm that Evan Wallace published at
/// https://evanw.github.io/thumbhash/: the lowest cosine frequencies of lightness and two colour differences.
///
///     3 bytes  L mean 6 bits, P mean 6, Q mean 6, L scale 5, has alpha 1 (here 0), from the lowest bit
///     2 bytes  shorter edge's frequencies 3, P scale 6, Q scale 6, is landscape 1
///     n bytes  the frequencies of L, P and Q, 4 bits each, the first in the low half
func thumbHash(of raster: Raster) -> [UInt8] {
    let size = raster.size
    let across = max(1, rounded(7 * Double(size.width) / Double(size.longEdge)))
    let down = max(1, rounded(7 * Double(size.height) / Double(size.longEdge)))
    let planes = OpponentPlanes(raster)
    let lightness = Frequencies(planes.lightness, size, across: max(3, across), down: max(3, down))
    let yellowBlue = Frequencies(planes.yellowBlue, size, across: 3, down: 3)
    let redGreen = Frequencies(planes.redGreen, size, across: 3, down: 3)
    let isLandscape = size.width > size.height

    let means =
        rounded(63 * lightness.mean) | rounded(31.5 + 31.5 * yellowBlue.mean) << 6
        | rounded(31.5 + 31.5 * redGreen.mean) << 12 | rounded(31 * lightness.scale) << 18
    let scales =
        (isLandscape ? down : across) | rounded(63 * yellowBlue.scale) << 3
        | rounded(63 * redGreen.scale) << 9 | (isLandscape ? 1 << 15 : 0)
    var hash = [means, means >> 8, means >> 16, scales, scales >> 8].map { UInt8(truncatingIfNeeded: $0) }
    let levels = (lightness.levels + yellowBlue.levels + redGreen.levels).map { UInt8(rounded(15 * $0)) }
    for first in stride(from: 0, to: levels.count, by: 2) {
        hash.append(levels[first] | (first + 1 < levels.count ? levels[first + 1] << 4 : 0))
    }
    return hash
}

/// To the nearest whole number, halves up, as in the published code.
private func rounded(_ value: Double) -> Int { Int((value + 0.5).rounded(.down)) }

/// The picture as lightness and two differences, each of 0…1 or -1…1.
private struct OpponentPlanes {
    private(set) var lightness: [Double] = []
    private(set) var yellowBlue: [Double] = []
    private(set) var redGreen: [Double] = []

    init(_ raster: Raster) {
        let second = raster.components == 3 ? 1 : 0
        for first in stride(from: 0, to: raster.samples.count, by: raster.components) {
            let red = Double(raster.samples[first]) / 255
            let green = Double(raster.samples[first + second]) / 255
            let blue = Double(raster.samples[first + 2 * second]) / 255
            lightness.append((red + green + blue) / 3)
            yellowBlue.append((red + green) / 2 - blue)
            redGreen.append(red - green)
        }
    }
}

/// The lowest frequencies of one plane: those under the diagonal of a table of `across` by `down`.
private struct Frequencies {
    private(set) var mean = 0.0
    /// The largest of the others.
    private(set) var scale = 0.0
    /// The others over the scale, brought to 0…1.
    private(set) var levels: [Double] = []

    init(_ plane: [Double], _ size: PixelSize, across: Int, down: Int) {
        for vertical in 0..<down {
            let rowWeights = Self.cosines(vertical, over: size.height)
            var horizontal = 0
            while horizontal * down < across * (down - vertical) {
                let columnWeights = Self.cosines(horizontal, over: size.width)
                let value = Self.sum(plane, columnWeights, rowWeights) / Double(size.width * size.height)
                if horizontal == 0 && vertical == 0 { mean = value } else { levels.append(value) }
                horizontal += 1
            }
        }
        scale = levels.reduce(0) { max($0, abs($1)) }
        if scale > 0 { levels = levels.map { [scale] in 0.5 + 0.5 / scale * $0 } }
    }

    private static func cosines(_ frequency: Int, over count: Int) -> [Double] {
        (0..<count).map { cos(Double.pi / Double(count) * Double(frequency) * (Double($0) + 0.5)) }
    }

    private static func sum(_ plane: [Double], _ columnWeights: [Double], _ rowWeights: [Double]) -> Double {
        var sum = 0.0
        for row in rowWeights.indices {
            let start = row * columnWeights.count
            for column in columnWeights.indices {
                sum += plane[start + column] * columnWeights[column] * rowWeights[row]
            }
        }
        return sum
    }
}
