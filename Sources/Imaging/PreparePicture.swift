import Cleaning
package import Files

/// Prepares a JPEG for sealing: compresses it to `quality`, or only strips its metadata if that is asked for, if it
/// cannot be compressed, or if compressing would not make it smaller.
///
/// Reads `input` and writes `output`, which must be empty, from their first bytes; their positions do not change. The
/// whole picture is decoded in any case, so the result is valid, unless `acceptsCorruption`, which makes the best of
/// truncated and damaged files instead of failing.
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

/// Decodes a received preview completely; returns its size.
///
/// The limits of every picture apply, and a stricter one: no honest picture of a few kilobytes has edges over 1,024
/// pixels.
package func checkPreview(_ bytes: [UInt8]) throws(ImagingError) -> (width: Int, height: Int) {
    let decoder = try PictureDecoder(bytes, acceptsCorruption: false)
    let size = decoder.header.size
    guard size.longEdge <= ImagingLimits.receivedPreviewLongEdge else {
        throw .unsupported("its preview has \(size.width) × \(size.height) pixels, which is too large")
    }
    var source = try RowSource(decoder) { $0 }
    try source.finish()
    return (size.width, size.height)
}

/// One picture in preparation, and what its markers say.
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
        var source = try RowSource(decoder) { $0.fitting(longEdge: ImagingLimits.thumbhashLongEdge) }
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
        let options = PictureEncoder.Options(
            size: displayedSize, components: source.components, quality: compression.encoderQuality,
            hasFullChroma: keepsChroma, profile: structure.profile)
        var miniatureMaker = try MiniatureMaker(source.size, components: source.components)
        let size =
            orientation.keepsRowOrder
            ? try encodeRows(of: &source, into: output, options, &miniatureMaker)
            : try encodeTurned(&source, into: output, options, &miniatureMaker)
        let miniature = try Miniature(miniatureMaker.finished().displayed(orientation))
        if size < StrippedPicture(structure).size { return prepared(displayedSize, .compressed, miniature) }
        do { try output.truncate(to: 0) } catch { throw .file(error) }
        return try writeStripped(input, into: output, .wouldNotShrink, miniature)
    }

    /// Passes on each row as it is decoded.
    private func encodeRows(
        of source: inout RowSource, into output: borrowing OpenFile, _ options: PictureEncoder.Options,
        _ miniatureMaker: inout MiniatureMaker
    ) throws(ImagingError) -> Int64 {
        var encoder = try PictureEncoder(output, options)
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

    /// Keeps the scaled picture until its last row is decoded, which may be displayed first.
    private func encodeTurned(
        _ source: inout RowSource, into output: borrowing OpenFile, _ options: PictureEncoder.Options,
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
        var encoder = try PictureEncoder(output, options)
        row = [UInt8](repeating: 0, count: options.size.width * options.components)
        for index in 0..<options.size.height {
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
