import Cleaning

/// The rows of a source of pixels, scaled down, and put on white where that is asked for.
struct ScaledRows<Source: PixelSource & ~Copyable>: ~Copyable {
    /// The output size, not yet rotated.
    let size: PixelSize
    /// Of the output.
    let components: Int
    private let orientation: Orientation
    private let flattens: Bool
    private var source: Source
    private var scaler: RowScaler?
    private var decodedRow: [UInt8]
    private var scaledRow: [UInt8]
    private var rowsLeft: Int

    /// `isOpaque` puts a picture with alpha on white.
    init(_ source: consuming Source, longEdge: Int, isOpaque: Bool = false) throws(ImagingError) {
        let header = source.header
        size = header.size.fitting(longEdge: longEdge)
        orientation = header.orientation
        flattens = isOpaque && header.hasAlpha
        components = flattens ? header.components - 1 : header.components
        scaler = try RowScaler.unlessEqual(header.size, size, components: header.components)
        decodedRow = [UInt8](repeating: 0, count: header.rowCount)
        scaledRow = scaler == nil ? [] : [UInt8](repeating: 0, count: size.width * header.components)
        rowsLeft = header.size.height
        self.source = source
    }

    /// A row of the output length.
    func emptyRow() -> [UInt8] { [UInt8](repeating: 0, count: size.width * components) }

    /// The next of `size.height` rows.
    mutating func next(into row: inout [UInt8]) throws(ImagingError) {
        if scaler == nil {
            if flattens {
                try decodeRow()
                AlphaRow.putOnWhite(decodedRow, components: components + 1, into: &row)
            } else {
                rowsLeft -= 1
                try source.readRow(into: &row)
            }
        } else if flattens {
            // Taken out for the while, so that nothing is copied.
            var scaled: [UInt8] = []
            swap(&scaled, &scaledRow)
            try scale(into: &scaled)
            AlphaRow.putOnWhite(scaled, components: components + 1, into: &row)
            swap(&scaled, &scaledRow)
        } else {
            try scale(into: &row)
        }
    }

    /// Reads the rest of the picture; only then is all of it known to be valid.
    mutating func finish() throws(ImagingError) {
        while rowsLeft > 0 { try decodeRow() }
        try source.finish()
    }

    private mutating func scale(into row: inout [UInt8]) throws(ImagingError) {
        while scaler?.give(into: &row) == false {
            try decodeRow()
            scaler?.take(decodedRow)
        }
    }

    private mutating func decodeRow() throws(ImagingError) {
        rowsLeft -= 1
        try source.readRow(into: &decodedRow)
    }

    // MARK: Passing on

    /// Reads all rows, and passes them to `take` as they are displayed, from the top; returns the miniature.
    mutating func passOn(to take: ([UInt8]) throws(ImagingError) -> Void) throws(ImagingError) -> Miniature {
        var maker = try MiniatureMaker(size, components: components)
        if orientation.keepsRowOrder {
            try passRows(to: take, &maker)
        } else {
            try passTurned(to: take, &maker)
        }
        return try Miniature(maker.finished().displayed(orientation))
    }

    /// Each row as it is decoded.
    private mutating func passRows(
        to take: ([UInt8]) throws(ImagingError) -> Void, _ maker: inout MiniatureMaker
    ) throws(ImagingError) {
        var row = emptyRow()
        for _ in 0..<size.height {
            try next(into: &row)
            maker.take(row)
            if orientation.mirrorsColumns { Raster.mirror(&row, components: components) }
            try take(row)
        }
        try finish()
    }

    /// Keeps the scaled picture until its last row is decoded, which may be displayed first.
    private mutating func passTurned(
        to take: ([UInt8]) throws(ImagingError) -> Void, _ maker: inout MiniatureMaker
    ) throws(ImagingError) {
        guard size.width * size.height * components <= ImagingLimits.memoryBytes else {
            throw .outOfMemory(limitBytes: ImagingLimits.memoryBytes)
        }
        var picture = TurnedPicture(stored: size, components: components, orientation)
        var row = emptyRow()
        for index in 0..<size.height {
            try next(into: &row)
            maker.take(row)
            picture.put(row, at: index)
        }
        try finish()
        row = [UInt8](repeating: 0, count: picture.size.width * components)
        for index in 0..<picture.size.height {
            picture.take(index, into: &row)
            try take(row)
        }
    }
}
