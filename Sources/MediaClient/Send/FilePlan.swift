import Cleaning
import Files
import Imaging
import MediaMessage

/// What becomes of a file before it is sealed, decided before anything of it is written.
struct FilePlan: ~Copyable {
    enum Rewriting {
        /// Copied without its metadata; then, where it is a picture, made smaller if its quality asks for that.
        case cleaning(CleanedFile)
        /// Made a JPEG by a caged decoder, or else copied without its metadata.
        case converting(CleanedFile, HEIFTraits)
        /// Compressed, or stripped, as a JPEG.
        case compressing
    }

    let whole: WholeFile
    /// What the message will say, as far as that is known.
    let media: Media
    /// Nil for what is sealed bit for bit.
    let rewriting: Rewriting?

    /// Bytes of what is sealed; nil where only compressing tells.
    var size: Int64? {
        switch rewriting {
        case nil: media.size
        case .cleaning(let file): file.picture == nil ? file.copy.size : nil
        case .compressing, .converting: nil
        }
    }
}

/// What is about to be sealed, and what the message will say about it.
struct PreparedFile: ~Copyable {
    let whole: WholeFile
    let media: Media
}

extension Media {
    mutating func describe(_ picture: PreparedPicture, hasPreview: Bool) {
        width = picture.width
        height = picture.height
        thumbhash = picture.thumbhash.isEmpty || !hasPreview ? nil : picture.thumbhash
        preview = hasPreview ? picture.preview : nil
    }

    mutating func describe(_ look: PictureLook, hasPreview: Bool) {
        (width, height) = (look.width, look.height)
        thumbhash = look.thumbhash.isEmpty || !hasPreview ? nil : look.thumbhash
        preview = hasPreview ? look.preview : nil
    }

    /// Size and duration as far as a message can say them.
    mutating func describe(_ file: CleanedFile) {
        if let size = file.size, (1...65_535).contains(size.width), (1...65_535).contains(size.height) {
            (width, height) = size
        }
        if let seconds = file.seconds, seconds.isFinite, (0...Self.longestSeconds).contains(seconds) {
            duration = (seconds * 100).rounded() / 100
        }
    }

    /// Longer ones are no honest film: a century.
    private static let longestSeconds = 100.0 * 366 * 86_400

    /// `1080 × 1920, 12.4 s`, as far as it is known.
    var dimensions: String {
        let size = width.flatMap { width in height.map { "\(width) × \($0)" } }
        return [size, duration.map { "\($0) s" }].compactMap { $0 }.joined(separator: ", ")
    }
}

extension FilePlan {
    /// What was done, in words: `film cleaned, 1080 × 1920, 12.4 s, 18234112 → 18221900 bytes; removed: gps, time`.
    /// Of a file that stays as it was: `film: nothing to remove, 1080 × 1920, 12.4 s, 18221900 bytes`.
    static func summary(_ action: String, _ media: Media, from before: Int64) -> String {
        let cleaned = "\(MediaType.noun(of: media.type)) cleaned"
        if media.removed.isEmpty, media.size == before, action.hasPrefix(cleaned) {
            // Why it is not compressed either may stand behind.
            let why = action.dropFirst(cleaned.count).drop { $0 != "(" }
            let what = "\(cleaned.prefix { $0 != " " }): nothing to remove\(why.isEmpty ? "" : " \(why)")"
            return [what, media.dimensions, "\(media.size) bytes"].filter { !$0.isEmpty }.joined(separator: ", ")
        }
        let words = media.removed.isEmpty ? "no metadata found" : "removed: \(media.removed.joined(separator: ", "))"
        let parts = [action, media.dimensions, "\(before) → \(media.size) bytes"].filter { !$0.isEmpty }
        return "\(parts.joined(separator: ", ")); \(words)"
    }

    /// What people call a picture of this type: PNG, WebP, HEIC.
    static func shortName(of type: String) -> String {
        type == "image/webp" ? "WebP" : type.drop { $0 != "/" }.dropFirst().uppercased()
    }

    /// What a file that is sent bit for bit gives away, in words; nil where it cannot be read.
    static func warning(_ media: Media, _ told: Set<RemovedMetadata>?) -> String {
        let words = told.map {
            $0.isEmpty ? "no metadata found" : "it tells: \($0.sorted().map(\.rawValue).joined(separator: ", "))"
        }
        let what = [media.type, media.dimensions].filter { !$0.isEmpty }.joined(separator: ", ")
        return "warning: \(what): sent as it is; \(words ?? "what it tells is not known here")"
    }
}

extension PreparedStill {
    /// What was done to a picture of `type`.
    func action(_ type: String) -> String {
        let before = FilePlan.shortName(of: type)
        switch form {
        case .stripped(.small): return "picture cleaned"
        case .stripped(let reason): return "picture cleaned (\(reason))"
        case .jpeg: return "picture compressed (\(before) to JPEG)"
        case .webP(true) where before == "WebP": return "picture compressed (without loss)"
        case .webP(true): return "picture compressed (\(before) to WebP, without loss)"
        case .webP(false): return "picture compressed (\(before) to WebP)"
        }
    }
}

extension PreparedPicture {
    var action: String {
        switch treatment {
        case .compressed: "picture compressed"
        case .encodedAnew: "picture encoded anew at full size"
        case .stripped(let reason): "picture cleaned only (\(reason))"
        }
    }
}
