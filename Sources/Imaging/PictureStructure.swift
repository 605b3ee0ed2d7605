import Cleaning

/// What the markers of a JPEG say, without decoding it.
struct PictureStructure: Sendable {
    /// The one frame header.
    struct Frame: Sendable {
        let marker: JPEGMarker
        /// Bits in a sample.
        let precision: Int
        let size: PixelSize
        let componentIdentifiers: [UInt8]
    }

    /// How components represent colours.
    enum ColourModel: Sendable { case gray, ycc, rgb, cmyk, ycck, unknown }

    var frame: Frame?
    /// What a stripped copy keeps of the file: segments on the allow-list with their data.
    var copied = CopiedParts()
    var scanCount = 0
    /// The file has a JFIF segment that decoders respect.
    var hasJFIF = false
    /// The transform of the Adobe segment; nil without one.
    var adobeTransform: UInt8?
    var orientation: Orientation?
    /// The colour profile, anew from its colours alone; empty where the picture needs none or has none that fits.
    var profile: [UInt8] = []
    var removed: Set<RemovedMetadata> = []
    /// Where the picture ends: behind its end marker, before what makes no sense, or with the file.
    var end: Int64 = 0
    /// Something is not as it should be: bytes outside any segment, a segment with a wrong length, no end marker.
    var isDamaged = false

    /// The rules of libjpeg (`default_decompress_parms`), which viewers share: JFIF means YCbCr, else Adobe's
    /// transform decides, else the component identifiers.
    var colourModel: ColourModel {
        guard let frame else { return .unknown }
        switch frame.componentIdentifiers.count {
        case 1: return .gray
        case 3:
            if hasJFIF { return .ycc }
            if let adobeTransform { return adobeTransform == 0 ? .rgb : .ycc }
            return frame.componentIdentifiers == Array("RGB".utf8) ? .rgb : .ycc
        case 4: return (adobeTransform ?? 0) == 0 ? .cmyk : .ycck
        default: return .unknown
        }
    }

    /// The samples are CMYK or YCCK, and a decoder reads them.
    var hasInks: Bool { obstacle == .cmyk || obstacle == .ycck }

    /// Why the picture cannot be compressed as it is; nil if it can.
    var obstacle: StrippingReason? {
        guard let frame else { return nil }
        if frame.marker.isRareProcess { return .rareProcess }
        if frame.precision != 8 { return .twelveBit }
        return switch colourModel {
        case .gray, .ycc, .rgb: nil
        case .cmyk: .cmyk
        case .ycck: .ycck
        case .unknown: .rareComponents(frame.componentIdentifiers.count)
        }
    }

    /// libjpeg can decode it, possibly as CMYK.
    var isDecodable: Bool {
        switch obstacle {
        case nil, .cmyk, .ycck: true
        default: false
        }
    }

    /// The colours that a fitting profile describes.
    var profileColours: PictureColours? {
        switch colourModel {
        case .gray: .gray
        case .ycc, .rgb: .rgb
        case .cmyk, .ycck: .cmyk
        case .unknown: nil
        }
    }
}

/// A marker code: the byte after 0xFF (ITU-T T.81, table B.1).
struct JPEGMarker: Hashable, Sendable {
    let code: UInt8

    static let startOfImage = JPEGMarker(code: 0xD8)
    static let endOfImage = JPEGMarker(code: 0xD9)
    static let startOfScan = JPEGMarker(code: 0xDA)
    static let quantizationTables = JPEGMarker(code: 0xDB)
    static let restartInterval = JPEGMarker(code: 0xDD)
    static let huffmanTables = JPEGMarker(code: 0xC4)
    static let arithmeticConditioning = JPEGMarker(code: 0xCC)
    static let comment = JPEGMarker(code: 0xFE)

    static func application(_ number: UInt8) -> JPEGMarker { JPEGMarker(code: 0xE0 + number) }

    /// SOF0…SOF15, except the three codes in between that mean something else.
    var isFrame: Bool { 0xC0...0xCF ~= code && code != 0xC4 && code != 0xC8 && code != 0xCC }
    /// Lossless, differential or both: only the markers of these are understood here.
    var isRareProcess: Bool { isFrame && code & 3 == 3 || 0xC5...0xC7 ~= code || 0xCD...0xCF ~= code }
    var isArithmetic: Bool { isFrame && code > 0xC8 }
    var isApplication: Bool { 0xE0...0xEF ~= code }
    var isRestart: Bool { 0xD0...0xD7 ~= code }
    /// Has no length and no data.
    var isAlone: Bool { isRestart || code == 0x01 || code == 0xD8 || code == 0xD9 }
    /// Codes that libjpeg passes over inside coded data if a restart is due.
    var isPassedOver: Bool { 0x01...0xBF ~= code }
    /// Reserved codes, which no decoder accepts.
    var isReserved: Bool { 0x02...0xBF ~= code || code == 0xC8 || 0xF0...0xFD ~= code }

    /// Says nothing that decoding needs: an application's segment, or a comment.
    var isSkipped: Bool { isApplication || self == .comment }

    /// Copied into a stripped picture unchanged, with the entropy-coded data that may follow.
    var isCopied: Bool {
        switch self {
        case .quantizationTables, .huffmanTables, .arithmeticConditioning, .restartInterval, .startOfScan: true
        default: isFrame
        }
    }
}
