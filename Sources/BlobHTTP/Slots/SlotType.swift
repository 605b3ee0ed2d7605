/// What a slot's bytes are said to be, by the extension of the path that was asked for: no type is stored. Only what a
/// browser shows without running anything is on the list; whatever is not is `application/octet-stream`.
package enum SlotType: UInt8, CaseIterable, Sendable {
    case jpeg, png, gif, webP, avif, heic, mp4, webM, quickTime, mp3, mp4Audio, ogg, wav, text

    /// The type of a path's last segment; nil for none of these.
    package init?(path: String) {
        guard let type = Self.fileExtension(of: path).flatMap({ Self.byExtension[$0] }) else { return nil }
        self = type
    }

    package var mediaType: String {
        switch self {
        case .jpeg: "image/jpeg"
        case .png: "image/png"
        case .gif: "image/gif"
        case .webP: "image/webp"
        case .avif: "image/avif"
        case .heic: "image/heic"
        case .mp4: "video/mp4"
        case .webM: "video/webm"
        case .quickTime: "video/quicktime"
        case .mp3: "audio/mpeg"
        case .mp4Audio: "audio/mp4"
        case .ogg: "audio/ogg"
        case .wav: "audio/wav"
        case .text: "text/plain; charset=utf-8"
        }
    }

    /// The types with which clients ask for a slot of such a path. Those of HTML and others that are never served as
    /// such are among them.
    package static func usualTypes(ofPath path: String) -> [String] {
        guard let name = fileExtension(of: path) else { return [] }
        let served = byExtension[name].map { [$0 == .text ? "text/plain" : $0.mediaType] } ?? []
        return served + (others[name] ?? [])
    }

    /// In lower case; nil where the last segment has none.
    private static func fileExtension(of path: String) -> String? {
        let name = path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return nil }
        return name[name.index(after: dot)...].lowercased()
    }

    private static let byExtension: [String: SlotType] = [
        "jpg": .jpeg, "jpeg": .jpeg, "png": .png, "gif": .gif, "webp": .webP, "avif": .avif, "heic": .heic, "mp4": .mp4,
        "webm": .webM, "mov": .quickTime, "mp3": .mp3, "m4a": .mp4Audio, "ogg": .ogg, "oga": .ogg, "opus": .ogg,
        "wav": .wav, "txt": .text,
    ]

    private static let others: [String: [String]] = [
        "jpg": ["image/jpg"], "mp3": ["audio/mp3"], "m4a": ["audio/x-m4a", "audio/aac"],
        "ogg": ["video/ogg", "application/ogg"], "opus": ["audio/opus"], "wav": ["audio/x-wav", "audio/wave"],
        "webm": ["audio/webm"], "aac": ["audio/aac"], "flac": ["audio/flac", "audio/x-flac"], "3gp": ["video/3gpp"],
        "mkv": ["video/x-matroska"], "avi": ["video/x-msvideo"], "svg": ["image/svg+xml"], "bmp": ["image/bmp"],
        "heif": ["image/heif"], "pdf": ["application/pdf"], "zip": ["application/zip"], "gz": ["application/gzip"],
        "7z": ["application/x-7z-compressed"], "html": ["text/html"], "htm": ["text/html"], "css": ["text/css"],
        "csv": ["text/csv"], "json": ["application/json"], "xml": ["application/xml", "text/xml"],
        "md": ["text/markdown"], "vcf": ["text/vcard"], "ics": ["text/calendar"], "rtf": ["application/rtf"],
        "doc": ["application/msword"], "xls": ["application/vnd.ms-excel"], "ppt": ["application/vnd.ms-powerpoint"],
        "docx": ["application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
        "xlsx": ["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
        "pptx": ["application/vnd.openxmlformats-officedocument.presentationml.presentation"],
        "odt": ["application/vnd.oasis.opendocument.text"], "apk": ["application/vnd.android.package-archive"],
        "epub": ["application/epub+zip"],
    ]
}
