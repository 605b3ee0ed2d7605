import Cleaning

/// What one application segment or comment contains.
struct SegmentContent {
    private(set) var removed: Set<RemovedMetadata> = []
    private(set) var isJFIF = false
    private(set) var adobeTransform: UInt8?
    private(set) var orientation: Orientation?
    private(set) var profileChunk: ArraySlice<UInt8>?

    init(_ marker: JPEGMarker, _ payload: [UInt8]) {
        switch marker {
        case .application(0): readJFIF(payload)
        case .application(1): readExifOrXMP(payload)
        case .application(2): readProfileOrPictures(payload)
        case .application(13): removed = payload.starts(with: Array("Photoshop".utf8)) ? [.iptc] : [.other]
        case .application(14): readAdobe(payload)
        case .comment: removed = [.comment]
        case let marker where marker.isApplication: removed = [.other]
        default: break
        }
    }

    /// JFIF (ITU-T T.871, 10.1) ends with a thumbnail's width and height; JFXX is a thumbnail.
    private mutating func readJFIF(_ payload: [UInt8]) {
        if payload.starts(with: Array("JFIF".utf8) + [0]) && payload.count >= 14 {
            isJFIF = true
            if payload[12] > 0 && payload[13] > 0 { removed = [.thumbnail] }
        } else {
            removed = payload.starts(with: Array("JFXX".utf8) + [0]) ? [.thumbnail] : [.other]
        }
    }

    private mutating func readExifOrXMP(_ payload: [UInt8]) {
        if payload.starts(with: ExifReader.label) {
            let exif = ExifReader(payload[...])
            orientation = exif.orientation
            removed = Set(exif.removed.map(Self.wordInJPEG))
        } else if payload.starts(with: Array("http://ns.adobe.com/x".utf8)) {
            removed = Self.mentionsGainMap(payload) ? [.xmp, .hdr] : [.xmp]
        } else {
            removed = [.other]
        }
    }

    /// `exif` stands for all of a JPEG's block that has had no word of its own from the first.
    private static func wordInJPEG(_ word: RemovedMetadata) -> RemovedMetadata {
        switch word {
        case .time, .encoder, .text, .profile, .other: .exif
        default: word
        }
    }

    private mutating func readProfileOrPictures(_ payload: [UInt8]) {
        if payload.starts(with: ColourProfile.label) {
            profileChunk = payload.dropFirst(ColourProfile.label.count)
        } else if payload.starts(with: Array("MPF".utf8) + [0]) {
            removed = [.mpf]
        } else if payload.starts(with: Array("urn:iso:std:iso:ts:21496:-1".utf8)) {
            removed = [.hdr]
        } else {
            removed = [.other]
        }
    }

    /// `Adobe`, a version, two words of flags, and the colour transform in its twelfth byte.
    private mutating func readAdobe(_ payload: [UInt8]) {
        if payload.starts(with: Array("Adobe".utf8)) && payload.count >= 12 {
            adobeTransform = payload[11]
        } else {
            removed = [.other]
        }
    }

    /// The names of gain maps by Adobe and Google, Apple, and ISO.
    static func mentionsGainMap(_ bytes: [UInt8]) -> Bool {
        ["hdr-gain-map", "GainMap", "hdrgainmap", "HDRGainMap", "iso:ts:21496"].contains {
            bytes.contains(Array($0.utf8))
        }
    }
}

extension [UInt8] {
    /// Whether `wanted`, which is not empty, occurs in these bytes.
    fileprivate func contains(_ wanted: [UInt8]) -> Bool {
        guard count >= wanted.count else { return false }
        for start in 0...count - wanted.count where self[start] == wanted[0] {
            var length = 1
            while length < wanted.count && self[start + length] == wanted[length] { length += 1 }
            if length == wanted.count { return true }
        }
        return false
    }
}
