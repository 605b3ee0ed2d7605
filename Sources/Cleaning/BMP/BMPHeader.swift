/// The headers of an uncompressed BMP with 8, 24 or 32 bits a pixel (Microsoft, BITMAPINFOHEADER and its successors).
///
///     14  BM, size of the file, reserved, where the pixels start
///     40  size of this header (40, 52, 56, 108 or 124), width, height (negative: from the top), planes (1), bits,
///         compression (0 none, 3 masks), bytes of pixels, resolution (2), colours used, colours needed
///     16  masks of red, green, blue and alpha, from 52 on; for 40 without alpha, behind the header
///
/// A row starts with blue and is padded to four bytes. Without a mask the fourth byte of a pixel means nothing.
package struct BMPHeader {
    package let width: Int
    package let height: Int
    package let isFromTop: Bool
    package let bits: Int
    package let hasAlpha: Bool
    /// Blue, green, red and a byte without meaning for each colour; empty unless there are 8 bits a pixel.
    package let palette: [UInt8]
    /// Where the pixels start.
    package let dataOffset: Int64
    let resolution: [UInt8]
    /// Pixels across and down a metre, and whether the header names a profile.
    let hasProfile: Bool
    /// Where headers and palette end.
    let headerEnd: Int64

    private static let pixelLimit = 300_000_000

    package init(_ source: SourceBytes) throws(CleaningError) {
        guard try source.bytes(2, at: 0).elementsEqual(Array("BM".utf8)) else {
            throw .corrupt("it does not start like a BMP")
        }
        dataOffset = Int64(try source.littleEndian(4, at: 10))
        let size = Int64(try source.littleEndian(4, at: 14))
        guard [40, 52, 56, 108, 124].contains(size) else { throw .unsupported("a header of \(size) bytes") }
        width = Int(Int32(truncatingIfNeeded: try source.littleEndian(4, at: 18)))
        let signedHeight = Int(Int32(truncatingIfNeeded: try source.littleEndian(4, at: 22)))
        (height, isFromTop) = (abs(signedHeight), signedHeight < 0)
        bits = Int(try source.littleEndian(2, at: 28))
        let compression = try source.littleEndian(4, at: 30)
        resolution = Array(try source.bytes(8, at: 38))
        guard width > 0, height > 0, try source.littleEndian(2, at: 26) == 1 else {
            throw .corrupt("its header has values that BMP does not know")
        }
        guard width * height <= Self.pixelLimit else { throw .excessive("more than 300 million pixels") }
        guard [8, 24, 32].contains(bits), compression == 0 || compression == 3 && bits == 32 else {
            throw .unsupported("a picture of \(bits) bits a pixel, compressed in way \(compression)")
        }
        // Masks stand in the same place within a longer header and behind a short one.
        let masks: [UInt64] = try (0..<(compression == 3 ? 3 : 0)).map { index throws(CleaningError) in
            try source.littleEndian(4, at: 54 + 4 * Int64(index))
        }
        let alphaMask = compression == 3 && size >= 56 ? try source.littleEndian(4, at: 66) : 0
        guard compression == 0 || masks == [0xFF0000, 0xFF00, 0xFF], [0, 0xFF00_0000].contains(alphaMask) else {
            throw .unsupported("an order of colours that hardly any program writes")
        }
        hasAlpha = alphaMask != 0
        hasProfile = size == 124 ? try source.littleEndian(4, at: 14 + 116) != 0 : false
        let paletteStart = 14 + size + (compression == 3 && size == 40 ? 12 : 0)
        let used = try source.littleEndian(4, at: 46)
        guard used <= 256 || bits != 8 else { throw .corrupt("its palette is too long") }
        let colours = bits == 8 ? used == 0 ? 256 : Int(used) : 0
        palette = Array(try source.bytes(4 * colours, at: paletteStart))
        headerEnd = paletteStart + 4 * Int64(colours)
        guard dataOffset >= headerEnd else { throw .corrupt("its pixels start within its header") }
        guard dataOffset <= source.count, dataBytes <= source.count - dataOffset else { throw .truncated }
    }

    /// Bytes of a row, padding included: at most 300 million pixels of four bytes.
    package var rowBytes: Int { (width * bits / 8 + 3) / 4 * 4 }
    /// Of every so many bytes of the pixels, how many mean something: rows are padded, or pixels have a byte too much.
    var meaningfulBytes: (period: Int, kept: Int) {
        bits == 32 ? (4, hasAlpha ? 4 : 3) : (rowBytes, width * bits / 8)
    }
    var dataBytes: Int64 { Int64(rowBytes) * Int64(height) }
}
