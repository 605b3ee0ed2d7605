import TestSupport

/// A picture as another program reads it, in gray, to be compared.
struct GrayImage {
    let width: Int
    let height: Int
    let samples: [UInt8]

    /// Reads a file with ImageMagick, which first does to it what `arguments` say.
    init(_ path: String, _ studio: Studio, _ arguments: [String] = ["-auto-orient"]) throws {
        let output = studio.newPath("pgm")
        try Tool.run("convert", [path] + arguments + ["-colorspace", "Gray", "-depth", "8", output])
        let bytes = try TestSupport.bytes(ofFile: output)
        // P5, width, height, 255: four words, one space after the last.
        var words: [Int] = []
        var start = 3
        while words.count < 3 {
            let end = bytes[start...].firstIndex { $0 == 10 || $0 == 32 } ?? bytes.count
            words.append(Int(String(decoding: bytes[start..<end], as: UTF8.self)) ?? 0)
            start = end + 1
        }
        width = words[0]
        height = words[1]
        samples = Array(bytes[start...])
    }

    /// The mean structural similarity (Wang and others, 2004) over windows of 8 by 8, four apart; 1 is the same.
    func similarity(to other: GrayImage) -> Double {
        guard width == other.width, height == other.height, width >= 8, height >= 8 else { return 0 }
        var sum = 0.0
        var count = 0
        for top in stride(from: 0, through: height - 8, by: 4) {
            for left in stride(from: 0, through: width - 8, by: 4) {
                sum += windowSimilarity(to: other, left: left, top: top)
                count += 1
            }
        }
        return sum / Double(count)
    }

    private func windowSimilarity(to other: GrayImage, left: Int, top: Int) -> Double {
        var sums = (one: 0, other: 0, ones: 0, others: 0, products: 0)
        for row in top..<top + 8 {
            for column in left..<left + 8 {
                let one = Int(samples[row * width + column])
                let two = Int(other.samples[row * width + column])
                sums = (
                    sums.one + one, sums.other + two, sums.ones + one * one, sums.others + two * two,
                    sums.products + one * two
                )
            }
        }
        let (mean, otherMean) = (Double(sums.one) / 64, Double(sums.other) / 64)
        let variance = Double(sums.ones) / 64 - mean * mean
        let otherVariance = Double(sums.others) / 64 - otherMean * otherMean
        let covariance = Double(sums.products) / 64 - mean * otherMean
        let (first, second) = (6.5025, 58.5225)  // (0.01 · 255)² and (0.03 · 255)²
        return (2 * mean * otherMean + first) * (2 * covariance + second)
            / ((mean * mean + otherMean * otherMean + first) * (variance + otherVariance + second))
    }
}
