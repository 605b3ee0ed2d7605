/// What is left of a file that was cleaned, what went, and what a message may say of it.
package struct CleanedFile: Sendable {
    package var copy = CleanCopy()
    /// What the original told beside its picture, film or sound.
    package var removed: Set<RemovedMetadata> = []
    /// Pixels across and down, as displayed; nil for sound.
    package var size: (width: Int, height: Int)?
    /// Seconds of the longest track, where it has a duration.
    package var seconds: Double?
    /// Its last frame of sound is not all there, and was left out.
    package var isCutShort = false
    /// Of a picture that can be decoded by one of the client's own readers.
    package var picture: PictureTraits?

    package init() {}

    /// What a sender should know; nil if there is nothing.
    package var notice: String? {
        isCutShort ? "the file was cut short; its last frame of sound is not whole, and was left out" : nil
    }
}

/// Kinds of metadata removed from a file, in the words of the media message, version 1 (`media.removed`).
package enum RemovedMetadata: String, CaseIterable, Comparable, Sendable {
    /// Where it was taken.
    case gps
    /// Maker, model, lens and serial numbers.
    case camera
    /// A small copy of the picture, which may show what was later cropped away.
    case thumbnail
    /// The EXIF block of a JPEG without a word of its own: times, exposure, software, author.
    case exif
    case makernote
    case xmp
    case iptc
    /// A JPEG's comment.
    case comment
    /// The index of a file with more than one picture.
    case mpf
    /// The gain map of a high dynamic range picture.
    case hdr
    /// Data after the end: most often a video.
    case trailing
    /// A colour profile that was incomplete, too large or of another colour space.
    case icc
    /// Titles, authors, descriptions, comments, tags, lyrics.
    case text
    /// Times of creation and change.
    case time
    /// The programs, handlers and compressors that made it.
    case encoder
    /// Timed tracks of measurements: position, motion, camera.
    case telemetry
    /// What a colour profile told of a display or device beside its colours.
    case profile
    /// A map of distances, or a matte.
    case depth
    /// The picture of an album, or an attached one.
    case cover
    /// Anything else.
    case other

    package static func < (one: RemovedMetadata, other: RemovedMetadata) -> Bool { one.rank < other.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
