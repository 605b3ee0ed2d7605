/// What is to be told of a picture that is ready to be sealed.
package struct PreparedPicture: Sendable {
    /// Pixels across as displayed: after the orientation.
    package let width: Int
    /// Pixels down as displayed.
    package let height: Int
    package let treatment: Treatment
    /// Each at most once, in the order of the enumeration.
    package let removed: [RemovedMetadata]
    /// About 25 bytes that draw a coloured blur of the right shape; empty if the picture could not be decoded.
    package let thumbhash: [UInt8]
    /// A JPEG of at most 1,536 bytes and 72 pixels on its long edge; nil if the picture could not be decoded.
    package let preview: [UInt8]?
}

/// What was done to a picture.
package enum Treatment: Hashable, Sendable {
    /// Decoded, turned upright, scaled down to the quality's long edge and encoded anew.
    case compressed
    /// Copied marker by marker, less the metadata.
    case stripped(StrippingReason)
}

/// Why a picture was stripped rather than compressed.
package enum StrippingReason: Hashable, Sendable, CustomStringConvertible {
    /// The quality `original` asks for it.
    case asked
    case wouldNotShrink
    case cmyk
    case ycck
    case twelveBit
    /// Lossless or hierarchical: processes of the standard that next to no program decodes.
    case rareProcess
    /// A number of components that has no meaning of its own.
    case rareComponents(Int)

    package var description: String {
        switch self {
        case .asked: "kept every pixel, as asked"
        case .wouldNotShrink: "kept as it is, since compressing would not make it smaller"
        case .cmyk: "not compressed, since its colours are CMYK"
        case .ycck: "not compressed, since its colours are YCCK"
        case .twelveBit: "not compressed, since its samples have more than 8 bits"
        case .rareProcess: "not compressed, since it is lossless or hierarchical JPEG"
        case .rareComponents(let count): "not compressed, since it has \(count) colour components"
        }
    }
}
