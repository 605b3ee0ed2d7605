import Files

/// Writes a picture as WebP, from the first byte of `output`, which must be empty: scaled down to `longEdge` and turned
/// upright, with its profile and alpha; without loss if that takes at most `losslessLimit` bytes, at `quality` if not.
/// Nothing is written if that exceeds `limit` bytes.
func prepareWebP(
    _ source: consuming some PixelSource & ~Copyable, into output: borrowing OpenFile, longEdge: Int,
    losslessLimit: Int?, quality: Int, limit: Int
) throws(ImagingError) -> (form: StillForm, look: PictureLook) {
    let header = source.header
    var rows = try ScaledRows(consume source, longEdge: longEdge)
    let size = rows.size.oriented(header.orientation)
    var picture = try WebPEncoder(size)
    var index = 0
    let miniature = try rows.passOn { row throws(ImagingError) in
        picture.put(row, at: index)
        index += 1
    }
    let look = PictureLook(size, miniature)
    if let losslessLimit {
        do throws(ImagingError) {
            let encoded = try picture.lossless(limit: min(losslessLimit, limit))
            try output.write(whole: WebPContainer.adding(header.profile, to: encoded, size))
            return (.webP(isLossless: true), look)
        } catch .full {
            // At a quality, then.
        }
    }
    do throws(ImagingError) {
        let encoded = try picture.lossy(quality: quality, limit: limit)
        try output.write(whole: WebPContainer.adding(header.profile, to: encoded, size))
    } catch .full {
        // It would not be smaller.
    }
    return (.webP(isLossless: false), look)
}

extension OpenFile {
    borrowing func write(whole bytes: [UInt8]) throws(ImagingError) {
        do throws(FileError) { try write(bytes, at: 0) } catch { throw .file(error) }
    }
}
