/// Files that are made of boxes, chunks, elements or pages.
extension MediaType {
    /// RIFF and its relatives: `RF64` and `BW64` are WAVE with sizes of 64 bits (EBU Tech 3306, ITU-R BS.2088), `RIFX`
    /// has the highest byte first.
    static func riffType(_ start: FirstBytes) -> String? {
        switch (start.letters(at: 0), start.letters(at: 8)) {
        case ("RIFF", "WEBP"): "image/webp"
        case ("RIFF", "AVI "): "video/x-msvideo"
        case ("RIFF", "WAVE"), ("RIFX", "WAVE"), ("RF64", "WAVE"), ("BW64", "WAVE"): "audio/wav"
        default: nil
        }
    }

    /// A file of ISO 14496-12, by the brands in its `ftyp` box: the major one, and for pictures of HEIF (ISO 23008-12),
    /// whose major brand may be a general one, the compatible ones too.
    static func isoType(_ start: FirstBytes, at offset: Int = 0) -> String? {
        guard let size = start.bigEndian(4, at: offset), size >= 16, size < 1 << 16,
            let box = start.letters(at: offset + 4), box == "ftyp" || box == "styp",
            let major = start.letters(at: offset + 8)
        else { return nil }
        let compatible = stride(from: offset + 16, through: offset + size - 4, by: 4).compactMap {
            start.letters(at: $0)
        }
        return box == "styp" ? "video/iso.segment" : type(major: major, compatible: compatible)
    }

    private static let heicBrands: Set = ["heic", "heix", "heim", "heis"]
    private static let heicSequenceBrands: Set = ["hevc", "hevx", "hevm", "hevs"]

    private static func type(major: String, compatible: [String]) -> String {
        switch major {
        case "avif", "avis": return "image/avif"
        case _ where heicBrands.contains(major): return "image/heic"
        case _ where heicSequenceBrands.contains(major): return "image/heic-sequence"
        case "mif1", "mif2", "miaf", "tmap":
            if compatible.contains("avif") { return "image/avif" }
            return heicBrands.isDisjoint(with: compatible) ? "image/heif" : "image/heic"
        case "msf1":
            if compatible.contains("avis") { return "image/avif" }
            return heicSequenceBrands.isDisjoint(with: compatible) ? "image/heif-sequence" : "image/heic-sequence"
        case "crx ": return "image/x-canon-cr3"
        case "M4A ", "M4B ", "M4P ", "F4A ", "F4B ": return "audio/mp4"
        case "qt  ": return "video/quicktime"
        case _ where major.hasPrefix("3g2"), "KDDI": return "video/3gpp2"
        case _ where major.hasPrefix("3g"): return "video/3gpp"
        default: return "video/mp4"
        }
    }

    /// A QuickTime film of the time before `ftyp` (QuickTime File Format, "Movie Atoms"): it begins with its moov, with
    /// its samples, or with room that was left free.
    static func quickTimeType(_ start: FirstBytes) -> String? {
        let film = "video/quicktime"
        guard let size = start.bigEndian(4, at: 0), let name = start.letters(at: 4) else { return nil }
        switch name {
        case "moov":
            let first = [
                "mvhd", "cmov", "rmra", "udta", "trak", "meta", "iods", "clip", "prfl", "free", "wide", "mvex",
            ]
            return size >= 16 && start.letters(at: 12).map(first.contains) == true ? film : nil
        case "mdat":
            // Its size may be to the end (0), or of 64 bits (1).
            let large = start.bigEndian(4, at: 8).map { $0 < 1 << 24 } ?? false
            let isSound = size == 0 || size == 1 && large || size >= 8
            return isSound && textType(start) == nil ? film : nil
        case "wide", "free", "skip", "pnot":
            guard size >= 8, size < 1 << 24 else { return nil }
            if let next = start.letters(at: size + 4) {
                if next == "ftyp" { return isoType(start, at: size) }
                return ["moov", "mdat", "wide", "free", "skip", "pnot", "uuid", "PICT"].contains(next) ? film : nil
            }
            return !start.isWhole ? film : nil
        default: return nil
        }
    }

    /// WebM and Matroska, by the DocType in the EBML header (RFC 8794, section 11.2.4; RFC 9559, section 4.1).
    static func matroskaType(_ start: FirstBytes) -> String? {
        guard start.has([0x1A, 0x45, 0xDF, 0xA3], at: 0), let header = variableNumber(start, at: 4) else { return nil }
        let end = min(start.count, 4 + header.length + header.value)
        var offset = 4 + header.length
        while offset < end {
            // IDs are read with their marker, whose place tells how long they are.
            let idLength = start.bytes[offset].leadingZeroBitCount + 1
            guard idLength <= 4, let id = start.bigEndian(idLength, at: offset),
                let size = variableNumber(start, at: offset + idLength)
            else { return nil }
            let content = offset + idLength + size.length
            if id == 0x4282 {
                let text = start.slice(size.value, at: content).map { String(decoding: $0, as: UTF8.self) }
                switch text?.split(separator: "\0").first {
                case "webm": return "video/webm"
                case "matroska": return "video/matroska"
                default: return nil
                }
            }
            guard size.value <= end - content else { break }
            offset = content + size.value
        }
        // It is what has no name, or one that is out of reach.
        return "video/matroska"
    }

    /// An EBML number of variable length (RFC 8794, section 4), at most 2^31.
    private static func variableNumber(_ start: FirstBytes, at offset: Int) -> (value: Int, length: Int)? {
        guard let first = start.slice(1, at: offset)?.first, first != 0 else { return nil }
        let length = first.leadingZeroBitCount + 1
        guard let bytes = start.slice(length, at: offset) else { return nil }
        let value = bytes.dropFirst().reduce(Int(first) & (0x7F >> (length - 1))) { $0 << 8 | Int($1) }
        return value <= 1 << 31 ? (value, length) : nil
    }

    /// Ogg (RFC 3533), by the kinds of streams that begin on its first pages (RFC 5334, section 5).
    static func oggType(_ start: FirstBytes) -> String? {
        guard start.has("OggS\0", at: 0) else { return nil }
        var kinds: Set<String> = []
        var offset = 0
        // Pages on which a stream begins come before all others.
        while start.has("OggS\0", at: offset), let flags = start.slice(1, at: offset + 5)?.first, flags & 2 != 0,
            let segments = start.slice(1, at: offset + 26)?.first,
            let lacing = start.slice(Int(segments), at: offset + 27)
        {
            let packet = offset + 27 + Int(segments)
            let sound = ["OpusHead", "\u{01}vorbis", "\u{7F}FLAC", "Speex   "]
            let film = [[0x80] + Array("theora".utf8), Array("BBCD\0".utf8), Array("\u{01}video".utf8)]
            if sound.contains(where: { start.has($0, at: packet) }) {
                kinds.insert("audio/ogg")
            } else if film.contains(where: { start.has($0, at: packet) }) {
                kinds.insert("video/ogg")
            } else if !start.has("fishead\0", at: packet) {
                kinds.insert("application/ogg")
            }
            offset = packet + lacing.reduce(0) { $0 + Int($1) }
        }
        if kinds.contains("video/ogg") { return "video/ogg" }
        return kinds == ["audio/ogg"] ? "audio/ogg" : "application/ogg"
    }

    /// MPEG transport streams: a sync byte every 188 bytes (ISO 13818-1, section 2.4.3), with a time code of four bytes
    /// before each in what cameras write.
    static func transportType(_ start: FirstBytes) -> String? {
        for (first, step) in [(0, 188), (4, 192)] {
            let offsets = stride(from: first, to: start.count, by: step)
            if start.count >= 3 * step, offsets.allSatisfy({ start.bytes[$0] == 0x47 }) { return "video/mp2t" }
        }
        return nil
    }
}
