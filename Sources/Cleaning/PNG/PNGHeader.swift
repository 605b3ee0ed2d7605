/// The contents of IHDR (PNG, 11.2.1), checked: width and height, bits of a sample, colour type; compression 0, filter 0,
/// interlace 0 or 1.
struct PNGHeader {
    let width: Int
    let height: Int
    let bitDepth: UInt8
    let colourType: UInt8
    let isInterlaced: Bool

    private static let pixelLimit = 300_000_000
    private static let depths: [UInt8: Set<UInt8>] = [
        0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16],
    ]

    init(_ contents: ArraySlice<UInt8>) throws(CleaningError) {
        guard contents.count == 13, let width = contents.bigEndian32(at: 0), let height = contents.bigEndian32(at: 4),
            (1...0x7FFF_FFFF).contains(width), (1...0x7FFF_FFFF).contains(height),
            case let rest = Array(contents.dropFirst(8)), rest[2] == 0, rest[3] == 0, rest[4] <= 1,
            Self.depths[rest[1], default: []].contains(rest[0])
        else { throw .corrupt("its header has values that PNG does not know") }
        guard width * height <= Self.pixelLimit else { throw .excessive("more than 300 million pixels") }
        (self.width, self.height, bitDepth, colourType) = (width, height, rest[0], rest[1])
        isInterlaced = rest[4] == 1
    }

    var colours: PictureColours { colourType & 2 == 0 ? .gray : .rgb }
    var isIndexed: Bool { colourType == 3 }

    /// Bytes of the rows of a picture with this size, each with the number of its filter (PNG, 7.2 and 8.1): at most 300
    /// million pixels of eight bytes.
    func filteredBytes(width: Int, height: Int) -> Int {
        let samples = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colourType] ?? 1
        func bytes(_ width: Int, _ height: Int) -> Int {
            width == 0 ? 0 : height * (1 + (width * samples * Int(bitDepth) + 7) / 8)
        }
        guard isInterlaced else { return bytes(width, height) }
        // Where each pass begins, and how far its pixels are apart.
        let passes = [
            (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
        ]
        return passes.reduce(0) { sum, pass in
            let columns = max(0, width - pass.0 + pass.2 - 1) / pass.2
            return sum + bytes(columns, max(0, height - pass.1 + pass.3 - 1) / pass.3)
        }
    }

    /// Whether an ancillary chunk that may be kept has the length that this kind of picture asks for (PNG, 11.3).
    func allows(_ name: ChunkName, length: Int, paletteCount: Int?) -> Bool {
        switch name {
        case "gAMA", "cICP": length == 4
        case "cHRM": length == 32
        case "sRGB": length == 1
        case "pHYs": length == 9
        case "mDCV": length == 24
        case "cLLI": length == 8
        case "sBIT": length == [0: 1, 2: 3, 3: 3, 4: 2, 6: 4][colourType]
        case "bKGD": length == (isIndexed ? 1 : colours == .gray ? 2 : 6)
        case "tRNS":
            switch colourType {
            case 0: length == 2
            case 2: length == 6
            case 3: length >= 1 && length <= paletteCount ?? 0
            default: false
            }
        default: false
        }
    }
}
