/// Cleans GIF, still and animated (Graphics Interchange Format 89a, CompuServe 1990).
///
/// | block | what becomes of it |
/// |---|---|
/// | header, logical screen, colour tables (17 to 19, 21) | kept, the aspect ratio included |
/// | images (20, 22) | kept up to the end of their codes (`GIFCodeWalk`), reserved bits cleared |
/// | graphic control (23) | kept before an image or a plain text, reserved bits cleared |
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

extension SourceBytes {
    /// Where GIF's blocks of data end that start at `start`: each has a length of one byte, the last has none (section 15).
    package func endOfBlocks(from start: Int64) throws(CleaningError) -> Int64 {
        var end = start
        while true {
            let length = try byte(at: end)
            end += 1 + Int64(length)
            if length == 0 { return end }
        }
    }
}
