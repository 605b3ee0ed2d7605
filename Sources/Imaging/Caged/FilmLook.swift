package import Cage
package import Cleaning
import Files

/// How a film looks before it has arrived: the first of its frames that is not black, or the first. Nil where none can be
/// decoded, for whatever reason: a film without a preview is a film.
package func look(atFilm source: SourceBytes, in program: CageProgram) -> PictureLook? {
    guard let poster = FilmPoster(source) else { return nil }
    var first: PictureLook?
    for frame in poster.frames.indices {
        let brightness = Brightness()
        guard let look = try? look(at: frame, of: poster, source, in: program, brightness) else { return first }
        if brightness.mean >= PosterLimits.blackMean { return look }
        first = first ?? look
    }
    return first
}

private enum PosterLimits {
    /// The mean of samples of 0…255 below which a frame counts as black.
    static let blackMean = 16.0
    static let wallMilliseconds: Int64 = 10_000
}

private func look(
    at frame: Int, of poster: FilmPoster, _ source: SourceBytes, in program: CageProgram, _ brightness: Brightness
) throws -> PictureLook {
    let still = try poster.still(frame, of: source)
    if poster.coding == .vp8 {
        // A key frame of VP8 is a WebP, and those are decoded without a cage.
        let file = try MemoryFile.holding(still)
        let picture = try WebPSource(file, PictureTraits(.webP), longEdge: ImagingLimits.thumbhashLongEdge)
        return try look(at: MeasuredPicture(picture, brightness))
    }
    let isAVC = poster.coding == .avc
    let bytes =
        isAVC ? AVCKeyFrame.bytes(matrix: poster.matrix, isFullRange: poster.usesFullRange, still) : still
    let memoryBytes = CageLimits(width: poster.width, height: poster.height).memoryBytes
    let limits = CageLimits(wallMilliseconds: PosterLimits.wallMilliseconds, memoryBytes: memoryBytes)
    let rows = try CagedRows(try MemoryFile.holding(bytes), isAVC ? .avc : .heif, in: program, limits)
    let picture = try CagedPicture(rows, orientation: poster.orientation, anyColours: true)
    return try look(at: MeasuredPicture(picture, brightness))
}
