package import Cleaning

/// A picture that is ready to be sealed.
package struct PreparedPicture: Sendable {
    /// Pixels across as displayed: after the orientation.
    package let width: Int
    /// Pixels down as displayed.
    package let height: Int
    package let treatment: Treatment
    package let condition: PictureCondition
    /// Each at most once, in the order of the enumeration.
    package let removed: [RemovedMetadata]
    /// About 25 bytes for a blurred placeholder (ThumbHash); empty if the picture could not be decoded.
    package let thumbhash: [UInt8]
    /// A JPEG of at most 1,536 bytes and 72 pixels on its long edge; nil if the picture could not be decoded.
    package let preview: [UInt8]?
}

/// What was done to a picture.
package enum Treatment: Hashable, Sendable {
    /// Decoded, rotated upright, scaled down to the quality's long edge and encoded again.
    case compressed
    /// Decoded and encoded again at full size, with its orientation: a damaged picture of which no pixel was to change.
    case encodedAnew
    /// Copied segment by segment, without the metadata.
    case stripped(StrippingReason)
}

/// Why a picture was stripped rather than compressed.
package enum StrippingReason: Hashable, Sendable, CustomStringConvertible {
    /// The quality `original` asks for it.
    case asked
    case wouldNotShrink
    /// CMYK with a profile, and no library that reads it.
    case cmyk
    case ycck
    case twelveBit
    /// Lossless or hierarchical: modes of the standard that hardly any program decodes.
    case rareProcess
    /// A number of components without a defined meaning.
    case rareComponents(Int)

    package var description: String {
        switch self {
        case .asked: "every pixel kept, as requested"
        case .wouldNotShrink: "compression would not make it smaller"
        case .cmyk: "CMYK pictures with a profile are compressed only with liblcms2"
        case .ycck: "YCCK pictures with a profile are compressed only with liblcms2"
        case .twelveBit: "pictures with more than 8 bits per sample are not compressed"
        case .rareProcess: "lossless and hierarchical JPEG is not compressed"
        case .rareComponents(let count): "pictures with \(count) colour components are not compressed"
        }
    }
}

/// The quality of a sent picture.
package enum Quality: String, CaseIterable, Sendable {
    /// Long edge at most 1,600 pixels: a screenful.
    case standard
    /// Long edge at most 4,096 pixels: a print.
    case high
    /// Every pixel unchanged; only metadata is removed. Damaged pictures are encoded anew at full size.
    case original
}

/// What a quality means for the encoder.
struct Compression: Sendable {
    /// The maximum long edge, in pixels; smaller pictures keep their size.
    let longEdge: Int
    /// On libjpeg's scale of 1…100.
    let encoderQuality: Int
    /// A source with full chroma keeps it: drawings and screenshots look ragged otherwise.
    let keepsFullChroma: Bool
}

extension Compression {
    /// For damaged pictures of which no pixel was to change.
    static let repair = Compression(longEdge: .max, encoderQuality: 92, keepsFullChroma: true)
    /// Pictures of more pixels are streamed: a progressive one would be held in memory as a whole.
    static let mostHeldPixels = 4096 * 4096
}

extension Quality {
    /// Nil if not compressed at all.
    var compression: Compression? {
        switch self {
        case .standard: Compression(longEdge: 1600, encoderQuality: 80, keepsFullChroma: false)
        case .high: Compression(longEdge: 4096, encoderQuality: 88, keepsFullChroma: true)
        case .original: nil
        }
    }
}
