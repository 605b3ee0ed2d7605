import Cleaning
import Files

/// The rows of an uncompressed BMP (`BMPHeader` has its layout), which are mostly stored from the bottom to the top.
final class BMPSource: PixelSource {
    let header: PixelHeader
    private let layout: BMPHeader
    private let file: OpenFile
    private var stored: [UInt8]
    private var nextRow = 0

    init(_ file: borrowing OpenFile, _ traits: PictureTraits) throws(ImagingError) {
        do throws(CleaningError) { layout = try BMPHeader(SourceBytes(file)) } catch {
            throw .corrupt("\(error)")
        }
        do throws(FileError) { self.file = try file.duplicate() } catch { throw .file(error) }
        guard max(layout.width, layout.height) <= StillLimits.longestEdge else {
            throw .unsupported("it has an edge of more pixels than a message can tell")
        }
        header = PixelHeader(
            size: PixelSize(width: layout.width, height: layout.height), components: layout.hasAlpha ? 4 : 3,
            orientation: traits.orientation, profile: traits.profile, hasFullChroma: true)
        stored = [UInt8](repeating: 0, count: layout.rowBytes)
    }

    func readRow(into row: inout [UInt8]) throws(ImagingError) {
        precondition(row.count == header.rowCount, "a row has as many samples as the picture is wide")
        precondition(nextRow < layout.height, "a picture has as many rows as it is high")
        let index = layout.isFromTop ? nextRow : layout.height - 1 - nextRow
        nextRow += 1
        let count = try file.read(stored.count, into: &stored, at: layout.dataOffset + Int64(index * layout.rowBytes))
        guard count == stored.count else { throw .truncated }
        if layout.bits == 8 { expand(into: &row) } else { reorder(stored, into: &row) }
    }

    func finish() {}

    /// Indices into the palette; one beyond its end is black.
    private func expand(into row: inout [UInt8]) {
        for pixel in 0..<layout.width {
            let colour = 4 * Int(stored[pixel])
            for component in 0..<3 {
                row[3 * pixel + component] = colour < layout.palette.count ? layout.palette[colour + 2 - component] : 0
            }
        }
    }

    /// Blue, green, red, and alpha or a byte without meaning.
    private func reorder(_ stored: [UInt8], into row: inout [UInt8]) {
        let step = layout.bits / 8
        let components = header.components
        let source = stored.span
        var target = row.mutableSpan
        for pixel in 0..<layout.width {
            let (from, to) = (pixel * step, pixel * components)
            target[to] = source[from + 2]
            target[to + 1] = source[from + 1]
            target[to + 2] = source[from]
            if components == 4 { target[to + 3] = source[from + 3] }
        }
    }
}
