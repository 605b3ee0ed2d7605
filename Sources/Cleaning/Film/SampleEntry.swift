/// One entry of `stsd`: how samples are compressed (ISO/IEC 14496-12, 8.5.2 and 12; QuickTime File Format, sample
/// descriptions). Fixed fields stay but for names, vendors and reserved bytes; the boxes inside are `DecoderBox`'s.
struct SampleEntry {
    static let video: Set<BoxType> = [
        "avc1", "avc2", "avc3", "avc4", "hvc1", "hev1", "lhv1", "lhe1", "dvh1", "dvhe", "dvav", "dva1", "dav1", "av01",
        "vp08", "vp09", "mp4v", "s263", "h263", "apcn", "apch", "apcs", "apco", "ap4h", "ap4x",
    ]
    static let sound: Set<BoxType> = [
        "mp4a", "samr", "sawb", "sawp", "alac", "Opus", "ac-3", "ec-3", "fLaC", ".mp3", "sowt", "twos", "raw ", "NONE",
        "in24", "in32", "fl32", "fl64", "lpcm", "ulaw", "alaw", "ima4",
    ]
    static let text: Set<BoxType> = ["tx3g", "text", "wvtt", "c608", "c708"]

    /// The whole box.
    let bytes: [UInt8]
    /// Which entry of `dref` it names.
    let dataReference: Int
    /// Coded pixels across and down.
    var codedSize: (width: Int, height: Int)?
    /// How bytes follow from a number of samples, where a table of sizes would not say so.
    var packets: SoundPackets?
    /// How units lie in samples of H.264 and H.265.
    private(set) var unitForm: UnitForm?

    /// Cleans the entry in `box`; `isQuickTimeSound` tells the two meanings of an entry's version apart.
    init(
        _ box: Box, handler: BoxType, isQuickTimeSound: Bool, reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) {
        let type = box.type
        guard box.payloadBytes >= 8 else { throw .corrupt("the box “\(type)” is too short") }
        dataReference = Int(try reader.source.bigEndian(2, at: box.payload.lowerBound + 6))
        let start = [0, 0, 0, 0, 0, 0] + BigEndian.bytes(UInt16(dataReference))
        let fixedRange = box.payload.lowerBound + 8..<min(box.payload.upperBound, box.payload.lowerBound + 600)
        let fixed = try reader.bytes(fixedRange)
        var fields = FieldReader(fixed, of: type.description)
        var kept: [UInt8]
        let isPicture = ["vide", "pict", "auxv"].contains(handler)
        if isPicture, Self.video.contains(type) {
            kept = try Self.videoFields(&fields, removed: &removed)
            codedSize = (Int(BigEndian.number(kept, at: 16, 2)), Int(BigEndian.number(kept, at: 18, 2)))
        } else if handler == "soun", Self.sound.contains(type) {
            (kept, packets) = try Self.soundFields(&fields, type, isQuickTimeSound, removed: &removed)
        } else if !isPicture, handler != "soun", Self.text.contains(type) {
            kept = try Self.textFields(&fields, type, removed: &removed)
        } else {
            throw .unsupported("a track compressed as “\(type)”")
        }
        if type != "text" {
            let inner = fixedRange.lowerBound + Int64(fixed.count - fields.count)..<box.payload.upperBound
            for child in try reader.boxes(in: inner, depth: box.depth + 1) {
                let decoder = DecoderBox(reader: reader, entry: type)
                if unitForm == nil, ["avcC", "hvcC"].contains(child.type) {
                    unitForm = UnitForm(child.type, try reader.bytes(child.payload))
                }
                if let bytes = try decoder.clean(child, removed: &removed) { kept += bytes }
            }
        }
        bytes = .box(type, start + kept)
    }

    /// The 70 bytes of a visual entry (12.1.3): vendor, qualities, data size and compressor name become 0.
    private static func videoFields(
        _ fields: inout FieldReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> [UInt8] {
        let maker = try fields.bytes(16)
        let size = try fields.bytes(4)
        let resolution = try fields.bytes(8)
        try fields.skip(4)
        let frames = try fields.bytes(2)
        let name = try fields.bytes(32)
        let depth = try fields.bytes(2)
        guard try fields.number(2) != 0 else { throw .unsupported("a table of colours") }
        // Qualities are the compressor's, too.
        if (maker + name).contains(where: { $0 != 0 }) { removed.insert(.encoder) }
        return [UInt8](repeating: 0, count: 16) + size + resolution + [0, 0, 0, 0] + frames
            + [UInt8](repeating: 0, count: 32) + depth + [0xFF, 0xFF]
    }

    /// A sound entry (12.2.3; QuickTime's versions 1 and 2): revision and vendor become 0.
    private static func soundFields(
        _ fields: inout FieldReader, _ type: BoxType, _ isQuickTime: Bool, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> ([UInt8], SoundPackets?) {
        let version = try fields.number(2)
        if try fields.bytes(6).contains(where: { $0 != 0 }) { removed.insert(.encoder) }
        var kept = BigEndian.bytes(UInt16(version)) + [UInt8](repeating: 0, count: 6) + (try fields.bytes(12))
        let channels = BigEndian.number(kept, at: 8, 2)
        let bits = BigEndian.number(kept, at: 10, 2)
        guard isQuickTime, version > 0 else {
            guard version <= 1 else { throw .unsupported("a description of sound of version \(version)") }
            return (kept, SoundPackets(type, channels: channels, bits: bits))
        }
        switch version {
        case 1:
            let packet = try fields.bytes(16)
            kept += packet
            let (frames, bytes) = (BigEndian.number(packet, at: 0, 4), BigEndian.number(packet, at: 8, 4))
            return (kept, SoundPackets(frames: frames, bytes: bytes))
        case 2:
            let size = try fields.number(4)
            guard size == 72 else { throw .unsupported("a description of sound of \(size) bytes") }
            let packet = try fields.bytes(32)
            kept += BigEndian.bytes(UInt32(size)) + packet
            let (bytes, frames) = (BigEndian.number(packet, at: 24, 4), BigEndian.number(packet, at: 28, 4))
            return (kept, SoundPackets(frames: frames, bytes: bytes))
        default: throw .unsupported("a description of sound of version \(version)")
        }
    }

    /// A text entry: 3GPP timed text (TS 26.245, 5.16), QuickTime text without its font's name, WebVTT, captions.
    private static func textFields(
        _ fields: inout FieldReader, _ type: BoxType, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> [UInt8] {
        switch type {
        case "tx3g": return try fields.bytes(30)
        case "text":
            let kept = try fields.bytes(24) + [UInt8](repeating: 0, count: 8)
            try fields.skip(8)
            let font = try fields.bytes(4)
            try fields.skip(3)
            let colour = try fields.bytes(6)
            if fields.rest.contains(where: { $0 != 0 }) { removed.insert(.other) }
            return kept + font + [0, 0, 0] + colour + [0]
        default: return []
        }
    }
}

/// How many bytes a number of sound frames takes, where the table of sizes counts frames (QuickTime File Format,
/// sound).
struct SoundPackets: Hashable {
    let framesPerPacket: Int64
    let bytesPerPacket: Int64

    init?(frames: UInt64, bytes: UInt64) {
        guard (1...1 << 20).contains(frames), (1...1 << 20).contains(bytes) else { return nil }
        framesPerPacket = Int64(frames)
        bytesPerPacket = Int64(bytes)
    }

    /// What QuickTime's entries of version 0 imply.
    init?(_ type: BoxType, channels: UInt64, bits: UInt64) {
        switch type {
        case "twos", "sowt", "raw ", "NONE": self.init(frames: 1, bytes: channels * (bits / 8))
        case "ulaw", "alaw": self.init(frames: 1, bytes: channels)
        case "in24": self.init(frames: 1, bytes: channels * 3)
        case "in32", "fl32": self.init(frames: 1, bytes: channels * 4)
        case "fl64": self.init(frames: 1, bytes: channels * 8)
        case "ima4": self.init(frames: 64, bytes: channels * 34)
        default: return nil
        }
    }

    /// Bytes of `frames`, less than 2³³.
    func bytes(of frames: Int64) -> Int64 { (frames + framesPerPacket - 1) / framesPerPacket * bytesPerPacket }
}
