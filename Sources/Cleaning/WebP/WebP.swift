/// Cleans WebP, still and animated (RFC 9649; the container is section 2).
///
/// | chunk | what becomes of it |
/// |---|---|
/// | VP8 VP8L ALPH | kept; ALPH only before the VP8 that it belongs to |
/// | VP8X | anew: alpha and animation as they were, profile and EXIF if one is written, XMP never |
/// | ANIM, ANMF | kept, reserved bits cleared; inside a frame ALPH VP8 VP8L alone |
/// | ICCP | anew by `CleanProfile` |
/// | EXIF | anew with the orientation alone, if that is not upright |
/// | XMP and all others, and what follows the RIFF | dropped |
package enum WebP {
    package static func clean(_ source: SourceBytes) throws(CleaningError) -> CleanedFile {
        var reader = try WebPReader(source)
        try reader.read()
        var file = CleanedFile()
        file.removed = reader.removed
        let (width, height) = reader.size
        file.size = reader.exif?.orientation?.swapsEdges ?? false ? (height, width) : (width, height)
        file.seconds = reader.frames > 1 ? Double(reader.milliseconds) / 1000 : nil
        file.picture = reader.traits
        let body = reader.body()
        file.copy.append(RIFFChunk.header("RIFF", length: body.size + 4) + Array("WEBP".utf8))
        file.copy.append(partsOf: body)
        return file
    }
}
