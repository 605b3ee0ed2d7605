package import Files

/// Why a picture could not be prepared.
package enum ImagingError: Error, Hashable, Sendable, CustomStringConvertible {
    case notJPEG
    /// The file ends before the picture does.
    case truncated
    /// What libjpeg, or the marker reader, found wrong, so that nothing can be read.
    case corrupt(String)
    /// Some of the picture is missing. The rest is there for those who accept that.
    case incomplete(PictureLoss)
    /// The file is damaged, and can only be sent as it is, less what does not belong. The reason why.
    case unsound(StrippingReason)
    case tooManyPixels(limit: Int)
    case tooManyScans(limit: Int)
    case outOfMemory(limitBytes: Int)
    case unsupported(String)
    case file(FileError)
    /// The picture exceeds its byte limit.
    case full

    package var description: String {
        switch self {
        case .notJPEG: "this is not a JPEG picture"
        case .truncated: "the picture is incomplete: its file ends too early"
        case .corrupt(let reason): "the picture is damaged: \(reason)"
        case .incomplete(let loss): loss.description
        case .unsound(let reason): "the file is damaged, and \(reason)"
        case .tooManyPixels(let limit): "the picture has more than \(limit / 1_000_000) million pixels"
        case .tooManyScans(let limit): "the picture has more than \(limit) scans"
        case .outOfMemory(let limit): "decoding the picture takes more than \(limit >> 20) MiB of memory"
        case .unsupported(let reason): "the picture cannot be decoded: \(reason)"
        case .file(let error): error.description
        case .full: "the picture does not fit"
        }
    }
}

extension ImagingError {
    /// Whoever accepts damage gets a picture.
    package var isDamage: Bool {
        switch self {
        case .incomplete, .unsound: true
        default: false
        }
    }
}

/// The limits for all pictures.
enum ImagingLimits {
    static let pixels = 300_000_000
    static let scans = 200
    /// Bytes that libjpeg may allocate for one picture.
    static let memoryBytes = 256 << 20
    /// Marker segments in one file. Real files have fewer than a hundred besides those of their scans.
    static let segments = 20_000
    /// How much of the data after a picture is searched for a gain map, in chunks.
    static let trailingChunksRead = 64
    static let trailingChunkBytes = 1 << 14
    static let previewBytes = 1536
    static let previewLongEdge = 72
    /// The long edge of a received preview, in pixels.
    static let receivedPreviewLongEdge = 1024
    /// The size that the published ThumbHash algorithm requires.
    static let thumbhashLongEdge = 100
}
