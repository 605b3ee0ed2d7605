/// The language that Matroska is written in (RFC 8794): elements, each with an ID, a size and a content.
enum Ebml {
    /// IDs that may stand anywhere.
    static let voidID: UInt32 = 0xEC
    static let crcID: UInt32 = 0xBF

    struct Element {
        /// With the marker of its length, as the specifications write it.
        let id: UInt32
        /// Where its ID begins.
        let start: Int64
        /// Where its content begins.
        let content: Int64
        /// Where it ends; nil where its size is unknown.
        let end: Int64?

        var range: Range<Int64> { start..<(end ?? content) }
        var body: Range<Int64> { content..<(end ?? content) }
    }

    /// Reads the element that begins at `offset` and ends before `limit`.
    static func element(_ source: SourceBytes, at offset: Int64, limit: Int64) throws(CleaningError) -> Element {
        let count = Int(min(12, limit - offset))
        let bytes = try source.bytes(count, at: offset)
        guard let first = bytes.first else { throw .truncated }
        let idLength = first.leadingZeroBitCount + 1
        guard idLength <= 4 else { throw .corrupt("something in it is not an element") }
        guard idLength < count else { throw .truncated }
        let id = bytes.prefix(idLength).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let sizeBytes = bytes.dropFirst(idLength)
        let sizeLength = (sizeBytes.first ?? 0).leadingZeroBitCount + 1
        guard sizeLength <= 8 else { throw .corrupt("an element in it has no size") }
        guard sizeLength <= count - idLength else { throw .truncated }
        let mask: UInt64 = 1 << (7 * UInt64(sizeLength)) - 1
        let size = sizeBytes.prefix(sizeLength).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } & mask
        let content = offset + Int64(idLength + sizeLength)
        if size == mask { return Element(id: id, start: offset, content: content, end: nil) }
        guard size <= UInt64(limit - content) else { throw .truncated }
        return Element(id: id, start: offset, content: content, end: content + Int64(size))
    }

    /// The elements of `range`, whose sizes are all known.
    static func elements(_ source: SourceBytes, _ range: Range<Int64>, limit: Int = 10_000) throws(CleaningError)
        -> [Element]
    {
        var result: [Element] = []
        var offset = range.lowerBound
        while offset < range.upperBound {
            let next = try element(source, at: offset, limit: range.upperBound)
            guard let end = next.end else { throw .unsupported("an element of unknown size within another") }
            result.append(next)
            if result.count > limit { throw .excessive("more than \(limit) elements within one") }
            offset = end
        }
        return result
    }

    /// An unsigned number; an empty element is its default.
    static func unsigned(_ source: SourceBytes, _ element: Element, default: UInt64 = 0) throws(CleaningError) -> UInt64
    {
        guard element.body.count <= 8 else { throw .corrupt("a number in it has more than 8 bytes") }
        return element.body.isEmpty ? `default` : try source.bigEndian(element.body.count, at: element.content)
    }

    /// A floating point number of 0, 4 or 8 bytes.
    static func float(_ source: SourceBytes, _ element: Element) throws(CleaningError) -> Double {
        switch element.body.count {
        case 0: return 0
        case 4: return Double(Float(bitPattern: UInt32(try source.bigEndian(4, at: element.content))))
        case 8: return Double(bitPattern: try source.bigEndian(8, at: element.content))
        default: throw .corrupt("a number in it has not 4 or 8 bytes")
        }
    }

    /// A string, up to its first zero.
    static func text(_ source: SourceBytes, _ element: Element, limit: Int = 256) throws(CleaningError) -> String {
        let bytes = try source.bytes(min(limit, element.body.count), at: element.content)
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Whether the content is letters, digits and punctuation of names, perhaps with zeros behind them.
    static func isName(_ source: SourceBytes, _ element: Element) throws(CleaningError) -> Bool {
        let bytes = try source.bytes(element.body.count, at: element.content)
        return bytes.drop { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2F, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }.allSatisfy { $0 == 0 }
    }

    /// Whether the content names a language: two or three letters, and by BCP 47 (RFC 5646, section 2.1) perhaps a
    /// script and a region, five letters at most each. Old files of ISO 639-2 may have a country behind it.
    static func isLanguage(_ source: SourceBytes, _ element: Element, isTag: Bool) throws(CleaningError) -> Bool {
        guard element.body.count <= 35, try isName(source, element) else { return false }
        let parts = try text(source, element).split(separator: "-", omittingEmptySubsequences: false)
        guard let language = parts.first, (2...3).contains(language.count), language.allSatisfy(\.isLowercase) else {
            return false
        }
        if !isTag { return parts.count == 1 || parts.count == 2 && parts[1].count == 2 }
        return parts.dropFirst().allSatisfy { (2...5).contains($0.count) }
    }

    /// An element with fewer bytes in it, and a Void behind it in the place of the others. One byte that is
    /// left becomes a part of the size, or a zero.
    static func shortened(_ element: Element, to content: [UInt8]) -> [UInt8] {
        let idBytes = BigEndian.bytes(element.id).drop { $0 == 0 }
        var sizeBytes = Int(element.content - element.start) - idBytes.count
        let left = element.body.count - content.count
        let isTight = left == 1 && sizeBytes == 8
        if left == 1, !isTight { sizeBytes += 1 }
        let kept = content + (isTight ? [0] : [])
        let size = UInt64(kept.count) | 1 << (7 * UInt64(sizeBytes))
        let start = idBytes + BigEndian.bytes(size).suffix(sizeBytes) + kept
        guard left > 1 else { return Array(start) }
        let header = voidHeader(Int64(left))
        return start + header + [UInt8](repeating: 0, count: left - header.count)
    }

    /// ID and size of a Void element that has `count` bytes in all, at least 2; zeros follow.
    static func voidHeader(_ count: Int64) -> [UInt8] {
        if count - 2 < 0x7F { return [UInt8(voidID), 0x80 | UInt8(count - 2)] }
        return [UInt8(voidID), 1] + (0..<7).map { UInt8(truncatingIfNeeded: (count - 9) >> (48 - 8 * $0)) }
    }
}
