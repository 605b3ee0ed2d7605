package import Files

/// Makes a JPEG ready to be sealed: compressed to `quality`, or only stripped where that is asked for, where it could
/// not be compressed, or where compressing would not make it smaller.
///
/// Reads `input` from its first byte, and writes to `output`, which must be empty, from its first byte; the positions
/// of both stay as they are. All of the picture is decoded, whatever becomes of it: what comes out is sound, unless
/// `acceptsCorruption`, which turns cut-off files and bad data from errors into the best that can be made of them.
package func preparePicture(
    _ input: borrowing OpenFile, into output: borrowing OpenFile, quality: Quality, acceptsCorruption: Bool = false
) throws(ImagingError) -> PreparedPicture {
    let structure = try StructureReader.read(input, acceptsCorruption: acceptsCorruption)
    let preparation = Preparation(structure: structure, acceptsCorruption: acceptsCorruption)
    guard let compression = quality.compression else {
        return try preparation.strip(input, into: output, .asked)
    }
    if let obstacle = structure.obstacle { return try preparation.strip(input, into: output, obstacle) }
    return try preparation.compress(input, into: output, compression)
}

/// Reads a preview that came from a stranger to its end, and tells its size.
///
/// It stands under the limits of every picture, and a narrower one of its own: nothing of a few kilobytes is honest
/// with edges over 1,024 pixels.
package func checkPreview(_ bytes: [UInt8]) throws(ImagingError) -> (width: Int, height: Int) {
    let decoder = try PictureDecoder(bytes, acceptsCorruption: false)
    let size = decoder.header.size
    guard size.longEdge <= Limits.strangersPreviewLongEdge else {
        throw .unsupported("a preview of \(size.width) by \(size.height) pixels is no preview")
    }
    var source = try RowSource(decoder) { $0 }
    try source.finish()
    return (size.width, size.height)
}

/// One picture on its way, with what its markers told.
private struct Preparation {
    let structure: PictureStructure
    let acceptsCorruption: Bool

    private var orientation: Orientation { structure.orientation ?? .upright }

    // MARK: Stripping

    func strip(
        _ input: borrowing OpenFile, into output: borrowing OpenFile, _ reason: StrippingReason
    ) throws(ImagingError) -> PreparedPicture {
        let miniature: Miniature = structure.isDecodable ? try decodeMiniature(input) : .none
        return try writeStripped(input, into: output, reason, miniature)
    }

    private func decodeMiniature(_ input: borrowing OpenFile) throws(ImagingError) -> Miniature {
        let decoder = try PictureDecoder(input, acceptsCorruption: acceptsCorruption)
        var source = try RowSource(decoder) { $0.fitting(longEdge: Limits.thumbhashLongEdge) }
        var raster = Raster(size: source.size, components: source.components)
        var row = source.emptyRow()
        for _ in 0..<source.size.height {
            try source.next(into: &row)
            raster.append(row)
        }
        try source.finish()
        return try Miniature(raster.displayed(orientation))
    }

    private func writeStripped(
        _ input: borrowing OpenFile, into output: borrowing OpenFile, _ reason: StrippingReason,
        _ miniature: Miniature
    ) throws(ImagingError) -> PreparedPicture {
        guard let frame = structure.frame else { throw .corrupt("it has no frame") }
        try StrippedPicture(structure).write(from: input, to: output)
        return prepared(frame.size.oriented(orientation), .stripped(reason), miniature)
    }

    // MARK: Compressing

    func compress(
        _ input: borrowing OpenFile, into output: borrowing OpenFile, _ compression: Compression
    ) throws(ImagingError) -> PreparedPicture {
        let decoder = try PictureDecoder(input, acceptsCorruption: acceptsCorruption)
        let keepsChroma = compression.keepsFullChroma && decoder.header.hasFullChroma
        var source = try RowSource(decoder) { $0.fitting(longEdge: compression.longEdge) }
        let displayedSize = source.size.oriented(orientation)
        let settings = PictureEncoder.Settings(
            size: displayedSize, components: source.components, quality: compression.encoderQuality,
            hasFullChroma: keepsChroma, profile: structure.profile)
        var miniatureMaker = try MiniatureMaker(source.size, components: source.components)
        let size =
            orientation.keepsRowOrder
            ? try encodeRows(of: &source, into: output, settings, &miniatureMaker)
            : try encodeTurned(&source, into: output, settings, &miniatureMaker)
        let miniature = try Miniature(miniatureMaker.finished().displayed(orientation))
        if size < StrippedPicture(structure).size { return prepared(displayedSize, .compressed, miniature) }
        do { try output.truncate(to: 0) } catch { throw .file(error) }
        return try writeStripped(input, into: output, .wouldNotShrink, miniature)
    }

    /// Passes each row on as it comes.
    private func encodeRows(
        of source: inout RowSource, into output: borrowing OpenFile, _ settings: PictureEncoder.Settings,
        _ miniatureMaker: inout MiniatureMaker
    ) throws(ImagingError) -> Int64 {
        var encoder = try PictureEncoder(output, settings)
        var row = source.emptyRow()
        for _ in 0..<source.size.height {
            try source.next(into: &row)
            miniatureMaker.take(row)
            if orientation.mirrorsColumns { Raster.mirror(&row, components: source.components) }
            try encoder.writeRow(row)
        }
        try source.finish()
        return try encoder.finish()
    }

    /// Keeps the picture, scaled down, until its last row has come: that one may be displayed first.
    private func encodeTurned(
        _ source: inout RowSource, into output: borrowing OpenFile, _ settings: PictureEncoder.Settings,
        _ miniatureMaker: inout MiniatureMaker
    ) throws(ImagingError) -> Int64 {
        var picture = TurnedPicture(stored: source.size, components: source.components, orientation)
        var row = source.emptyRow()
        for index in 0..<source.size.height {
            try source.next(into: &row)
            miniatureMaker.take(row)
            picture.put(row, at: index)
        }
        try source.finish()
        var encoder = try PictureEncoder(output, settings)
        row = [UInt8](repeating: 0, count: settings.size.width * settings.components)
        for index in 0..<settings.size.height {
            picture.take(index, into: &row)
            try encoder.writeRow(row)
        }
        return try encoder.finish()
    }

    private func prepared(_ size: PixelSize, _ treatment: Treatment, _ miniature: Miniature) -> PreparedPicture {
        PreparedPicture(
            width: size.width, height: size.height, treatment: treatment, removed: structure.removed.sorted(),
            thumbhash: miniature.thumbhash, preview: miniature.preview)
    }
}
