package import Files

/// A picture as a message shows it before it has arrived.
package struct PictureLook: Sendable {
    /// Pixels across as displayed: after the orientation.
    package let width: Int
    /// Pixels down as displayed.
    package let height: Int
    /// About 25 bytes for a blurred placeholder (ThumbHash).
    package let thumbhash: [UInt8]
    /// A small JPEG; nil for a picture so noisy that none fits.
    package let preview: [UInt8]?

    init(_ size: PixelSize, _ miniature: Miniature) {
        (width, height) = (size.width, size.height)
        (thumbhash, preview) = (miniature.thumbhash, miniature.preview)
    }
}

/// Writes a picture as JPEG, from the first byte of `output`, which must be empty: scaled down to the long edge of
/// `quality`, turned upright, on white where it has alpha, with its profile. `original` keeps every pixel and 4:4:4.
///
/// All of `source` is read, so the result is valid.
package func preparePhoto(
    _ source: consuming some PixelSource & ~Copyable, into output: borrowing OpenFile, quality: Quality
) throws(ImagingError) -> PictureLook {
    let compression = quality.compression ?? .everyPixel
    let header = source.header
    var rows = try ScaledRows(consume source, longEdge: compression.longEdge, isOpaque: true)
    let options = PictureEncoder.Options(
        size: rows.size.oriented(header.orientation), components: rows.components,
        quality: compression.encoderQuality, hasFullChroma: compression.keepsFullChroma && header.hasFullChroma,
        profile: header.profile)
    var encoder = try PictureEncoder(output, options)
    let miniature = try rows.passOn { row throws(ImagingError) in try encoder.writeRow(row) }
    _ = try encoder.finish()
    return PictureLook(options.size, miniature)
}

/// Reads all of a picture only to see how it looks.
package func look(at source: consuming some PixelSource & ~Copyable) throws(ImagingError) -> PictureLook {
    let header = source.header
    var rows = try ScaledRows(consume source, longEdge: ImagingLimits.thumbhashLongEdge)
    var raster = Raster(size: rows.size, components: rows.components)
    var row = rows.emptyRow()
    for _ in 0..<rows.size.height {
        try rows.next(into: &row)
        raster.append(row)
    }
    try rows.finish()
    return PictureLook(
        header.storedSize.oriented(header.orientation), try Miniature(raster.displayed(header.orientation)))
}

extension Compression {
    /// For what has to be encoded although every pixel was asked for.
    static let everyPixel = Compression(longEdge: 65_500, encoderQuality: 92, keepsFullChroma: true)
}
