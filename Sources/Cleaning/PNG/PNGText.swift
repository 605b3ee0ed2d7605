/// What the texts of a PNG tell (PNG, 11.3.3): only for the words of the message, none is kept.
enum PNGText {
    private static let readBytes = 1 << 20

    /// The words for tEXt, zTXt or iTXt with these contents, of which the start suffices.
    static func words(_ name: ChunkName, _ contents: ArraySlice<UInt8>) -> Set<RemovedMetadata> {
        let keyword = contents.prefix(80).prefix { $0 != 0 }
        switch String(decoding: keyword, as: UTF8.self) {
        case "XML:com.adobe.xmp", "Raw profile type xmp": return [.xmp]
        case "Raw profile type iptc", "Raw profile type 8bim": return [.iptc]
        case "Raw profile type icc", "Raw profile type icm": return [.profile]
        case "Raw profile type exif", "Raw profile type APP1", "Raw profile type app1":
            return exifWords(name, contents.dropFirst(keyword.count + 1))
        case "Software": return [.encoder]
        case "Source": return [.camera]
        case "Creation Time", "create-date", "modify-date": return [.time]
        case let keyword where keyword.hasPrefix("date:") || keyword.hasPrefix("exif:DateTime"): return [.time]
        case let keyword where keyword.hasPrefix("exif:GPS"): return [.gps]
        default: return [.text]
        }
    }

    /// ImageMagick's form: a name and a length in lines of text, then hexadecimal digits.
    private static func exifWords(_ name: ChunkName, _ value: ArraySlice<UInt8>) -> Set<RemovedMetadata> {
        let text =
            name == "zTXt" ? Inflater.zlib(value.dropFirst(), limit: readBytes) ?? [] : Array(value.prefix(readBytes))
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
