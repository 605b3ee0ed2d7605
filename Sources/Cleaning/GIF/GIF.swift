/// Cleans GIF, still and animated (Graphics Interchange Format 89a, CompuServe 1990).
///
/// | block | what becomes of it |
/// |---|---|
/// | header, logical screen, colour tables (17 to 19, 21) | kept, the aspect ratio included |
/// | images (20, 22) | kept |
/// | graphic control (23) | kept before an image or a plain text |
/// | plain text (25) | kept: it is a part of the picture |
/// | application `NETSCAPE2.0`, `ANIMEXTS1.0` (26) | only the number of runs, written anew |
/// | comments (24), other applications, unknown extensions | dropped |
/// | what follows the trailer (27) | dropped |
package enum GIF {
    package static func clean(_ source: SourceBytes) throws(CleaningError) -> CleanedFile {
        var reader = try GIFReader(source)
        try reader.read()
        var file = CleanedFile()
        file.copy = reader.copy
        file.removed = reader.removed
        file.size = reader.size
        file.seconds = reader.frames > 1 ? Double(reader.hundredths) / 100 : nil
        var traits = PictureTraits(.gif)
        traits.isAnimated = reader.frames > 1
        file.picture = traits
        return file
    }
}
