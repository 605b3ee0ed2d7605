/// A property of items (ISO/IEC 23008-12, 6.5; MIAF; AV1 image file format, 2.2), cleaned by allow-list.
///
/// | box | what stays |
/// |---|---|
/// | `ispe` `pixi` `irot` `imir` `clap` `pasp` `lsel` `a1op` `a1lx` `clli` `mdcv` | its fields |
/// | `hvcC` `av1C` | rebuilt by `DecoderConfiguration` |
/// | `colr` | `nclx`; a profile built anew |
/// | `auxC` | the name alone, of alpha and gain maps |
struct HEIFProperty {
    /// The whole new box; nil where it goes.
    let box: [UInt8]?
    /// Of `ispe`.
    private(set) var size: (width: Int, height: Int)?
    /// Of `auxC`.
    private(set) var auxiliaryType: String?
    let type: BoxType
    let words: Set<RemovedMetadata>

    init(_ property: Box, _ reader: BoxReader, rebuildProfile: ProfileRebuild) throws(CleaningError) {
        type = property.type
        let bytes = try reader.bytes(property.payload)
        var fields = FieldReader(bytes, of: property.type.description)
        var words: Set<RemovedMetadata> = []
        switch type {
        case "ispe":
            let kept = try fields.bytes(12)
            size = (Int(BigEndian.number(kept, at: 4, 4)), Int(BigEndian.number(kept, at: 8, 4)))
            box = .box(type, kept)
        case "pixi":
            // Channels of a picture and its alpha: more would be room for other things.
            let count = try fields.bytes(5)[4]
            let bits = try fields.bytes(Int(count))
            guard count <= 4, bits.allSatisfy({ $0 <= 32 }) else { throw .unsupported("a picture of odd channels") }
            box = .fullBox(type, [count] + bits)
        case "irot": box = .box(type, [try fields.bytes(1)[0] & 3])
        case "imir": box = .box(type, [try fields.bytes(1)[0] & 1])
        case "a1op": box = .box(type, try fields.bytes(1))
        case "lsel": box = .box(type, try fields.bytes(2))
        case "clli": box = .box(type, try fields.bytes(4))
        case "pasp": box = .box(type, try fields.bytes(8))
        case "mdcv": box = .box(type, try fields.bytes(24))
        case "clap": box = .box(type, try fields.bytes(32))
        case "a1lx":
            let flags = try fields.bytes(1)
            box = .box(type, flags + (try fields.bytes(flags[0] & 1 == 0 ? 6 : 12)))
        case "hvcC", "av1C": box = .box(type, try DecoderConfiguration.rebuilt(type, bytes, removed: &words))
        case "auxC":
            try fields.skip(4)
            let name = fields.text()
            if fields.count > 0 { words.insert(.other) }
            // Many items may share a long one: what is looked at for each is short.
            let text = String(decoding: name.prefix(256), as: UTF8.self)
            auxiliaryType = text
            box = HEIFSelection.alphaAndGain.contains(text) ? .fullBox(type, name + [0]) : nil
        case "colr":
            let kind = try fields.bytes(4)
            switch BoxType(code: UInt32(BigEndian.number(kind, at: 0, 4))) {
            case "nclx":
                let numbers = try fields.bytes(7)
                box = .box(type, kind + numbers[..<6] + [numbers[6] & 0x80])
            case "prof", "rICC":
                let profile = fields.rest
                let rebuilt = rebuildProfile(profile)
                words.formUnion(rebuilt.removed)
                if let new = rebuilt.profile, new.count <= profile.count {
                    box = .box(type, kind + new)
                } else {
                    if rebuilt.profile != nil { words.insert(.icc) }
                    box = nil
                }
            default:
                words.insert(.icc)
                box = nil
            }
        default:
            if let word = Self.word(type) { words.insert(word) }
            box = nil
        }
        self.words = words
    }

    private static func word(_ type: BoxType) -> RemovedMetadata? {
        switch type {
        case "free", "skip": nil
        case "udes", "altt": .text
        case "crtt", "mdft": .time
        case "cmin", "cmex": .camera
        default: .other
        }
    }
}
