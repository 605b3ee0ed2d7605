/// What becomes of an element of Matroska (RFC 9559, section 5).
enum MatroskaRule {
    /// It stays as it is: a number, of at most 8 bytes.
    case keep
    /// It stays as it is: at most 64 letters, digits and what names of codecs and languages have beside them.
    case name
    /// It stays where it names a language: by BCP 47 (RFC 5646), or by ISO 639-2.
    case language(isTag: Bool)
    /// It stays as it is: bytes that a decoder needs, at most so many.
    case binary(Int)
    /// It stays, and so do those of its children that are in the table.
    case master([UInt32: MatroskaRule])
    /// A mandatory text: it becomes an empty one of the same size.
    case blank
    /// It becomes Void, and told this; nil for what tells nothing.
    case void(RemovedMetadata?)
    /// The film cannot be cleaned with it.
    case refuse(String)

    static func keeping(_ ids: UInt32...) -> [UInt32: MatroskaRule] {
        Dictionary(uniqueKeysWithValues: ids.map { ($0, .keep) })
    }
}

/// IDs that more than one part of the cleaner asks for.
enum MatroskaID {
    static let ebml: UInt32 = 0x1A45_DFA3
    static let segment: UInt32 = 0x1853_8067
    static let seekHead: UInt32 = 0x114D_9B74
    static let info: UInt32 = 0x1549_A966
    static let tracks: UInt32 = 0x1654_AE6B
    static let cluster: UInt32 = 0x1F43_B675
    static let cues: UInt32 = 0x1C53_BB6B
    static let attachments: UInt32 = 0x1941_A469
    static let chapters: UInt32 = 0x1043_A770
    static let tags: UInt32 = 0x1254_C367

    static let topLevel: Set = [seekHead, info, tracks, cluster, cues, attachments, chapters, tags]
    /// What a SeekHead may point at.
    static let kept: Set = [seekHead, info, tracks, cluster, cues]
}

/// Tables of what stays. Every ID that is in none becomes Void.
enum MatroskaRules {
    static let info: [UInt32: MatroskaRule] = [
        0x2AD7B1: .keep,  // TimestampScale
        0x4489: .keep,  // Duration
        0x4D80: .blank,  // MuxingApp
        0x5741: .blank,  // WritingApp
        0x4461: .void(.time),  // DateUTC
        0x7BA9: .void(.text),  // Title
        0x7384: .void(.text), 0x3C83AB: .void(.text), 0x3E83BB: .void(.text),  // file names: own, previous, next
        0x73A4: .void(.other), 0x3CB923: .void(.other), 0x3EB923: .void(.other),  // UUIDs: own, previous, next
    ]

    static let header: [UInt32: MatroskaRule] = MatroskaRule.keeping(
        0x4286, 0x42F7, 0x42F2, 0x42F3, 0x4287, 0x4285
    ).merging([0x4282: .name]) { $1 }  // DocType

    static let track: [UInt32: MatroskaRule] = {
        // Number, type, flags, caches, durations, scale, maximal addition, decode all, overlay, delay, pre-roll. UID and CodecPrivate are looked at by the reader of tracks.
        var rules = MatroskaRule.keeping(
            0xD7, 0x83, 0xB9, 0x88, 0x55AA, 0x55AB, 0x55AC, 0x55AD, 0x55AE, 0x55AF, 0x9C, 0x6DE7, 0x6DF8, 0x23E383,
            0x234E7A, 0x23314F, 0x55EE, 0xAA, 0x6FAB, 0x56AA, 0x56BB)
        rules[0x86] = .name  // CodecID
        rules[0x22B59C] = .language(isTag: false)
        rules[0x22B59D] = .language(isTag: true)
        rules[0x536E] = .void(.text)  // Name
        for id: UInt32 in [0x258688, 0x3A9697, 0x3B4040, 0x26B240] { rules[id] = .void(.encoder) }  // CodecName and kin
        rules[0xE0] = .master(video)
        rules[0xE1] = .master(audio)
        rules[0x41E4] = .master([0x41F0: .keep, 0x41E7: .keep, 0x41ED: .binary(1 << 16), 0x41A4: .void(.text)])
        rules[0x6D80] = .master([0x6240: .master(encoding)])
        rules[0xE2] = .refuse("tracks made of others (TrackOperation)")
        return rules
    }()

    private static let video: [UInt32: MatroskaRule] = {
        var rules = MatroskaRule.keeping(
            0x9A, 0x9D, 0x53B8, 0x53C0, 0x53B9, 0xB0, 0xBA, 0x54AA, 0x54BB, 0x54CC, 0x54DD, 0x54B0, 0x54BA, 0x54B2,
            0x54B3, 0x2EB524, 0x2FB523, 0x2383E3)
        var colour = MatroskaRule.keeping(
            0x55B1, 0x55B2, 0x55B3, 0x55B4, 0x55B5, 0x55B6, 0x55B7, 0x55B8, 0x55B9, 0x55BA, 0x55BB, 0x55BC, 0x55BD)
        colour[0x55D0] = .master(
            MatroskaRule.keeping(0x55D1, 0x55D2, 0x55D3, 0x55D4, 0x55D5, 0x55D6, 0x55D7, 0x55D8, 0x55D9, 0x55DA))
        rules[0x55B0] = .master(colour)
        // Projection
        rules[0x7670] = .master([0x7671: .keep, 0x7672: .binary(1 << 16), 0x7673: .keep, 0x7674: .keep, 0x7675: .keep])
        return rules
    }()

    private static let audio = MatroskaRule.keeping(0xB5, 0x78B5, 0x9F, 0x6264, 0x52F1)

    /// ContentEncoding: order, scope, type, compression; nothing encrypted.
    private static let encoding: [UInt32: MatroskaRule] = [
        0x5031: .keep, 0x5032: .keep, 0x5033: .keep, 0x5034: .master([0x4254: .keep, 0x4255: .binary(64)]),
        0x5035: .refuse("encrypted tracks"),
    ]

    static let cluster: [UInt32: MatroskaRule] = [
        0xE7: .keep, 0xA7: .keep, 0xAB: .keep, 0x5854: .void(nil),  // Timestamp, Position, PrevSize, SilentTracks
        0xAF: .refuse("encrypted blocks"),
    ]

    static let blockGroup: [UInt32: MatroskaRule] = [
        // Block … ReferenceBlock, DiscardPadding
        0xA1: .binary(.max), 0x9B: .keep, 0xFA: .keep, 0xFB: .keep, 0x75A2: .keep,
        // virtual ones, Slices, ReferenceFrame
        0xFD: .keep, 0xA2: .void(.other), 0x8E: .void(nil), 0xC8: .void(nil),
        0xA4: .refuse("codecs that change within a track (CodecState)"),
    ]

    static let cuePositions = MatroskaRule.keeping(0xF7, 0xF1, 0xF0, 0xB2, 0x5378, 0xEA)
}
