/// `text` made safe for a terminal: control and format characters, including bidirectional ones, become `_`.
package func printable(_ text: String) -> String {
    replacing(text) { _ in false }
}

/// A safe name for a received file: a single path part, never hidden, never an option, at most 200 bytes, in Unicode
/// Normalization Form C, with an extension that matches `mediaType`.
///
/// `hint` comes from the message. Separators, control and format characters, a leading `-` or `.`, and a trailing dot
/// or space become `_`. Several characters in a row that look like nothing become one space.
package func safeFileName(hint: String?, mediaType: String) -> String {
    let limitBytes = 200
    let normal = String(decoding: (hint ?? "")._nfcCodeUnits, as: UTF8.self)
    let harmless = trimmedEnds(withoutGaps(replacing(normal) { $0 == "/" || $0 == "\\" }))
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

/// What looks like nothing, however much of it there is, would push an ending out of sight.
private func withoutGaps(_ name: String) -> String {
    var result = String.UnicodeScalarView()
    var rest = Substring(name).unicodeScalars
    while let scalar = rest.popFirst() {
        let gap =
            isEmpty(scalar) ? rest.prefix { isEmpty($0) || $0.properties.isDefaultIgnorableCodePoint } : rest.prefix(0)
        rest = rest.dropFirst(gap.count)
        result.append(gap.isEmpty ? scalar : " ")
    }
    return String(result)
}

/// Takes room and shows nothing: white space, an empty Braille cell, a filler of Hangul.
private func isEmpty(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || ["\u{2800}", "\u{115F}", "\u{1160}", "\u{3164}", "\u{FFA0}"].contains(scalar)
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
package func missingExtension(_ name: String, _ mediaType: String) -> String? {
    guard let known = FileExtensions.byType[mediaType], let first = known.first else { return nil }
    guard let own = fileExtension(of: name) else { return first }
    return known.contains(own.lowercased()) ? nil : first
}

/// The part after the last dot, if there is something before it.
package func fileExtension(of name: String) -> String? {
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return nil }
    let text = name[name.index(after: dot)...]
    return text.isEmpty ? nil : String(text)
}

/// The file extensions of each media type, the usual one first.
package enum FileExtensions {
    package static let byType: [String: [String]] = [
        "application/epub+zip": ["epub"],
        "application/gzip": ["gz", "tgz"],
        "application/json": ["json"],
        "application/ogg": ["ogx"],
        "application/pdf": ["pdf"],
        "application/vnd.oasis.opendocument.graphics": ["odg"],
        "application/vnd.oasis.opendocument.presentation": ["odp"],
        "application/vnd.oasis.opendocument.spreadsheet": ["ods"],
        "application/vnd.oasis.opendocument.text": ["odt"],
        "application/vnd.openxmlformats-officedocument.presentationml.presentation": ["pptx"],
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ["xlsx"],
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ["docx"],
        "application/x-7z-compressed": ["7z"],
        "application/x-xz": ["xz", "txz"],
        "application/zip": ["zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub", "apk", "jar"],
        "application/zstd": ["zst"],
        "audio/aac": ["aac"],
        "audio/aiff": ["aiff", "aif", "aifc"],
        "audio/amr": ["amr"],
        "audio/amr-wb": ["awb", "amr"],
        "audio/flac": ["flac"],
        "audio/mp4": ["m4a", "m4b", "mp4"],
        "audio/mpeg": ["mp3"],
        "audio/ogg": ["ogg", "oga", "opus", "spx"],
        "audio/wav": ["wav"],
        "image/avif": ["avif"],
        "image/bmp": ["bmp", "dib"],
        "image/gif": ["gif"],
        "image/heic": ["heic", "heif"],
        "image/heic-sequence": ["heics", "heic"],
        "image/heif": ["heif", "heic"],
        "image/heif-sequence": ["heifs", "heif"],
        "image/jp2": ["jp2"],
        "image/jpeg": ["jpg", "jpeg", "jpe", "jfif"],
        "image/jxl": ["jxl"],
        "image/png": ["png", "apng"],
        "image/svg+xml": ["svg"],
        "image/tiff": ["tiff", "tif", "dng", "nef", "cr2", "arw", "pef"],
        "image/webp": ["webp"],
        "image/x-canon-cr3": ["cr3"],
        "text/plain": ["txt", "text", "log", "md", "csv"],
        "video/3gpp": ["3gp", "3gpp"],
        "video/3gpp2": ["3g2"],
        "video/iso.segment": ["m4s"],
        "video/matroska": ["mkv"],
        "video/mp2t": ["ts", "mts", "m2ts"],
        "video/mp4": ["mp4", "m4v"],
        "video/mpeg": ["mpg", "mpeg"],
        "video/ogg": ["ogv", "ogg"],
        "video/quicktime": ["mov", "qt"],
        "video/webm": ["webm"],
        "video/x-flv": ["flv"],
        "video/x-matroska": ["mkv"],
        "video/x-ms-asf": ["wmv", "wma", "asf"],
        "video/x-msvideo": ["avi"],
    ]
}
