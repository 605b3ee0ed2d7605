/// `text` as it can be shown on a terminal: control and format characters, bidirectional ones among them, become `_`.
package func printable(_ text: String) -> String {
    replacing(text) { _ in false }
}

/// The name under which a file from a stranger may be written beside its target: one path part, never hidden, never an
/// option, at most 200 bytes, in Unicode Normalization Form C, with an extension that agrees with `mediaType`.
///
/// `hint` is what the message said. Separators, control and format characters, a leading `-` or `.`, a trailing dot or
/// space become `_`.
package func safeFileName(hint: String?, mediaType: String) -> String {
    let limitBytes = 200
    let normal = String(decoding: (hint ?? "")._nfcCodeUnits, as: UTF8.self)
    let harmless = trimmedEnds(replacing(normal) { $0 == "/" || $0 == "\\" })
    let suffix = missingExtension(harmless, mediaType).map { "." + $0 } ?? ""
    let stem = harmless.isEmpty ? fallbackStem : harmless
    if stem.utf8.count + suffix.utf8.count <= limitBytes { return stem + suffix }
    return shortened(stem, suffix, limitBytes)
}

/// The name where the hint leaves none.
private let fallbackStem = "media"

/// Cuts whole characters off the stem, never off an extension that agrees with the type.
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
        default: result.append(isUnwanted(scalar) ? "_" : scalar)
        }
    }
    return String(result)
}

/// The extension to add, or nil where the name's own agrees with the type or the type says nothing about it.
private func missingExtension(_ name: String, _ mediaType: String) -> String? {
    guard let known = MediaTypes.extensions[mediaType], let first = known.first else { return nil }
    guard let own = fileExtension(of: name) else { return first }
    return known.contains(own.lowercased()) ? nil : first
}

/// What follows the last dot, if something stands before it.
private func fileExtension(of name: String) -> String? {
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return nil }
    let text = name[name.index(after: dot)...]
    return text.isEmpty ? nil : String(text)
}
