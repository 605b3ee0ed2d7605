/// `text` made safe for a terminal: control and format characters, including bidirectional ones, become `_`.
package func printable(_ text: String) -> String {
    replacing(text) { _ in false }
}

/// A safe name for a received file: a single path part, never hidden, never an option, at most 200 bytes, in Unicode
/// Normalization Form C, with an extension that matches `mediaType`.
///
/// `hint` comes from the message. Separators, control and format characters, a leading `-` or `.`, and a trailing dot
/// or space become `_`.
package func safeFileName(hint: String?, mediaType: String) -> String {
    let limitBytes = 200
    let normal = String(decoding: (hint ?? "")._nfcCodeUnits, as: UTF8.self)
    let harmless = trimmedEnds(replacing(normal) { $0 == "/" || $0 == "\\" })
    let suffix = missingExtension(harmless, mediaType).map { "." + $0 } ?? ""
    let stem = harmless.isEmpty ? fallbackStem : harmless
    if stem.utf8.count + suffix.utf8.count <= limitBytes { return stem + suffix }
    return shortened(stem, suffix, limitBytes)
}

/// The name if the hint is empty.
private let fallbackStem = "media"

/// Removes whole characters from the stem, never from an extension that matches the type.
private func shortened(_ stem: String, _ suffix: String, _ limitBytes: Int) -> String {
    var stem = stem
    var suffix = suffix
    if suffix.isEmpty, let own = fileExtension(of: stem), own.utf8.count <= 16 {
        suffix = "." + own
        stem.removeLast(own.count + 1)
    }
    while stem.utf8.count + suffix.utf8.count > limitBytes { stem.removeLast() }
    if stem.isEmpty { stem = fallbackStem }
    return (suffix.isEmpty ? trimmedEnds(stem) : stem) + suffix
}

private func trimmedEnds(_ name: String) -> String {
    var scalars = Array(name.unicodeScalars)
    if let first = scalars.first, first == "-" || first == "." { scalars[0] = "_" }
    if let last = scalars.last, last == "." || last.properties.isWhitespace { scalars[scalars.count - 1] = "_" }
    return String(String.UnicodeScalarView(scalars))
}

private func replacing(_ text: String, _ isUnwanted: (Unicode.Scalar) -> Bool) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: result.append("_")
        // Paths write bytes that are not UTF-8 as these: a message could smuggle such bytes into a name.
        case _ where (0x10_FF80...0x10_FFFF).contains(scalar.value): result.append("_")
        default: result.append(isUnwanted(scalar) ? "_" : scalar)
        }
    }
    return String(result)
}

/// The extension to add; nil if the name has one that matches the type, or none is known for the type.
private func missingExtension(_ name: String, _ mediaType: String) -> String? {
    guard let known = MediaTypes.extensions[mediaType], let first = known.first else { return nil }
    guard let own = fileExtension(of: name) else { return first }
    return known.contains(own.lowercased()) ? nil : first
}

/// The part after the last dot, if there is something before it.
private func fileExtension(of name: String) -> String? {
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return nil }
    let text = name[name.index(after: dot)...]
    return text.isEmpty ? nil : String(text)
}

/// The file extensions of each media type, the usual one first.
package enum MediaTypes {
    package static let extensions: [String: [String]] = [
        "application/gzip": ["gz", "tgz"],
        "application/json": ["json"],
        "application/pdf": ["pdf"],
        "application/zip": ["zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub", "apk", "jar"],
        "audio/flac": ["flac"],
        "audio/mp4": ["m4a", "mp4"],
        "audio/mpeg": ["mp3"],
        "audio/ogg": ["ogg", "oga", "opus"],
        "audio/wav": ["wav"],
        "image/avif": ["avif"],
        "image/bmp": ["bmp"],
        "image/gif": ["gif"],
        "image/heic": ["heic", "heif"],
        "image/heif": ["heif", "heic"],
        "image/jpeg": ["jpg", "jpeg", "jpe", "jfif"],
        "image/jxl": ["jxl"],
        "image/png": ["png"],
        "image/svg+xml": ["svg"],
        "image/tiff": ["tiff", "tif", "dng"],
        "image/webp": ["webp"],
        "text/plain": ["txt", "text", "log", "md", "csv"],
        "video/mp4": ["mp4", "m4v"],
        "video/mpeg": ["mpg", "mpeg"],
        "video/quicktime": ["mov", "qt"],
        "video/webm": ["webm"],
        "video/x-matroska": ["mkv"],
        "video/x-msvideo": ["avi"],
    ]
}
