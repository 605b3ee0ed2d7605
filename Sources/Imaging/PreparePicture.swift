import Cleaning
package import Files

/// Prepares a JPEG for sealing: compresses it to `quality`, or only strips its metadata if that is asked for, if it
/// cannot be compressed, or if compressing would not make it smaller.
///
/// Reads `input` and writes `output`, which must be empty, from their first bytes; their positions do not change. The
/// whole picture is decoded in any case. A damaged file of which every row comes out is encoded anew, at the quality
/// `original` too. One of which something is missing fails, unless `acceptsCorruption`: then what there is is encoded.
/// With that, a damaged file is stripped at `original` if its copy is sound.
package func preparePicture(
    _ input: borrowing OpenFile, into output: borrowing OpenFile, quality: Quality, acceptsCorruption: Bool = false
) throws(ImagingError) -> PreparedPicture {
    let structure = try StructureReader.read(input)
    let preparation = Preparation(structure, acceptsCorruption: acceptsCorruption)
    if let obstacle = preparation.obstacle {
        return try preparation.strip(input, into: output, quality == .original ? .asked : obstacle)
    }
    guard let compression = quality.compression else { return try preparation.keep(input, into: output) }
    return try preparation.compress(input, into: output, compression)
}

/// Decodes a received preview completely; returns its size.
///
/// The limits of every picture apply, and a stricter one: no honest picture of a few kilobytes has edges over 1,024
/// pixels.
package func checkPreview(_ bytes: [UInt8]) throws(ImagingError) -> (width: Int, height: Int) {
    let decoder = try PictureDecoder(bytes)
    let size = decoder.header.size
    guard size.longEdge <= ImagingLimits.receivedPreviewLongEdge else {
        throw .unsupported("its preview has \(size.width) × \(size.height) pixels, which is too large")
    }
    var source = try RowSource(decoder) { $0 }
    if let notice = try source.finish().notice { throw .corrupt(notice) }
    return (size.width, size.height)
}
