package import Files

/// Why a picture could not be prepared.
package enum ImagingError: Error, Hashable, Sendable, CustomStringConvertible {
    case notJPEG
    /// The file ends before the picture does.
    case truncated
    /// What libjpeg, or the reader of the markers, found wrong.
    case corrupt(String)
    case tooManyPixels(limit: Int)
    case tooManyScans(limit: Int)
    case outOfMemory(limitBytes: Int)
    case unsupported(String)
    case file(FileError)
    /// A picture that was to fit into so many bytes takes more.
    case full

    package var description: String {
        switch self {
        case .notJPEG: "not a JPEG picture"
        case .truncated: "the picture is cut short: its file ends before it does"
        case .corrupt(let reason): "the picture is damaged: \(reason)"
        case .tooManyPixels(let limit): "the picture has more than \(limit / 1_000_000) million pixels"
        case .tooManyScans(let limit): "the picture has more than \(limit) scans"
        case .outOfMemory(let limit): "the picture takes more than \(limit >> 20) MiB of memory to decode"
        case .unsupported(let reason): "the picture cannot be decoded: \(reason)"
        case .file(let error): error.description
        case .full: "the picture does not fit"
        }
    }
}
