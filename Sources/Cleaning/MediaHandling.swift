/// The one door by media type: what has to happen to a file before it may leave.
package enum MediaHandling: Sendable {
    /// A JPEG, which is compressed or stripped by `Imaging`.
    case compressed
    /// Copied without what it tells beside its picture, film or sound.
    case cleaned(Cleaner)
    /// A picture, film or sound that nothing can be taken out of: it is not sent unless its sender says so.
    case closed
    /// A document, or anything else: it goes as it is.
    case document

    package typealias Cleaner = @Sendable (SourceBytes) throws(CleaningError) -> CleanedFile

    package init(of type: String) {
        if type == "image/jpeg" {
            self = .compressed
        } else if let clean = Self.cleaners[type] {
            self = .cleaned(clean)
        } else if type == "application/ogg" || !Self.documents.contains(type) && MediaType.noun(of: type) != "file" {
            self = .closed
        } else {
            self = .document
        }
    }

    private static let cleaners: [String: Cleaner] = [
        "audio/aac": AAC.clean,
        "audio/amr": AMR.clean,
        "audio/amr-wb": AMR.clean,
        "audio/flac": FLAC.clean,
        "audio/mp4": Film.clean,
        "audio/mpeg": MP3.clean,
        "audio/ogg": Ogg.clean,
        "audio/wav": WAV.clean,
        "image/avif": HEIF.clean,
        "image/bmp": BMP.clean,
        "image/gif": GIF.clean,
        "image/heic": HEIF.clean,
        "image/heif": HEIF.clean,
        "image/png": PNG.clean,
        "image/webp": WebP.clean,
        "video/3gpp": Film.clean,
        "video/3gpp2": Film.clean,
        "video/matroska": Matroska.clean,
        "video/mp4": Film.clean,
        "video/quicktime": Film.clean,
        "video/webm": Matroska.clean,
    ]

    /// Drawings in text, which anybody can read.
    private static let documents: Set<String> = ["image/svg+xml"]
}

extension MediaType {
    /// What people call a file of this type: picture, film, sound or file.
    package static func noun(of type: String) -> String {
        switch type.prefix(while: { $0 != "/" }) {
        case "image": "picture"
        case "video": "film"
        case "audio": "sound"
        default: "file"
        }
    }
}
