import Cleaning
import Files

/// The first frame of a GIF on its canvas (Graphics Interchange Format 89a, CompuServe 1990), for the preview.
///
///     13  signature, width and height (2 bytes each, the lowest first), packed fields, background, aspect ratio
///     n   colour table, if the packed fields say so
///     n   blocks: 21 F9 graphic control (transparent colour), 21 others, 2C image
///
/// Where the frame does not cover the canvas, there is nothing to be seen.
final class GIFSource: PixelSource {
    let header: PixelHeader
    private let frame: GIFFrame
    private var nextRow = 0

    init(_ file: borrowing OpenFile, _ traits: PictureTraits) throws(ImagingError) {
        do throws(CleaningError) {
            let source = try SourceBytes(file)
            var reader = GIFFrameReader(source)
            frame = try reader.firstFrame()
            header = PixelHeader(
                size: reader.canvas, components: 4, orientation: .upright, profile: [], hasFullChroma: true)
        } catch {
            switch error {
            case .file(let error): throw .file(error)
            case .truncated: throw .truncated
            default: throw .corrupt("\(error)")
            }
        }
    }

    func readRow(into row: inout [UInt8]) throws(ImagingError) {
        precondition(row.count == header.rowCount, "a row has as many samples as the picture is wide")
        row = [UInt8](repeating: 0, count: row.count)
        defer { nextRow += 1 }
        guard (frame.y..<frame.y + frame.size.height).contains(nextRow) else { return }
        let first = frame.storedRow(nextRow - frame.y) * frame.size.width
        // A frame may reach beyond the canvas.
        for column in 0..<max(0, min(frame.size.width, header.size.width - frame.x)) {
            let index = Int(frame.indices[first + column])
            guard index != frame.transparent, 3 * index + 2 < frame.palette.count else { continue }
            let target = 4 * (frame.x + column)
            for component in 0..<3 { row[target + component] = frame.palette[3 * index + component] }
            row[target + 3] = 255
        }
    }

    func finish() {}
}

/// One frame of a GIF, decoded.
struct GIFFrame {
    let x: Int
    let y: Int
    let size: PixelSize
    let isInterlaced: Bool
    let transparent: Int?
    /// Red, green and blue of each colour.
    let palette: [UInt8]
    /// Of each pixel, as stored.
    let indices: [UInt8]

    /// Where a row is stored: interlaced ones in four groups, every eighth from 0 and from 4, every fourth from 2, every
    /// second from 1 (appendix E).
    func storedRow(_ row: Int) -> Int {
        guard isInterlaced else { return row }
        let height = size.height
        let (first, second, third) = ((height + 7) / 8, (height + 3) / 8, (height + 1) / 4)
        switch row % 8 {
        case 0: return row / 8
        case 4: return first + row / 8
        case 2, 6: return first + second + row / 4
        default: return first + second + third + row / 2
        }
    }
}

/// Finds the first frame of a GIF and decodes it.
struct GIFFrameReader {
    private let source: SourceBytes
    private var palette: [UInt8] = []
    private var transparent: Int?
    private(set) var canvas = PixelSize(width: 1, height: 1)

    private static let blockLimit = 100_000

    init(_ source: SourceBytes) { self.source = source }

    mutating func firstFrame() throws(CleaningError) -> GIFFrame {
        let screen = Array(try source.bytes(13, at: 0))
        canvas = try Self.size(screen[6...9])
        var offset: Int64 = 13
        (palette, offset) = try table(screen[10], at: offset)
        for _ in 0..<Self.blockLimit {
            switch try source.byte(at: offset) {
            case 0x21:
                if try source.byte(at: offset + 1) == 0xF9 { try takeControl(at: offset) }
                offset = try source.endOfBlocks(from: offset + 2)
            case 0x2C: return try frame(at: offset)
            default: throw .corrupt("it has no picture")
            }
        }
        throw .excessive("more than 100,000 extensions")
    }

    private static func size(_ bytes: ArraySlice<UInt8>) throws(CleaningError) -> PixelSize {
        let numbers = Array(bytes)
        let size = PixelSize(
            width: Int(numbers[0]) | Int(numbers[1]) << 8, height: Int(numbers[2]) | Int(numbers[3]) << 8)
        guard size.width > 0, size.height > 0 else { throw .corrupt("its picture is empty") }
        guard size.width * size.height <= StillLimits.heldPixels else {
            throw .excessive("more than 100 million pixels")
        }
        return size
    }

    /// A colour table, if packed fields announce one, and where it ends.
    private func table(_ packed: UInt8, at offset: Int64) throws(CleaningError) -> (table: [UInt8], end: Int64) {
        let count = packed & 0x80 == 0 ? 0 : 3 * (2 << Int(packed & 7))
        return (Array(try source.bytes(count, at: offset)), offset + Int64(count))
    }

    /// 21 F9 04, packed fields (the lowest bit: a colour is transparent), delay (2), the colour.
    private mutating func takeControl(at offset: Int64) throws(CleaningError) {
        let isUsed = try source.byte(at: offset + 3) & 1 == 1
        transparent = isUsed ? Int(try source.byte(at: offset + 6)) : nil
    }

    /// 2C, place and size (2 bytes each), packed fields; a colour table; the size of codes; coded data.
    private func frame(at offset: Int64) throws(CleaningError) -> GIFFrame {
        let fields = Array(try source.bytes(10, at: offset))
        let size = try Self.size(fields[5...8])
        let (own, start) = try table(fields[9], at: offset + 10)
        var codes = GIFCodes(try source.byte(at: start), count: size.width * size.height)
        var position = start + 1
        while !codes.isComplete {
            let length = try source.byte(at: position)
            guard length > 0 else { throw .truncated }
            guard codes.take(try source.bytes(Int(length), at: position + 1)) else {
                throw .corrupt("the data of its picture is damaged")
            }
            position += 1 + Int64(length)
        }
        return GIFFrame(
            x: Int(fields[1]) | Int(fields[2]) << 8, y: Int(fields[3]) | Int(fields[4]) << 8, size: size,
            isInterlaced: fields[9] & 0x40 != 0, transparent: transparent, palette: own.isEmpty ? palette : own,
            indices: codes.output)
    }
}
