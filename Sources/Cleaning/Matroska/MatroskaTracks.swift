/// The tracks of a Matroska file (RFC 9559, section 5.1.4): which stay, and what is changed within them.
///
/// Pictures, sound and subtitles stay; tracks of measurements, logos, buttons and control go. TrackUIDs, which are random
/// numbers that nothing refers to any more, become 1, 2, 3 …. `CodecPrivate` stays but for what it tells beside the
/// codec (see `CodecPrivate`).
struct MatroskaTracks {
    private static let limit = 64

    enum Change {
        /// A new content of the same length, and what the old one told.
        case content([UInt8], Set<RemovedMetadata>)
        /// A shorter content, and what the old one told.
        case shorter([UInt8], Set<RemovedMetadata>)
        case void
    }

    struct MatroskaTrack {
        var number: UInt64 = 0
        var type: UInt64 = 0
        /// What is changed, by the place where the element begins.
        var changes: [Int64: Change] = [:]
        /// Numbers of the additions to blocks that stay: alpha.
        var alphaAdditions: Set<UInt64> = []
        /// Those that may be light that changes from frame to frame (HDR10+).
        var lightAdditions: Set<UInt64> = []
        var size: (width: Int, height: Int)?
        /// Subtitles as text; nil for all else.
        var text: TextForm?
        /// How units lie in blocks of H.264 and H.265.
        var unitForm: UnitForm?
    }

    enum TextForm { case plain, deflated }

    /// The tracks that stay, by the place where their entries begin.
    private(set) var entries: [Int64: MatroskaTrack] = [:]
    private(set) var byNumber: [UInt64: MatroskaTrack] = [:]
    /// Numbers of the tracks that go.
    private(set) var dropped: Set<UInt64> = []
    /// Of the first track of pictures.
    private(set) var displaySize: (width: Int, height: Int)?

    /// Bytes of `CodecPrivate` of all tracks.
    private static let privateLimit: Int64 = 16 << 20

    /// Reads the tracks; those `leftOut` go.
    init(_ source: SourceBytes, _ tracks: Ebml.Element, leavingOut leftOut: Set<UInt64>) throws(CleaningError) {
        var count = 0
        var privateBytes: Int64 = 0
        for entry in try Ebml.elements(source, tracks.body) where entry.id == 0xAE {
            count += 1
            if count > Self.limit { throw .excessive("more than \(Self.limit) tracks") }
            var reader = MatroskaTrackReader(source, index: byNumber.count + 1)
            let isKept = try reader.read(entry)
            privateBytes += reader.privateBytes
            if privateBytes > Self.privateLimit { throw .excessive("codecs described by more than 16 MiB") }
            let track = reader.track
            guard byNumber[track.number] == nil, !dropped.contains(track.number) else {
                throw .corrupt("two of its tracks have one number")
            }
            if isKept, !leftOut.contains(track.number) {
                entries[entry.start] = track
                byNumber[track.number] = track
                if displaySize == nil { displaySize = track.size }
            } else {
                dropped.insert(track.number)
            }
        }
        guard byNumber.values.contains(where: { $0.type < 3 }) else {
            throw .corrupt("it has no track of pictures or sound")
        }
    }
}

/// Reads one track.
struct MatroskaTrackReader {
    private let source: SourceBytes
    /// 1 for the first track that stays.
    private let index: Int
    private(set) var track = MatroskaTracks.MatroskaTrack()
    private(set) var privateBytes: Int64 = 0

    init(_ source: SourceBytes, index: Int) {
        self.source = source
        self.index = index
    }

    /// Reads an entry; whether the track stays.
    mutating func read(_ entry: Ebml.Element) throws(CleaningError) -> Bool {
        let parts = try Ebml.elements(source, entry.body)
        func only(_ id: UInt32) throws(CleaningError) -> Ebml.Element? {
            let found = parts.filter { $0.id == id }
            if found.count > 1 { throw .corrupt("a track in it says something twice") }
            return found.first
        }
        guard let number = try only(0xD7), let type = try only(0x83), let codecID = try only(0x86) else {
            throw .corrupt("a track in it has no number, type or codec")
        }
        track.number = try Ebml.unsigned(source, number)
        track.type = try Ebml.unsigned(source, type)
        guard track.number > 0 else { throw .corrupt("a track in it has no number") }
        if [0x10, 0x12, 0x20, 0x21].contains(track.type) { return false }
        guard [1, 2, 0x11].contains(track.type) else { throw .unsupported("a track of an unknown kind") }
        let codec = try Ebml.text(source, codecID)
        guard MatroskaCodecs.isKnown(codec, type: track.type) else {
            throw .unsupported("a track with the codec \(codec.prefix(40).filter { $0.isASCII && !$0.isNewline })")
        }
        if let uid = try only(0x73C5), (1...8).contains(uid.body.count) {
            let bytes = [UInt8](repeating: 0, count: uid.body.count - 1) + [UInt8(index)]
            track.changes[uid.start] = .content(bytes, [.other])
        }
        if track.type == 0x11, codec.hasPrefix("S_TEXT/") || codec.hasPrefix("D_WEBVTT/") { track.text = .plain }
        let encodings = try only(0x6D80)
        let hasEncodings = encodings != nil
        let isPrivateEncoded = try readEncodings(encodings)
        if let codecPrivate = try only(0x63A2) {
            if isPrivateEncoded { throw .unsupported("a track whose codec is described in a packed form") }
            if codecPrivate.body.count > 16 << 20 { throw .excessive("a codec described by more than 16 MiB") }
            let bytes = Array(try source.bytes(codecPrivate.body.count, at: codecPrivate.content))
            privateBytes = Int64(bytes.count)
            if let type = CodecPrivate.configuration(codec) {
                if !hasEncodings { track.unitForm = UnitForm(type, bytes) }
                var words: Set<RemovedMetadata> = []
                let rebuilt = bytes.isEmpty ? [] : try DecoderConfiguration.rebuilt(type, bytes, removed: &words)
                if rebuilt.count < bytes.count, bytes != rebuilt + [0] {
                    track.changes[codecPrivate.start] = .shorter(rebuilt, words.union([.other]))
                } else if rebuilt.count == bytes.count {
                    track.changes[codecPrivate.start] = .content(rebuilt, words)
                }
            } else {
                let (cleaned, words) = try CodecPrivate.clean(bytes, codec)
                track.changes[codecPrivate.start] = .content(cleaned, words)
            }
        }
        if let video = try only(0xE0) { try readVideo(video) }
        for mapping in parts where mapping.id == 0x41E4 { try readMapping(mapping) }
        return true
    }

    /// Whether `CodecPrivate` is compressed too (ContentEncodingScope, bit 2).
    private mutating func readEncodings(_ encodings: Ebml.Element?) throws(CleaningError) -> Bool {
        guard let encodings else { return false }
        var isPrivate = false
        for encoding in try Ebml.elements(source, encodings.body) where encoding.id == 0x6240 {
            for part in try Ebml.elements(source, encoding.body) where part.id == 0x5032 {
                if try Ebml.unsigned(source, part, default: 1) & 6 != 0 { isPrivate = true }
            }
            try readCompression(of: encoding)
        }
        return isPrivate
    }

    /// Text may be deflated (ContentCompAlgo 0, the default).
    private mutating func readCompression(of encoding: Ebml.Element) throws(CleaningError) {
        for part in try Ebml.elements(source, encoding.body) where part.id == 0x5034 {
            var method: UInt64 = 0
            for number in try Ebml.elements(source, part.body) where number.id == 0x4254 {
                method = try Ebml.unsigned(source, number)
            }
            if track.text != nil, method == 0 { track.text = .deflated }
        }
    }

    private mutating func readVideo(_ video: Ebml.Element) throws(CleaningError) {
        var values: [UInt32: UInt64] = [:]
        for part in try Ebml.elements(source, video.body) where part.body.count <= 8 {
            values[part.id] = try Ebml.unsigned(source, part)
        }
        if values[0x53C0] == 1 { track.alphaAdditions.insert(1) }
        track.size = Self.displaySize(values)
    }

    /// Pixels as displayed (RFC 9559, section 5.1.4.1.28): cropped, then of the shape that the display's numbers tell.
    static func displaySize(_ values: [UInt32: UInt64]) -> (width: Int, height: Int)? {
        func value(_ id: UInt32) -> Int? { values[id].flatMap { $0 <= 1 << 16 ? Int($0) : nil } }
        func cropped(_ pixels: UInt32, _ one: UInt32, _ other: UInt32) -> Int? {
            guard let all = value(pixels) else { return nil }
            let left = all - (value(one) ?? 0) - (value(other) ?? 0)
            return left > 0 ? left : nil
        }
        guard let width = cropped(0xB0, 0x54CC, 0x54DD), let height = cropped(0xBA, 0x54BB, 0x54AA) else { return nil }
        let displayWidth = value(0x54B0) ?? 0
        let displayHeight = value(0x54BA) ?? 0
        switch values[0x54B2] ?? 0 {
        case 0:  // pixels
            return (displayWidth > 0 ? displayWidth : width, displayHeight > 0 ? displayHeight : height)
        case 1, 2, 3:  // centimetres, inches, a ratio
            guard displayWidth > 0, displayHeight > 0 else { return (width, height) }
            let ratio = Double(displayWidth) / Double(displayHeight)
            let scaled = (Double(height) * ratio).rounded()
            return (1...Double(1 << 16)).contains(scaled) ? (Int(scaled), height) : (width, height)
        default: return (width, height)
        }
    }

    /// BlockAdditionMapping (RFC 9559, section 5.1.4.1.17, and its registry): configurations of layers stay, and light;
    /// time codes and unknown ones go.
    private mutating func readMapping(_ mapping: Ebml.Element) throws(CleaningError) {
        var type: UInt64 = 0
        var value: UInt64?
        for part in try Ebml.elements(source, mapping.body) {
            if part.id == 0x41E7 { type = try Ebml.unsigned(source, part) }
            if part.id == 0x41F0 { value = try Ebml.unsigned(source, part) }
        }
        let layers: Set<UInt64> = [0x6476_6343, 0x6476_7643, 0x6476_7743, 0x6876_6345, 0x6D76_6343, 0x6176_6345]
        if type == 4 {
            track.lightAdditions.insert(value ?? 1)
        } else if type == 0, value ?? 1 == 1, !track.alphaAdditions.isEmpty {
            return
        } else if !layers.contains(type) {
            track.changes[mapping.start] = .void
        }
    }
}
