import Cleaning

/// A small picture in memory.
struct Raster: Sendable {
    let size: PixelSize
    /// 1 gray, 3 RGB, and one more with alpha.
    let components: Int
    var hasAlpha: Bool { components % 2 == 0 }
    /// Row by row, from the top, without gaps.
    private(set) var samples: [UInt8] = []

    init(size: PixelSize, components: Int) {
        self.size = size
        self.components = components
        samples.reserveCapacity(size.width * size.height * components)
    }

    /// Appends a row at the bottom.
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

    /// Reverses a row of pixels.
    static func mirror(_ row: inout [UInt8], components: Int) {
        row.reverse()
        if components == 1 { return }
        // Now each pixel is reversed as well.
        for first in stride(from: 0, to: row.count - components + 1, by: components) {
            row.swapAt(first, first + components - 1)
            if components == 4 { row.swapAt(first + 1, first + 2) }
        }
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

/// A picture that is written row by row as stored, and read row by row as displayed.
///
/// It consists of bands of displayed rows, and each band is freed after its last row is read: the encoder's memory
/// grows while this shrinks.
struct TurnedPicture {
    /// The size as displayed.
    let size: PixelSize
    private let components: Int
    private let orientation: Orientation
    private let rowsInBand: Int
    private var bands: [[UInt8]]

    /// Large enough that the allocator returns it to the system when freed.
    private static let bandBytes = 1 << 20

    /// Room for a picture of `stored` pixels.
    init(stored: PixelSize, components: Int, _ orientation: Orientation) {
        size = stored.oriented(orientation)
        self.components = components
        self.orientation = orientation
        let rowBytes = size.width * components
        let rowsInBand = max(1, Self.bandBytes / rowBytes)
        let height = size.height
        self.rowsInBand = rowsInBand
        bands = stride(from: 0, to: height, by: rowsInBand).map { first in
            [UInt8](repeating: 0, count: min(rowsInBand, height - first) * rowBytes)
        }
    }

    /// Writes stored row `index`.
    mutating func put(_ row: [UInt8], at index: Int) {
        if orientation.swapsEdges {
            let column = orientation.mirrorsRows ? size.width - 1 - index : index
            for band in bands.indices { putColumn(column, row, band) }
        } else {
            putRow(orientation.mirrorsRows ? size.height - 1 - index : index, row)
        }
    }

    private mutating func putRow(_ displayed: Int, _ row: [UInt8]) {
        let first = displayed % rowsInBand * row.count
        var row = row
        if orientation.mirrorsColumns { Raster.mirror(&row, components: components) }
        bands[displayed / rowsInBand].replaceSubrange(first..<first + row.count, with: row)
    }

    /// Writes the part of a stored row that belongs to `band` down its `column`.
    private mutating func putColumn(_ column: Int, _ row: [UInt8], _ band: Int) {
        let rowBytes = size.width * components
        let firstRow = band * rowsInBand
        let source = row.span
        var target = bands[band].mutableSpan
        for position in 0..<target.count / rowBytes {
            let displayed = firstRow + position
            let stored = (orientation.mirrorsColumns ? size.height - 1 - displayed : displayed) * components
            let start = position * rowBytes + column * components
            for component in 0..<components { target[start + component] = source[stored + component] }
        }
    }

    /// Reads displayed row `index`; each once, from top to bottom.
    mutating func take(_ index: Int, into row: inout [UInt8]) {
        let (band, position) = index.quotientAndRemainder(dividingBy: rowsInBand)
        let first = position * size.width * components
        row.replaceSubrange(row.indices, with: bands[band][first..<first + size.width * components])
        if first + row.count == bands[band].count { bands[band] = [] }
    }
}
