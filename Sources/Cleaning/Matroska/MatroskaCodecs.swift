/// The codecs that are let through, by the names of the Matroska codec registry. In QuickTime's and RealMedia's wrappings,
/// and in Motion JPEG, there may be things that are not understood here.
enum MatroskaCodecs {
    private static let pictures: Set = [
        "V_VP8", "V_VP9", "V_AV1", "V_MPEG1", "V_MPEG2", "V_MPEG4/ISO/SP", "V_MPEG4/ISO/ASP", "V_MPEG4/ISO/AP",
        "V_MPEG4/ISO/AVC", "V_MPEGH/ISO/HEVC", "V_MPEGI/ISO/VVC", "V_MPEG4/MS/V3", "V_MS/VFW/FOURCC", "V_THEORA",
        "V_FFV1", "V_PRORES", "V_UNCOMPRESSED",
    ]
    private static let sound: Set = [
        "A_AAC", "A_AC3", "A_EAC3", "A_ALAC", "A_DTS", "A_DTS/EXPRESS", "A_DTS/LOSSLESS", "A_FLAC", "A_MLP",
        "A_MPEG/L1",
        "A_MPEG/L2", "A_MPEG/L3", "A_MS/ACM", "A_OPUS", "A_PCM/FLOAT/IEEE", "A_PCM/INT/BIG", "A_PCM/INT/LIT",
        "A_TRUEHD", "A_TTA1", "A_VORBIS", "A_WAVPACK4",
    ]
    private static let subtitles: Set = [
        "S_TEXT/UTF8", "S_TEXT/ASCII", "S_TEXT/WEBVTT", "S_TEXT/ASS", "S_TEXT/SSA", "S_ASS", "S_SSA", "S_VOBSUB",
        "S_HDMV/PGS", "S_HDMV/TEXTST", "S_DVBSUB", "S_ARIBSUB", "D_WEBVTT/SUBTITLES", "D_WEBVTT/CAPTIONS",
    ]

    /// `type` is that of the track: 1 pictures, 2 sound, else subtitles.
    static func isKnown(_ codec: String, type: UInt64) -> Bool {
        switch type {
        case 1: pictures.contains(codec)
        case 2: sound.contains(codec) || codec.hasPrefix("A_AAC/")
        default: subtitles.contains(codec)
        }
    }
}

/// `CodecPrivate`, which a decoder needs, without what it tells beside: it keeps its length.
///
/// | codec | what becomes of it |
/// |-------|--------------------|
/// | A_VORBIS, V_THEORA | the comment packet gets a vendor of zeros and no comment |
/// | A_FLAC | all blocks but STREAMINFO become PADDING |
/// | S_TEXT/ASS and kin, S_VOBSUB | lines that change nothing on the screen become spaces |
/// | other subtitles of text | spaces |
/// | V_MPEG4/ISO/AVC, V_MPEGH/ISO/HEVC, V_AV1 | rebuilt, and shorter (`DecoderConfiguration`) |
/// | A_AAC, V_VP9, V_PRORES | stays, if it is as short as it should be |
/// | all others | stays |
enum CodecPrivate {
    /// The box of ISO's format that has the same content.
    static func configuration(_ codec: String) -> BoxType? {
        switch codec {
        case "V_MPEG4/ISO/AVC": "avcC"
        case "V_MPEGH/ISO/HEVC": "hvcC"
        case "V_AV1": "av1C"
        default: nil
        }
    }

    static func clean(_ bytes: [UInt8], _ codec: String) throws(CleaningError) -> (
        bytes: [UInt8], words: Set<RemovedMetadata>
    ) {
        switch codec {
        case "A_VORBIS": return (try xiph(bytes, "\u{03}vorbis", framing: true), [.text, .encoder])
        case "V_THEORA": return (try xiph(bytes, "\u{81}theora", framing: false), [.text, .encoder])
        case "A_FLAC": return (try flac(bytes), [.text, .encoder])
        case "A_OPUS":
            guard bytes.starts(with: "OpusHead".utf8), bytes.count >= 19,
                bytes.count == (bytes[18] == 0 ? 19 : 21 + Int(bytes[9]))
            else { throw .corrupt("its Opus header is damaged") }
            return (bytes, [])
        case "S_TEXT/ASS", "S_TEXT/SSA", "S_ASS", "S_SSA": return (SubtitleHeader.ass(bytes), [.text])
        case "S_VOBSUB": return (SubtitleHeader.vobSub(bytes), [.text])
        case _ where codec.hasPrefix("S_TEXT/") || codec.hasPrefix("D_WEBVTT"):
            return (SubtitleHeader.blank(bytes[...]), [.text])
        case "A_AAC", "V_VP9", "V_PRORES":
            guard bytes.count <= 64 else { throw .corrupt("the description of a codec is damaged") }
            return (bytes, [])
        default: return (bytes, [])
        }
    }

    /// Three packets, laced as in Ogg: their number less one, the sizes of the first two in bytes of 255 and less, the
    /// packets.
    private static func xiph(_ bytes: [UInt8], _ mark: String, framing: Bool) throws(CleaningError) -> [UInt8] {
        var offset = 1
        var sizes: [Int] = []
        guard bytes.first == 2 else { throw .corrupt("the description of a codec is damaged") }
        for _ in 0..<2 {
            var size = 0
            while offset < bytes.count, bytes[offset] == 255 {
                size += 255
                offset += 1
            }
            guard offset < bytes.count else { throw .corrupt("the description of a codec is damaged") }
            sizes.append(size + Int(bytes[offset]))
            offset += 1
        }
        let markBytes = mark.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        let start = offset + sizes[0]
        let room = sizes[1] - markBytes.count - 8 - (framing ? 1 : 0)
        guard start + sizes[1] <= bytes.count, bytes[start...].starts(with: markBytes), room >= 0 else {
            throw .corrupt("the description of a codec is damaged")
        }
        let length = (0..<4).map { UInt8(truncatingIfNeeded: room >> (8 * $0)) }
        let packet = markBytes + length + [UInt8](repeating: 0, count: room + 4) + (framing ? [1] : [])
        return bytes[..<start] + packet + bytes[(start + sizes[1])...]
    }

    private static func flac(_ bytes: [UInt8]) throws(CleaningError) -> [UInt8] {
        guard bytes.starts(with: "fLaC".utf8) else { throw .corrupt("the description of a codec is damaged") }
        var result = bytes
        var offset = 4
        var isLast = false
        while !isLast {
            guard offset + 4 <= bytes.count else { throw .corrupt("the description of a codec is damaged") }
            isLast = bytes[offset] & 0x80 != 0
            let end = offset + 4 + bytes[offset + 1..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
            guard end <= bytes.count else { throw .corrupt("the description of a codec is damaged") }
            if bytes[offset] & 0x7F != 0 {
                result[offset] = bytes[offset] & 0x80 | 1
                result.replaceSubrange(offset + 4..<end, with: [UInt8](repeating: 0, count: end - offset - 4))
            }
            offset = end
        }
        guard offset == bytes.count else { throw .corrupt("the description of a codec is damaged") }
        return result
    }
}

/// The text that stands before subtitles: what changes nothing on the screen becomes spaces.
enum SubtitleHeader {
    /// Spaces in the place of everything but the ends of lines.
    static func blank(_ bytes: ArraySlice<UInt8>) -> [UInt8] { bytes.map { $0 == 10 || $0 == 13 ? $0 : 0x20 } }

    /// Advanced SubStation Alpha: how large the script is drawn, styles, and the order of fields.
    static func ass(_ bytes: [UInt8]) -> [UInt8] {
        let script = [
            "scripttype", "playresx", "playresy", "playdepth", "layoutresx", "layoutresy", "wrapstyle", "timer",
            "collisions",
            "scaledborderandshadow", "ycbcr matrix", "kerning",
        ]
        let keys = [
            "[script info]": script, "[v4 styles]": ["format", "style"], "[v4+ styles]": ["format", "style"],
            "[events]": ["format"],
        ]
        var allowed: [String] = []
        return lines(bytes) { line in
            if line.hasPrefix("[") {
                allowed = keys[line] ?? []
                return !allowed.isEmpty
            }
            return allowed.contains { line.hasPrefix($0 + ":") }
        }
    }

    /// The index of VobSub: size, place and colours.
    static func vobSub(_ bytes: [UInt8]) -> [UInt8] {
        let keys = [
            "size", "org", "scale", "alpha", "smooth", "fadein/out", "align", "time offset", "forced subs", "palette",
            "custom colors",
        ]
        return lines(bytes) { line in keys.contains { line.hasPrefix($0 + ":") } }
    }

    /// Keeps the lines for which `isKept`, which gets them in small letters and without white space at their ends.
    private static func lines(_ bytes: [UInt8], _ isKept: (String) -> Bool) -> [UInt8] {
        var cleaned: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let line = rest.prefix { $0 != 10 && $0 != 13 }
            let start = line.drop { [0x20, 9, 0xEF, 0xBB, 0xBF].contains($0) }
            let end = start.lastIndex { ![0x20, 9, 0].contains($0) }.map { $0 + 1 } ?? start.startIndex
            let text = String(decoding: start[..<end], as: UTF8.self).lowercased()
            cleaned += isKept(text) ? Array(line) : blank(line)
            cleaned += rest.dropFirst(line.count).prefix(1)
            rest = rest.dropFirst(line.count + 1)
        }
        return cleaned
    }
}
