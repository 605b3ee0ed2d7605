/// What the markers of a JPEG tell without decoding it.
struct PictureStructure: Sendable {
    /// The one frame header.
    struct Frame: Sendable {
        let marker: JPEGMarker
        /// Bits in a sample.
        let precision: Int
        let size: PixelSize
        let componentIdentifiers: [UInt8]
    }

    /// How the components make up colours.
    enum ColourModel: Sendable { case gray, ycc, rgb, cmyk, ycck, unknown }

    var frame: Frame?
    /// What a stripped copy takes from the file, in order: markers of the allow-list with what belongs to them.
    var copiedRanges: [Range<Int64>] = []
    var scanCount = 0
    /// The file has a JFIF segment that decoders heed.
    var hasJFIF = false
    /// The transform of the Adobe segment; nil without one.
    var adobeTransform: UInt8?
    var orientation: Orientation?
    /// The colour profile, if it is whole and fits the colours.
    var profile: [UInt8] = []
    var removed: Set<RemovedMetadata> = []
    /// The end of the picture was found.
    var isComplete = false

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

    /// Why the picture cannot be compressed; nil if it can.
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

    /// libjpeg can give the pixels, be it as CMYK.
    var isDecodable: Bool {
        switch obstacle {
        case nil, .cmyk, .ycck: true
        default: false
        }
    }

    /// What an ICC profile of this picture has in its header's colour space field (ICC.1:2022, table 19).
    var profileSpace: String? {
        switch colourModel {
        case .gray: "GRAY"
        case .ycc, .rgb: "RGB "
        case .cmyk, .ycck: "CMYK"
        case .unknown: nil
        }
    }
}
