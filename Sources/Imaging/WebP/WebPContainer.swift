/// The RIFF around a WebP that libwebp has encoded (RFC 9649, section 2).
enum WebPContainer {
    /// The same picture with a colour profile:
    ///
    ///     12  RIFF, length of the rest, WEBP
    ///     18  VP8X, 10: flags (profile 20, alpha 10), 3 reserved, width less one (3 bytes), height less one (3 bytes)
    ///     n   ICCP, length, the profile, padded to even
    ///     n   the chunks as they were
    static func adding(_ profile: [UInt8], to encoded: [UInt8], _ size: PixelSize) -> [UInt8] {
        if profile.isEmpty { return encoded }
        var chunks = encoded.dropFirst(12)
        var flags: UInt8 = 0x20
        if chunks.starts(with: Array("VP8X".utf8)) {
            flags |= chunks.dropFirst(8).first ?? 0
            chunks = chunks.dropFirst(18)
        } else if chunks.starts(with: Array("VP8L".utf8)), let last = chunks.dropFirst(12).first, last & 0x10 != 0 {
            // The bit of alpha follows two sizes of 14 bits, behind the signature.
            flags |= 0x10
        }
        var body = Array("WEBP".utf8)
        body += chunk("VP8X", [flags, 0, 0, 0] + number(size.width - 1, 3) + number(size.height - 1, 3))
        body += chunk("ICCP", profile) + chunks
        return Array("RIFF".utf8) + number(body.count, 4) + body
    }

    private static func chunk(_ name: String, _ contents: [UInt8]) -> [UInt8] {
        Array(name.utf8) + number(contents.count, 4) + contents + (contents.count % 2 == 0 ? [] : [0])
    }

    private static func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
