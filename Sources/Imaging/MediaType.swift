/// Recognises the type of a file by its first bytes.
package enum MediaType {
    /// The bytes to pass to `sniff`; fewer if the file is shorter.
    package static let sniffedBytes = 512

    /// The media type (IANA) of a file that starts with `firstBytes`; `application/octet-stream` if unknown. Only the
    /// content counts, and the result is good for display only.
    package static func sniff(_ firstBytes: [UInt8]) -> String {
        let bytes = Array(firstBytes.prefix(sniffedBytes))
        for signature in signatures where signature.matches(bytes) { return signature.type }
        return isoMediaType(bytes) ?? textType(bytes) ?? "application/octet-stream"
    }

    /// Bytes at the start that identify a type, optionally with more of them further on.
    private struct Signature {
        let type: String
        let parts: [(offset: Int, bytes: [UInt8])]

        init(_ type: String, _ bytes: [UInt8], and more: String = "", at moreOffset: Int = 0) {
            self.type = type
            parts = [(0, bytes), (moreOffset, Array(more.utf8))]
        }

        init(_ type: String, _ text: String, and more: String = "", at moreOffset: Int = 0) {
            self.init(type, Array(text.utf8), and: more, at: moreOffset)
        }

        func matches(_ bytes: [UInt8]) -> Bool {
            parts.allSatisfy { bytes.count >= $0.offset && bytes[$0.offset...].starts(with: $0.bytes) }
        }
    }

    private static let signatures = [
        Signature("image/jpeg", [0xFF, 0xD8, 0xFF]),
        Signature("image/png", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
        Signature("image/gif", "GIF87a"),
        Signature("image/gif", "GIF89a"),
        Signature("image/webp", "RIFF", and: "WEBP", at: 8),
        Signature("image/tiff", [0x49, 0x49, 42, 0]),
        Signature("image/tiff", [0x4D, 0x4D, 0, 42]),
        Signature("image/jxl", [0xFF, 0x0A]),
        Signature("image/jxl", [0, 0, 0, 12], and: "JXL ", at: 4),
        Signature("image/bmp", "BM", and: "\0\0\0\0", at: 6),
        Signature("audio/wav", "RIFF", and: "WAVE", at: 8),
        Signature("video/x-msvideo", "RIFF", and: "AVI ", at: 8),
        Signature("audio/flac", "fLaC"),
        Signature("audio/mpeg", "ID3"),
        Signature("audio/aac", [0xFF, 0xF1]),
        Signature("audio/mpeg", [0xFF, 0xFB]),
        Signature("audio/mpeg", [0xFF, 0xF3]),
        Signature("audio/mpeg", [0xFF, 0xF2]),
        Signature("audio/ogg", "OggS", and: "OpusHead", at: 28),
        Signature("audio/ogg", "OggS", and: "\u{01}vorbis", at: 28),
        Signature("video/ogg", "OggS"),
        Signature("video/webm", [0x1A, 0x45, 0xDF, 0xA3], and: "webm", at: 24),
        Signature("video/webm", [0x1A, 0x45, 0xDF, 0xA3], and: "webm", at: 31),
        Signature("video/matroska", [0x1A, 0x45, 0xDF, 0xA3]),
        Signature("application/pdf", "%PDF-"),
        Signature("application/zip", [0x50, 0x4B, 3, 4]),
        Signature("application/zip", [0x50, 0x4B, 5, 6]),
        Signature("application/gzip", [0x1F, 0x8B, 8]),
        Signature("application/zstd", [0x28, 0xB5, 0x2F, 0xFD]),
        Signature("application/x-xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]),
        Signature("application/x-7z-compressed", [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]),
    ]

    /// The brand of a file of ISO 14496-12: the four letters after `ftyp`.
    private static func isoMediaType(_ bytes: [UInt8]) -> String? {
        guard bytes.count >= 12, bytes[4..<8].elementsEqual("ftyp".utf8) else { return nil }
        switch String(decoding: bytes[8..<12], as: UTF8.self) {
        case "avif", "avis": return "image/avif"
        case "heic", "heix", "heim", "heis": return "image/heic"
        case "hevc", "hevx": return "image/heic-sequence"
        case "mif1": return "image/heif"
        case "msf1": return "image/heif-sequence"
        case "M4A ", "M4B ": return "audio/mp4"
        case "qt  ": return "video/quicktime"
        case let brand where brand.hasPrefix("3g"): return "video/3gpp"
        default: return "video/mp4"
        }
    }

    /// Text, if it is UTF-8 without control characters; the last character may be cut off.
    private static func textType(_ bytes: [UInt8]) -> String? {
        guard !bytes.isEmpty else { return nil }
        let isControlled = bytes.contains { $0 < 0x20 && $0 != 9 && $0 != 10 && $0 != 12 && $0 != 13 || $0 == 0x7F }
        let isWhole = bytes.count < sniffedBytes
        let isText = (0...(isWhole ? 0 : 3)).contains { bytes.count > $0 && isUTF8(bytes.dropLast($0)) }
        return isText && !isControlled ? "text/plain" : nil
    }

    private static func isUTF8(_ bytes: ArraySlice<UInt8>) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }
}
