/// What the texts of a PNG tell (PNG, 11.3.3): only for the words of the message, none is kept.
enum PNGText {
    /// The name of the text that starts with these bytes, as it is written.
    static func keyword(_ start: ArraySlice<UInt8>) -> String {
        String(decoding: start.prefix(80).prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Whether ImageMagick put EXIF into the text.
    static func isExif(_ keyword: String) -> Bool {
        ["Raw profile type exif", "Raw profile type APP1", "Raw profile type app1"].contains(keyword)
    }

    /// The word for tEXt, zTXt or iTXt with this keyword.
    static func word(for keyword: String) -> RemovedMetadata {
        switch keyword {
        case "XML:com.adobe.xmp", "Raw profile type xmp": .xmp
        case "Raw profile type iptc", "Raw profile type 8bim": .iptc
        case "Raw profile type icc", "Raw profile type icm": .profile
        case "Software": .encoder
        case "Source": .camera
        case "Creation Time", "create-date", "modify-date": .time
        case _ where keyword.hasPrefix("date:") || keyword.hasPrefix("exif:DateTime"): .time
        case _ where keyword.hasPrefix("exif:GPS"): .gps
        default: .text
        }
    }

    /// What EXIF in ImageMagick's form tells: a name and a length in lines of text, then hexadecimal digits.
    static func exifWords(_ name: ChunkName, _ value: ArraySlice<UInt8>) -> Set<RemovedMetadata> {
        let text =
            name == "zTXt"
            ? Inflater.zlib(value.dropFirst(), limit: 2 * ExifSummary.readBytes) ?? []
            : Array(value)
        let lines = text.split(separator: 0x0A)
        let digits = lines.dropFirst(2).joined().compactMap { UInt8(hexadecimal: $0) }
        let block = stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
        let words = ExifSummary(block[...]).removed
        return words.isEmpty ? [.other] : words
    }
}

extension UInt8 {
    fileprivate init?(hexadecimal digit: UInt8) {
        switch digit {
        case 0x30...0x39: self = digit - 0x30
        case 0x41...0x46: self = digit - 0x37
        case 0x61...0x66: self = digit - 0x57
        default: return nil
        }
    }
}
