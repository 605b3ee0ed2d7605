/// Recognises the type of a file by its first bytes, and names the extension of each type.
package enum MediaType {
    /// The bytes to pass to `sniff`; fewer if the file is shorter.
    package static let sniffedBytes = 4096

    /// What a file is called that is none of the types known here.
    package static let unknown = "application/octet-stream"

    /// The media type (IANA where there is one) of a file that starts with `firstBytes`; `application/octet-stream` if
    /// unknown. Only the content counts. Nothing is believed for its first letters alone where text begins with them
    /// too: sizes, versions and following frames are looked at as well.
    package static func sniff(_ firstBytes: [UInt8]) -> String {
        let start = FirstBytes(firstBytes.prefix(sniffedBytes))
        if let known = signatures.first(where: { $0.matches(start) }) { return known.type }
        return riffType(start) ?? isoType(start) ?? quickTimeType(start) ?? matroskaType(start) ?? oggType(start)
            ?? soundType(start) ?? bitmapType(start) ?? zipType(start) ?? transportType(start) ?? textType(start)
            ?? rareType(start) ?? oldTextType(start) ?? unknown
    }

    /// The media type of a file, by what follows its ID3 tags if there are any, however long they are.
    package static func sniff(_ source: SourceBytes) throws(CleaningError) -> String {
        var offset: Int64 = 0
        while let tag = try ID3Tag(in: source, at: offset), tag.range.upperBound < source.count, offset < 64 << 20 {
            offset = tag.range.upperBound
        }
        let count = Int(min(Int64(sniffedBytes), source.count - offset))
        var type = sniff(Array(try source.bytes(count, at: offset)))
        if type == unknown, let film = try filmType(source) { type = film }
        // Behind a tag there is sound; only these are told apart from what a tag alone says.
        return offset == 0 || ["audio/flac", "audio/aac"].contains(type) ? type : "audio/mpeg"
    }

    /// Bytes at the start that identify a type, optionally with more of them further on.
    private struct Signature: Sendable {
        let type: String
        let parts: [(offset: Int, bytes: [UInt8])]

        init(_ type: String, _ bytes: [UInt8], and more: String = "", at moreOffset: Int = 0) {
            self.type = type
            parts = [(0, bytes), (moreOffset, Array(more.utf8))]
        }

        init(_ type: String, _ text: String, and more: String = "", at moreOffset: Int = 0) {
            self.init(type, Array(text.utf8), and: more, at: moreOffset)
        }

        func matches(_ start: FirstBytes) -> Bool { parts.allSatisfy { start.has($0.bytes, at: $0.offset) } }
    }

    /// Types that a few bytes alone tell.
    private static let signatures = [
        // What follows may be bytes that belong nowhere: decoders pass over them.
        Signature("image/jpeg", [0xFF, 0xD8]),
        Signature("image/png", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
        Signature("image/gif", "GIF87a"),
        Signature("image/gif", "GIF89a"),
        Signature("image/tiff", [0x49, 0x49, 42, 0]),
        Signature("image/tiff", [0x4D, 0x4D, 0, 42]),
        // BigTIFF: version 43, offsets of 8 bytes.
        Signature("image/tiff", [0x49, 0x49, 43, 0, 8, 0, 0, 0]),
        Signature("image/tiff", [0x4D, 0x4D, 0, 43, 0, 8, 0, 0]),
        Signature("image/jxl", [0xFF, 0x0A]),
        Signature("image/jxl", [0, 0, 0, 12, 0x4A, 0x58, 0x4C, 0x20, 0x0D, 0x0A, 0x87, 0x0A]),
        Signature("image/jp2", [0, 0, 0, 12, 0x6A, 0x50, 0x20, 0x20, 0x0D, 0x0A, 0x87, 0x0A]),
        Signature("audio/aiff", "FORM", and: "AIFF", at: 8),
        Signature("audio/aiff", "FORM", and: "AIFC", at: 8),
        Signature("audio/flac", "fLaC"),
        Signature("audio/amr", "#!AMR\n"),
        Signature("audio/amr", "#!AMR_MC1.0\n"),
        Signature("audio/amr-wb", "#!AMR-WB\n"),
        Signature("audio/amr-wb", "#!AMR-WB_MC1.0\n"),
        Signature("video/mpeg", [0, 0, 1, 0xBA]),
        Signature("video/x-flv", [0x46, 0x4C, 0x56, 1]),
        Signature("video/x-ms-asf", [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11]),
        Signature("application/pdf", "%PDF-"),
        Signature("application/zip", [0x50, 0x4B, 5, 6]),
        Signature("application/gzip", [0x1F, 0x8B, 8]),
        Signature("application/zstd", [0x28, 0xB5, 0x2F, 0xFD]),
        Signature("application/x-xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]),
        Signature("application/x-7z-compressed", [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]),
    ]
}

/// The first bytes of a file; what lies behind them is nil, or matches nothing.
struct FirstBytes {
    let bytes: [UInt8]

    init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    var count: Int { bytes.count }
    /// Whether these are all the bytes of the file.
    var isWhole: Bool { count < MediaType.sniffedBytes }

    func has(_ expected: some Sequence<UInt8>, at offset: Int) -> Bool {
        offset >= 0 && offset <= count && bytes[offset...].starts(with: expected)
    }

    func has(_ text: String, at offset: Int) -> Bool { has(text.utf8, at: offset) }

    /// The `length` bytes at `offset`, if they are all there.
    func slice(_ length: Int, at offset: Int) -> ArraySlice<UInt8>? {
        guard offset >= 0, length >= 0, offset <= count, length <= count - offset else { return nil }
        return bytes[offset..<offset + length]
    }

    func bigEndian(_ length: Int, at offset: Int) -> Int? {
        slice(length, at: offset)?.reduce(0) { $0 << 8 | Int($1) }
    }

    func littleEndian(_ length: Int, at offset: Int) -> Int? {
        slice(length, at: offset)?.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// Four letters, as boxes, chunks and brands have for a name.
    func letters(at offset: Int) -> String? { slice(4, at: offset).map { String(decoding: $0, as: UTF8.self) } }
}
