/// Bitmaps, packed documents and text.
extension MediaType {
    /// BMP: the sizes of its information header that exist (OS/2 1.x: 12; OS/2 2.x: 16…64; Windows: 40…124), one plane,
    /// and a depth that exists. "BM" alone begins many a text.
    static func bitmapType(_ start: FirstBytes) -> String? {
        guard start.has("BM", at: 0), let pixels = start.littleEndian(4, at: 10),
            let header = start.littleEndian(4, at: 14)
        else { return nil }
        let sizes: Set = [12, 16, 20, 24, 28, 32, 36, 40, 42, 44, 46, 48, 52, 56, 60, 64, 108, 124]
        let planes = header == 12 ? 22 : 26
        guard sizes.contains(header), start.littleEndian(2, at: planes) == 1, pixels == 0 || pixels >= 14 + header,
            let depth = start.littleEndian(2, at: planes + 2), [0, 1, 2, 4, 8, 16, 24, 32].contains(depth)
        else { return nil }
        return "image/bmp"
    }

    /// What a ZIP file holds, by the names of the entries that begin in the first bytes (APPNOTE 4.3.7). An EPUB or
    /// OpenDocument begins with a stored `mimetype` (OCF 3.3, section 4.3; ODF 1.3 part 2, section 3.3).
    static func zipType(_ start: FirstBytes) -> String? {
        let entry: [UInt8] = [0x50, 0x4B, 3, 4]
        guard start.has(entry, at: 0) else { return nil }
        var names: [String] = []
        for offset in 0..<start.count where start.has(entry, at: offset) {
            if let length = start.littleEndian(2, at: offset + 26), let name = start.slice(length, at: offset + 30) {
                names.append(String(decoding: name, as: UTF8.self))
            }
        }
        if names.first == "mimetype", start.littleEndian(2, at: 8) == 0, let more = start.littleEndian(2, at: 28) {
            let content = 38 + more
            // The type ends the entry: the next one, or its data descriptor, begins with PK.
            if let type = packagedTypes.first(where: {
                start.has($0, at: content) && start.has("PK", at: content + $0.utf8.count)
            }) {
                return type
            }
        }
        return officeType(names) ?? "application/zip"
    }

    private static let packagedTypes =
        ["application/epub+zip"]
        + ["graphics", "presentation", "spreadsheet", "text"].map { "application/vnd.oasis.opendocument.\($0)" }

    /// Office Open XML (ECMA-376 part 2): its list of content types or its relations, and the folder of its main part.
    private static func officeType(_ names: [String]) -> String? {
        guard names.contains("[Content_Types].xml") || names.contains("_rels/.rels") else { return nil }
        let office = "application/vnd.openxmlformats-officedocument."
        for name in names {
            if name.hasPrefix("word/") { return office + "wordprocessingml.document" }
            if name.hasPrefix("xl/") { return office + "spreadsheetml.sheet" }
            if name.hasPrefix("ppt/") { return office + "presentationml.presentation" }
        }
        return nil
    }

    /// SVG or other text, if it is UTF-8 without control characters; the last character may be cut off.
    static func textType(_ start: FirstBytes) -> String? {
        guard start.count > 0 else { return nil }
        if isSVG(start) { return "image/svg+xml" }
        let isText = (0...(start.isWhole ? 0 : 3)).contains {
            start.count > $0 && String(validating: start.bytes.dropLast($0), as: UTF8.self) != nil
        }
        return isText && !start.bytes.contains(where: isControl) ? "text/plain" : nil
    }

    /// Text of ISO 8859-1 or Windows-1252: a third at least letters of ASCII, no control characters, and none of the five
    /// bytes that Windows leaves out. Asked last, since what else is known has bytes that no text has, or begins with a
    /// signature.
    static func oldTextType(_ start: FirstBytes) -> String? {
        let high = start.bytes.count { $0 >= 0x80 }
        let letters = start.bytes.count { (0x41...0x5A).contains($0 & 0xDF) }
        let unused: Set<UInt8> = [0x81, 0x8D, 0x8F, 0x90, 0x9D]
        let isText =
            letters * 3 > start.count && high * 3 < start.count
            && !start.bytes.contains { isControl($0) || unused.contains($0) }
        return isText ? "text/plain" : nil
    }

    private static func isControl(_ byte: UInt8) -> Bool {
        byte < 0x20 && ![9, 10, 12, 13].contains(byte) || byte == 0x7F
    }

    /// Whether the root element is `svg`, or the document type says so. Before it may stand what XML 1.0, section 2.8,
    /// allows: a byte order mark, the declaration, comments, instructions and white space.
    private static func isSVG(_ start: FirstBytes) -> Bool {
        var rest = start.bytes[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        while true {
            rest = rest.drop { [0x20, 9, 10, 13].contains($0) }
            if rest.starts(with: "<?".utf8), let end = end(of: "?>", in: rest.dropFirst(2)) {
                rest = rest[end...]
            } else if rest.starts(with: "<!--".utf8), let end = end(of: "-->", in: rest.dropFirst(4)) {
                rest = rest[end...]
            } else if rest.starts(with: "<!DOCTYPE".utf8) {
                rest = rest.dropFirst(9)
                guard let first = rest.first, [0x20, 9, 10, 13].contains(first) else { return false }
                return isNamed(rest.drop { [0x20, 9, 10, 13].contains($0) })
            } else {
                return rest.first == 0x3C && isNamed(rest.dropFirst())
            }
        }
    }

    /// Whether a name begins here that is `svg`, alone or with its usual prefix.
    private static func isNamed(_ text: ArraySlice<UInt8>) -> Bool {
        let name = text.prefix { ![0x20, 9, 10, 13, 0x3E, 0x2F, 0x5B].contains($0) }
        return (name.elementsEqual("svg".utf8) || name.elementsEqual("svg:svg".utf8)) && name.count < text.count
    }

    private static func end(of mark: String, in text: ArraySlice<UInt8>) -> Int? {
        let mark = Array(mark.utf8)
        guard text.count >= mark.count else { return nil }
        return (text.startIndex...text.endIndex - mark.count).first { text[$0...].starts(with: mark) }.map {
            $0 + mark.count
        }
    }
}
