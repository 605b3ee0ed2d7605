import Files

/// The rows of a stored picture, decoded and scaled, gray or RGB.
struct RowSource: ~Copyable {
    /// The output size, not yet rotated.
    let size: PixelSize
    /// 1 gray, 3 RGB.
    let components: Int
    private var decoder: PictureDecoder
    private var scaler: RowScaler?
    /// A row from libjpeg.
    private var decodedRow: [UInt8]
    private var rowsLeft: Int

    /// Converts CMYK; without it the plain inverse serves.
    private let inks: InkTransform?

    /// Starts the decoder. `choose` maps the stored size to the output size, which is not larger.
    init(
        _ decoder: consuming PictureDecoder, inks: InkTransform? = nil, size choose: (PixelSize) -> PixelSize
    ) throws(ImagingError) {
        let header = decoder.header
        let target = choose(header.size)
        let eighths = header.size.decodingEighths(for: target)
        let decoded = try decoder.start(eighths: eighths)
        let components = header.components == 1 ? 1 : 3
        scaler = try RowScaler.unlessEqual(
            decoded, target, components: components, sourceWidth: Double(header.size.width * eighths) / 8,
            sourceHeight: Double(header.size.height * eighths) / 8)
        size = target
        self.components = components
        decodedRow = [UInt8](repeating: 0, count: decoded.width * header.components)
        rowsLeft = decoded.height
        self.inks = inks
        self.decoder = decoder
    }

    /// A row of the output length.
    func emptyRow() -> [UInt8] { [UInt8](repeating: 0, count: size.width * components) }

    /// The next of `size.height` rows.
    mutating func next(into row: inout [UInt8]) throws(ImagingError) {
        if scaler == nil {
            row = try decodeRow()
            return
        }
        while scaler?.give(into: &row) == false {
            let next = try decodeRow()
            scaler?.take(next)
        }
    }

    /// Reads the rest of the picture; only then is its damage known.
    mutating func finish() throws(ImagingError) -> PictureDamage {
        while rowsLeft > 0 { _ = try decodeRow() }
        return try decoder.finish()
    }

    private mutating func decodeRow() throws(ImagingError) -> [UInt8] {
        rowsLeft -= 1
        try decoder.readRow(into: &decodedRow)
        guard decoder.header.components == 4 else { return decodedRow }
        return inks?.convert(decodedRow, isInverted: decoder.header.isInverted) ?? convertedRow()
    }

    /// CMYK to RGB without a profile.
    private func convertedRow() -> [UInt8] {
        var row: [UInt8] = []
        row.reserveCapacity(decodedRow.count / 4 * 3)
        let flip: UInt8 = decoder.header.isInverted ? 0 : 0xFF
        for first in stride(from: 0, to: decodedRow.count, by: 4) {
            let light = Int(decodedRow[first + 3] ^ flip)
            for ink in 0..<3 { row.append(UInt8(Int(decodedRow[first + ink] ^ flip) * light / 255)) }
        }
        return row
    }
}
