/// A small picture in memory.
struct Raster: Sendable {
    let size: PixelSize
    /// 1 gray, 3 RGB.
    let components: Int
    /// Row by row, from the top, without gaps.
    private(set) var samples: [UInt8] = []

    init(size: PixelSize, components: Int) {
        self.size = size
        self.components = components
        samples.reserveCapacity(size.width * size.height * components)
    }

    /// Puts a row below those that are there.
    mutating func append(_ row: [UInt8]) { samples.append(contentsOf: row) }

    /// Row `index` of the picture as displayed.
    func copyRow(_ index: Int, displayed orientation: Orientation, into row: inout [UInt8]) {
        if orientation.swapsEdges {
            copyColumn(orientation.mirrorsColumns ? size.width - 1 - index : index, orientation, into: &row)
        } else {
            let stored = orientation.mirrorsRows ? size.height - 1 - index : index
            let first = stored * size.width * components
            for sample in 0..<size.width * components { row[sample] = samples[first + sample] }
            if orientation.mirrorsColumns { Self.mirror(&row, components: components) }
        }
    }

    private func copyColumn(_ column: Int, _ orientation: Orientation, into row: inout [UInt8]) {
        let stride = size.width * components
        for position in 0..<size.height {
            let stored = orientation.mirrorsRows ? size.height - 1 - position : position
            let first = stored * stride + column * components
            for component in 0..<components { row[position * components + component] = samples[first + component] }
        }
    }

    /// Turns a row of pixels around.
    static func mirror(_ row: inout [UInt8], components: Int) {
        row.reverse()
        guard components == 3 else { return }
        for first in stride(from: 0, to: row.count - 2, by: 3) { row.swapAt(first, first + 2) }
    }

    /// The whole picture as displayed.
    func displayed(_ orientation: Orientation) -> Raster {
        if orientation == .upright { return self }
        let size = size.oriented(orientation)
        var result = Raster(size: size, components: components)
        var row = [UInt8](repeating: 0, count: size.width * components)
        for index in 0..<size.height {
            copyRow(index, displayed: orientation, into: &row)
            result.append(row)
        }
        return result
    }
}
