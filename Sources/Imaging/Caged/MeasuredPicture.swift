import Cleaning

/// How bright the rows of a picture are, taken together.
final class Brightness {
    private var sum = 0
    private var count = 0

    func add(_ row: [UInt8]) {
        for sample in row { sum += Int(sample) }
        count += row.count
    }

    /// The mean of all samples, 0…255.
    var mean: Double { count == 0 ? 0 : Double(sum) / Double(count) }
}

/// A picture that is measured while it is read.
struct MeasuredPicture<Source: PixelSource & ~Copyable>: ~Copyable, PixelSource {
    let header: PixelHeader
    private var source: Source
    private let brightness: Brightness

    init(_ source: consuming Source, _ brightness: Brightness) {
        header = source.header
        self.source = source
        self.brightness = brightness
    }

    mutating func readRow(into row: inout [UInt8]) throws(ImagingError) {
        try source.readRow(into: &row)
        brightness.add(row)
    }

    mutating func finish() throws(ImagingError) { try source.finish() }
}
