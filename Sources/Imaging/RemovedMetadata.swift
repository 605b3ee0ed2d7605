/// What was taken out of a picture, in the words of the media message, version 1 (`media.removed`).
package enum RemovedMetadata: String, CaseIterable, Comparable, Sendable {
    /// Where it was taken.
    case gps
    /// Maker, model, lens and serial numbers.
    case camera
    /// A small copy of the picture, which may show what was later cropped away.
    case thumbnail
    /// EXIF other than what has a word of its own: times, exposure, software, author.
    case exif
    case makernote
    case xmp
    case iptc
    case comment
    /// The index of a file that holds more than one picture.
    case mpf
    /// The gain map of a high dynamic range picture.
    case hdr
    /// Whatever followed the end of the picture: a film, most often.
    case trailing
    /// A colour profile that was incomplete, too large or of another colour space.
    case icc
    /// An application segment that is none of these.
    case other

    package static func < (one: RemovedMetadata, other: RemovedMetadata) -> Bool { one.rank < other.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
