import Glibc

/// The ThumbHash of a picture of at most 100 pixels a side, by the algorithm that Evan Wallace published at
/// https://evanw.github.io/thumbhash/: the lowest cosine frequencies of lightness, two colour differences, and alpha if
/// that is used.
///
///     3 bytes  L mean 6 bits, P mean 6, Q mean 6, L scale 5, has alpha 1, from the lowest bit
///     2 bytes  shorter edge's frequencies 3, P scale 6, Q scale 6, is landscape 1
///     1 byte   A mean 4, A scale 4, if it has alpha
///     n bytes  the frequencies of L, P, Q and A, 4 bits each, the first in the low half
func thumbHash(of raster: Raster) -> [UInt8] {
    let size = raster.size
    let planes = OpponentPlanes(raster)
    // What is spent on alpha is taken from lightness.
    let most = planes.hasAlpha ? 5.0 : 7.0
    let across = max(1, rounded(most * Double(size.width) / Double(size.longEdge)))
    let down = max(1, rounded(most * Double(size.height) / Double(size.longEdge)))
    let lightness = Frequencies(planes.lightness, size, across: max(3, across), down: max(3, down))
    let yellowBlue = Frequencies(planes.yellowBlue, size, across: 3, down: 3)
    let redGreen = Frequencies(planes.redGreen, size, across: 3, down: 3)
    let alpha = planes.hasAlpha ? Frequencies(planes.alpha, size, across: 5, down: 5) : nil
    let isLandscape = size.width > size.height

    let means =
        rounded(63 * lightness.mean) | rounded(31.5 + 31.5 * yellowBlue.mean) << 6
        | rounded(31.5 + 31.5 * redGreen.mean) << 12 | rounded(31 * lightness.scale) << 18
        | (alpha == nil ? 0 : 1 << 23)
    let scales =
        (isLandscape ? down : across) | rounded(63 * yellowBlue.scale) << 3
        | rounded(63 * redGreen.scale) << 9 | (isLandscape ? 1 << 15 : 0)
    var hash = [means, means >> 8, means >> 16, scales, scales >> 8].map { UInt8(truncatingIfNeeded: $0) }
    if let alpha { hash.append(UInt8(rounded(15 * alpha.mean) | rounded(15 * alpha.scale) << 4)) }
    let levels = (lightness.levels + yellowBlue.levels + redGreen.levels + (alpha?.levels ?? [])).map {
        UInt8(rounded(15 * $0))
    }
    for first in stride(from: 0, to: levels.count, by: 2) {
        hash.append(levels[first] | (first + 1 < levels.count ? levels[first + 1] << 4 : 0))
    }
    return hash
}

/// To the nearest whole number, halves up, as in the published code.
private func rounded(_ value: Double) -> Int { Int((value + 0.5).rounded(.down)) }

/// The picture as lightness and two differences, each of 0…1 or -1…1, and alpha. It is put on its mean colour, in which
/// pixels count as much as they can be seen.
private struct OpponentPlanes {
    private(set) var lightness: [Double] = []
    private(set) var yellowBlue: [Double] = []
    private(set) var redGreen: [Double] = []
    private(set) var alpha: [Double] = []
    let hasAlpha: Bool

    private struct Colour {
        var red = 0.0
        var green = 0.0
        var blue = 0.0
        var alpha = 1.0
    }

    init(_ raster: Raster) {
        let pixels = stride(from: 0, to: raster.samples.count, by: raster.components).map { Self.pixel(raster, at: $0) }
        let ground = Self.mean(of: pixels)
        hasAlpha = pixels.contains { $0.alpha < 1 }
        for pixel in pixels {
            let rest = 1 - pixel.alpha
            let red = ground.red * rest + pixel.alpha * pixel.red
            let green = ground.green * rest + pixel.alpha * pixel.green
            let blue = ground.blue * rest + pixel.alpha * pixel.blue
            lightness.append((red + green + blue) / 3)
            yellowBlue.append((red + green) / 2 - blue)
            redGreen.append(red - green)
            alpha.append(pixel.alpha)
        }
    }

    private static func pixel(_ raster: Raster, at first: Int) -> Colour {
        let second = raster.components >= 3 ? 1 : 0
        var pixel = Colour(
            red: Double(raster.samples[first]) / 255, green: Double(raster.samples[first + second]) / 255,
            blue: Double(raster.samples[first + 2 * second]) / 255)
        if raster.hasAlpha { pixel.alpha = Double(raster.samples[first + raster.components - 1]) / 255 }
        return pixel
    }

    private static func mean(of pixels: [Colour]) -> Colour {
        var mean = Colour(alpha: 0)
        for pixel in pixels {
            mean.red += pixel.alpha * pixel.red
            mean.green += pixel.alpha * pixel.green
            mean.blue += pixel.alpha * pixel.blue
            mean.alpha += pixel.alpha
        }
        guard mean.alpha > 0 else { return mean }
        return Colour(red: mean.red / mean.alpha, green: mean.green / mean.alpha, blue: mean.blue / mean.alpha)
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
