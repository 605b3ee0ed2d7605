/// The boxes inside a sample entry: what a decoder needs, by allow-list; everything else goes.
///
/// | box | what stays |
/// |---|---|
/// | `avcC` `hvcC` `lhvC` `av1C` `esds` `dfLa` | rebuilt by `DecoderConfiguration` |
/// | `vpcC` `dOps` `dac3` `dec3` `alac` `dvcC` `dvvC` `dvwC` `chan` | as far as its fields reach |
/// | `damr` `d263` | without vendor and version |
/// | `pasp` `clap` `fiel` `gama` `mdcv` `clli` `SmDm` `CoLL` `amve` `btrt` `srat` `frma` `enda` `ccst` | fixed fields |
/// | `auxi` | the name of alpha; other auxiliary sequences are an error |
/// | `colr` | `nclx` and `nclc`; a profile goes |
/// | `wave` | the same boxes inside it (QuickTime File Format, sound) |
/// | `ftab` | the fonts of 3GPP text, all by one name |
/// | `vttC` | the first word of WebVTT: what follows is free text |
struct DecoderBox {
    let reader: BoxReader
    let entry: BoxType

    private static let fixedBytes: [BoxType: Int] = [
        "pasp": 8, "clap": 32, "fiel": 2, "gama": 4, "mdcv": 24, "clli": 4, "amve": 8, "btrt": 12, "srat": 8, "frma": 4,
        "enda": 2, "dac3": 3, "dvcC": 24, "dvvC": 24, "dvwC": 24, "SmDm": 28, "CoLL": 8, "ccst": 8,
    ]

    func clean(_ box: Box, removed: inout Set<RemovedMetadata>) throws(CleaningError) -> [UInt8]? {
        let type = box.type
        if let count = Self.fixedBytes[type] { return .box(type, try prefix(count, of: box)) }
        switch type {
        case "wave": return try wave(box, removed: &removed)
        case "damr": return .box(type, try withoutVendor(9, of: box, removed: &removed))
        case "d263": return .box(type, try withoutVendor(7, of: box, removed: &removed))
        case "colr": return try colour(box, removed: &removed)
        case "alac" where entry == "alac" || entry == "wave": return .box(type, try alac(box))
        case "dOps": return .box(type, try opus(box))
        case "dec3": return .box(type, try enhancedAC3(box))
        case "chan": return .box(type, try channelLayout(box))
        case "vpcC": return .box(type, try prefix(10, of: box) + [0, 0])
        case "auxi": return .box(type, try auxiliaryType(box))
        case "ftab" where entry == "tx3g": return .box(type, try fonts(box, removed: &removed))
        case "vttC" where entry == "wvtt":
            let header = Array("WEBVTT".utf8)
            if try reader.bytes(box.payload) != header { removed.insert(.text) }
            return .box(type, header)
        case "mp4a" where entry == "wave": return .box(type, [0, 0, 0, 0])
        case "avcC", "hvcC", "lhvC", "av1C", "esds", "dfLa":
            let bytes = try reader.bytes(box.payload)
            return .box(type, try DecoderConfiguration.rebuilt(type, bytes, removed: &removed))
        case "free", "skip": return nil
        case "sinf": throw .unsupported("encryption")
        default:
            removed.insert(.other)
            return nil
        }
    }

    private func prefix(_ count: Int, of box: Box) throws(CleaningError) -> [UInt8] {
        guard box.payloadBytes >= Int64(count) else { throw .corrupt("the box “\(box.type)” is too short") }
        return try reader.bytes(box.payload.lowerBound..<box.payload.lowerBound + Int64(count))
    }

    private func withoutVendor(
        _ count: Int, of box: Box, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> [UInt8] {
        let bytes = try prefix(count, of: box)
        if bytes.prefix(5).contains(where: { $0 != 0 }) { removed.insert(.encoder) }
        return [0, 0, 0, 0, 0] + bytes.dropFirst(5)
    }

    /// QuickTime's `wave` ends with a box of type 0, which counts as no box of a type that is kept.
    private func wave(_ box: Box, removed: inout Set<RemovedMetadata>) throws(CleaningError) -> [UInt8]? {
        guard entry != "wave" else { throw .corrupt("a box “wave” in another") }
        var kept: [UInt8] = []
        for child in try reader.children(of: box) {
            if child.type.code == 0 { break }
            let decoder = DecoderBox(reader: reader, entry: "wave")
            if let bytes = try decoder.clean(child, removed: &removed) { kept += bytes }
        }
        return .box("wave", kept + .box(BoxType(code: 0), []))
    }

    private func colour(_ box: Box, removed: inout Set<RemovedMetadata>) throws(CleaningError) -> [UInt8]? {
        let kind = BoxType(code: UInt32(BigEndian.number(try prefix(4, of: box), at: 0, 4)))
        switch kind {
        case "nclc": return .box("colr", try prefix(10, of: box))
        case "nclx":
            let bytes = try prefix(11, of: box)
            return .box("colr", bytes[..<10] + [bytes[10] & 0x80])
        default:
            removed.insert(.icc)
            return nil
        }
    }

    private func alac(_ box: Box) throws(CleaningError) -> [UInt8] {
        // The magic cookie of 24 bytes, and a channel layout of 24 where there are more than two channels.
        guard box.payloadBytes >= 52 else { return try prefix(28, of: box) }
        return try prefix(44, of: box) + [UInt8](repeating: 0, count: 8)
    }

    private func auxiliaryType(_ box: Box) throws(CleaningError) -> [UInt8] {
        var fields = FieldReader(try reader.bytes(box.payload), of: "auxi")
        try fields.skip(4)
        let name = fields.text()
        guard HEIFSelection.alphaAndGain.contains(String(decoding: name, as: UTF8.self)) else {
            throw .unsupported("an auxiliary sequence that is no alpha")
        }
        return [0, 0, 0, 0] + name + [0]
    }

    /// 3GPP TS 26.245, 5.16: how many, then number and name of each.
    private func fonts(_ box: Box, removed: inout Set<RemovedMetadata>) throws(CleaningError) -> [UInt8] {
        let bytes = try reader.bytes(box.payload)
        var fields = FieldReader(bytes, of: "ftab")
        let name = Array("Sans-Serif".utf8)
        var kept = try fields.bytes(2)
        for _ in 0..<BigEndian.number(kept, at: 0, 2) {
            kept += try fields.bytes(2) + [UInt8(name.count)] + name
            try fields.skip(Int(try fields.number(1)))
        }
        if kept != bytes { removed.insert(.text) }
        return kept
    }

    private func opus(_ box: Box) throws(CleaningError) -> [UInt8] {
        let start = try prefix(11, of: box)
        return start[10] == 0 ? start : try prefix(13 + Int(start[1]), of: box)
    }

    /// ETSI TS 102 366, F.6: substreams of 3 or 4 bytes, then 2 bytes for object audio.
    private func enhancedAC3(_ box: Box) throws(CleaningError) -> [UInt8] {
        var count = 2
        for _ in 0...(try prefix(2, of: box)[1] & 7) {
            let substream = try prefix(count + 3, of: box)
            count += substream[count + 2] & 0x1E == 0 ? 3 : 4
        }
        return try prefix(box.payloadBytes >= Int64(count + 2) ? count + 2 : count, of: box)
    }

    private func channelLayout(_ box: Box) throws(CleaningError) -> [UInt8] {
        let descriptions = BigEndian.number(try prefix(16, of: box), at: 12, 4)
        guard descriptions <= 64 else { throw .excessive("more than 64 channels") }
        return try prefix(16 + 20 * Int(descriptions), of: box)
    }
}
