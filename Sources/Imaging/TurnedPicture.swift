/// A picture that is put down row by row as it is stored, and taken up row by row as it is displayed.
///
/// It lies in bands of displayed rows, and each band goes once its last row is taken: the encoder's memory grows while
/// this shrinks.
struct TurnedPicture {
    /// The size as displayed.
    let size: PixelSize
    private let components: Int
    private let orientation: Orientation
    private let rowsInBand: Int
    private var bands: [[UInt8]]

    /// Large enough that the allocator gives it back to the system when it goes.
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

    /// Puts down stored row `index`.
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

    /// Lays the part of a stored row that falls into `band` down its `column`.
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

    /// Takes up displayed row `index`; each once, from top to bottom.
    mutating func take(_ index: Int, into row: inout [UInt8]) {
        let (band, position) = index.quotientAndRemainder(dividingBy: rowsInBand)
        let first = position * size.width * components
        row.replaceSubrange(row.indices, with: bands[band][first..<first + size.width * components])
        if first + row.count == bands[band].count { bands[band] = [] }
    }
}
