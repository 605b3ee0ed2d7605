import Cleaning

/// Builds a picture of at most 100 pixels a side from the rows of a larger one, for the preview and the ThumbHash.
struct MiniatureMaker: ~Copyable {
    private var scaler: RowScaler?
    private var raster: Raster
    private var row: [UInt8]

    /// For rows of a picture of `size`.
    init(_ size: PixelSize, components: Int) throws(ImagingError) {
        let target = size.fitting(longEdge: ImagingLimits.thumbhashLongEdge)
        scaler = try RowScaler.unlessEqual(size, target, components: components)
        raster = Raster(size: target, components: components)
        row = [UInt8](repeating: 0, count: target.width * components)
    }

    /// Takes the next row, from top to bottom.
    mutating func take(_ next: [UInt8]) {
        if scaler == nil {
            raster.append(next)
            return
        }
        scaler?.take(next)
        while scaler?.give(into: &row) == true { raster.append(row) }
    }

    /// The small picture, once every row has been taken.
    consuming func finished() -> Raster { raster }
}

/// What a message shows before the picture has arrived.
struct Miniature: Sendable {
    let thumbhash: [UInt8]
    let preview: [UInt8]?

    /// Nothing: the picture cannot be decoded.
    static let none = Miniature(thumbhash: [], preview: nil)

    private init(thumbhash: [UInt8], preview: [UInt8]?) {
        self.thumbhash = thumbhash
        self.preview = preview
    }

    /// From a picture of at most 100 pixels a side, as displayed.
    init(_ raster: Raster) throws(ImagingError) {
        thumbhash = thumbHash(of: raster)
        preview = try Self.preview(of: raster.onWhite())
    }

    /// The best of a few qualities that fits; nil for a picture so noisy that none does.
    private static func preview(of raster: Raster) throws(ImagingError) -> [UInt8]? {
        let small = try raster.scaled(longEdge: ImagingLimits.previewLongEdge)
        for quality in [75, 65, 55, 45, 35, 25, 15, 8] {
            if let bytes = try encode(small, quality: quality) { return bytes }
        }
        return nil
    }

    /// Nil if it takes too many bytes.
    private static func encode(_ raster: Raster, quality: Int) throws(ImagingError) -> [UInt8]? {
        let options = PictureEncoder.Options(
            size: raster.size, components: raster.components, quality: quality, isProgressive: false)
        do {
            var encoder = try PictureEncoder(capacity: ImagingLimits.previewBytes, options)
            var row = [UInt8](repeating: 0, count: raster.size.width * raster.components)
            for index in 0..<raster.size.height {
                raster.copyRow(index, displayed: .upright, into: &row)
                try encoder.writeRow(row)
            }
            _ = try encoder.finish()
            return encoder.bytes()
        } catch .full {
            return nil
        }
    }
}

extension Raster {
    /// A smaller copy with the same proportions; itself if it is small already.
    func scaled(longEdge: Int) throws(ImagingError) -> Raster {
        let target = size.fitting(longEdge: longEdge)
        guard var scaler = try RowScaler.unlessEqual(size, target, components: components) else { return self }
        var result = Raster(size: target, components: components)
        var row = [UInt8](repeating: 0, count: size.width * components)
        var scaledRow = [UInt8](repeating: 0, count: target.width * components)
        for index in 0..<size.height {
            copyRow(index, displayed: .upright, into: &row)
            scaler.take(row)
            while scaler.give(into: &scaledRow) { result.append(scaledRow) }
        }
        return result
    }
}
