/// Cleans BMP: headers and palette are written anew, with the size, the resolution and the masks alone; pixels are copied.
///
/// The padding of rows, and the fourth byte of pixels without alpha, become zero. A profile, in the file or named by a path, is dropped: where the picture is not sent as it is, its colours
/// would have to be believed anyway, and hardly any program looks at one.
package enum BMP {
    package static func clean(_ source: SourceBytes) throws(CleaningError) -> CleanedFile {
        let header = try BMPHeader(source)
        var file = CleanedFile()
        file.size = (header.width, header.height)
        file.picture = PictureTraits(.bmp)
        file.copy.append(newHeader(header))
        let end = header.dataOffset + header.dataBytes
        let (period, kept) = header.meaningfulBytes
        if period == kept {
            file.copy.append(original: header.dataOffset..<end)
        } else {
            file.copy.append(columns: header.dataOffset..<end, period: period, kept: kept)
        }
        if header.hasProfile {
            file.removed.insert(.icc)
        } else if header.dataOffset - header.headerEnd > 4 {
            file.removed.insert(.other)
        }
        if end < source.count && !header.hasProfile { file.removed.insert(.trailing) }
        return file
    }

    private static func newHeader(_ header: BMPHeader) -> [UInt8] {
        let length = header.hasAlpha ? 108 : 40
        var palette = header.palette
        for reserved in stride(from: 3, to: palette.count, by: 4) { palette[reserved] = 0 }
        let offset = 14 + length + palette.count
        let height = header.isFromTop ? -header.height : header.height
        var bytes = Array("BM".utf8) + number(offset + Int(clamping: header.dataBytes), 4) + number(0, 4)
        bytes += number(offset, 4) + number(length, 4) + number(header.width, 4) + number(height, 4)
        bytes += number(1, 2) + number(header.bits, 2) + number(header.hasAlpha ? 3 : 0, 4)
        bytes += number(Int(clamping: header.dataBytes), 4) + header.resolution
        bytes += number(palette.count / 4, 4) + number(0, 4)
        if header.hasAlpha {
            for mask in [0xFF0000, 0xFF00, 0xFF, 0xFF00_0000] { bytes += number(mask, 4) }
            // sRGB; its end points and curves are not needed.
            bytes += Array("BGRs".utf8) + [UInt8](repeating: 0, count: 48)
        }
        return bytes + palette
    }

    private static func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
