/// Names what boxes that go told: for the list of what was removed, never for the decision. Whatever cannot be read is
/// `other`.
enum FilmWords {
    /// XMP's user type (Adobe, XMP specification part 3, 1.1.3), and Canon's, which holds EXIF of a camera.
    private static let xmp: [UInt8] = [
        0xBE, 0x7A, 0xCF, 0xCB, 0x97, 0xA9, 0x42, 0xE8, 0x9C, 0x71, 0x99, 0x94, 0x91, 0xE3, 0xAF, 0xAC,
    ]
    private static let canon: [UInt8] = [
        0x85, 0xC0, 0xB6, 0x87, 0x82, 0x0F, 0x11, 0xE0, 0x81, 0x11, 0xF4, 0xCE, 0x46, 0x2B, 0x6A, 0x48,
    ]

    static func note(_ box: Box, _ reader: BoxReader, removed: inout Set<RemovedMetadata>) {
        do throws(CleaningError) {
            removed.formUnion(try words(box, reader))
        } catch {
            removed.insert(.other)
        }
    }

    private static func words(_ box: Box, _ reader: BoxReader) throws(CleaningError) -> Set<RemovedMetadata> {
        switch box.type {
        case "free", "skip", "wide": return []
        case "udta":
            var words: Set<RemovedMetadata> = []
            for child in try reader.children(of: box) {
                if child.type == "meta" {
                    words.formUnion(try meta(child, reader))
                } else {
                    words.insert(word(child.type))
                }
            }
            return words
        case "meta": return try meta(box, reader)
        case "uuid":
            switch try reader.userType(of: box) {
            case xmp: return [.xmp]
            case canon: return [.camera, .exif]
            default: return [.other]
            }
        default: return [word(box.type)]
        }
    }

    /// `meta` is a full box for ISO and a plain one for QuickTime.
    private static func meta(_ box: Box, _ reader: BoxReader) throws(CleaningError) -> Set<RemovedMetadata> {
        guard box.payloadBytes >= 8 else { return [] }
        let isPlain = try reader.source.bigEndian(4, at: box.payload.lowerBound) != 0
        var words: Set<RemovedMetadata> = []
        for child in try reader.children(of: box, skipping: isPlain ? 0 : 4) {
            switch child.type {
            case "keys": words.formUnion(try keys(child, reader))
            case "ilst":
                // Numbers here point into `keys`.
                for item in try reader.children(of: child) where item.type.code > 65535 {
                    words.insert(word(item.type))
                }
            case "hdlr", "free", "skip", "mhdr", "ctry", "lang": continue
            default: words.insert(word(child.type))
            }
        }
        return words
    }

    private static func keys(_ box: Box, _ reader: BoxReader) throws(CleaningError) -> Set<RemovedMetadata> {
        let header = try reader.full(box)
        var words: Set<RemovedMetadata> = []
        guard header.bodyBytes > 4 else { return words }
        for key in try reader.boxes(in: header.body.lowerBound + 4..<header.body.upperBound, depth: box.depth + 1) {
            let start = key.payload.clamped(to: key.payload.lowerBound..<key.payload.lowerBound + 256)
            let name = String(decoding: try reader.bytes(start), as: UTF8.self).lowercased()
            words.insert(word(key: name))
        }
        return words
    }

    private static func word(key name: String) -> RemovedMetadata {
        // Not “time”.
        let prefix = "com.apple.quicktime."
        let key = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
        let tables: [(RemovedMetadata, [String])] = [
            (.gps, ["location", "gps", "latitude"]), (.cover, ["artwork"]), (.time, ["date", "time"]),
            (.encoder, ["software", "encoder", "version"]),
            (.camera, ["make", "model", "manufacturer", "camera", "lens", "serial", "identifier"]),
        ]
        for (word, parts) in tables where parts.contains(where: { key.contains($0) }) { return word }
        return .text
    }

    /// The word for a box of user data, or of an `ilst`.
    static func word(_ type: BoxType) -> RemovedMetadata {
        switch type {
        case "©xyz", "loci", "gps ", "GPS ", "@xyz", "GPS0", "©gps": .gps
        case "©mak", "©mod", "©mdl", "manu", "modl", "CNMN", "CNCV", "CNFV", "CNTH", "MMA ", "MVTG", "NCTG", "NCDT",
            "CAME", "FIRM", "LENS", "SETT", "GPMF", "hinf", "TAGS", "PENT", "PANA", "SNum", "FFMV", "©fwv", "©sno":
            .camera
        case "covr", "PICT", "pnot": .cover
        case "©day", "date", "yrrc", "©TIM", "©TSC", "©TSZ", "mcvr", "prft": .time
        case "©too", "©swr", "©enc", "©req", "auth": type == "auth" ? .text : .encoder
        case "thmb", "tnam", "thum": .thumbnail
        case "XMP_": .xmp
        case "titl", "dscp", "cprt", "perf", "gnre", "albm", "name", "desc", "ldes", "chpl", "kywd", "clsf", "rtng",
            "ID32", "cnID", "aART", "apID", "ownr", "purd", "----", "trkn", "disk", "tvsh", "keyw":
            .text
        case "emsg": .telemetry
        default: type.bytes[0] == 0xA9 ? .text : .other
        }
    }
}
