package import Files
import Imaging
package import MediaMessage

/// What the sender says of a file.
package struct SendOptions: Sendable {
    /// The name that goes into the message; nil for none.
    package var name: String?
    package var caption: String?
    package var alt: String?
    /// Damaged pictures are sent as far as they can be read.
    package var acceptsCorruption: Bool
    /// Each recipient gets a message, and a receipt secret, of their own.
    package var hasRecipientSecrets: Bool
    /// It is tried for as long as it takes.
    package var untilSent: Bool

    package init(
        name: String? = nil, caption: String? = nil, alt: String? = nil, acceptsCorruption: Bool = false,
        hasRecipientSecrets: Bool = false, untilSent: Bool = false
    ) {
        self.name = name
        self.caption = caption
        self.alt = alt
        self.acceptsCorruption = acceptsCorruption
        self.hasRecipientSecrets = hasRecipientSecrets
        self.untilSent = untilSent
    }
}

extension MediaClient {
    /// Makes what leaves the machine, and writes it, unsealed, to `path`.
    package func prepare(
        _ input: borrowing OpenFile, options: SendOptions, to path: String, replacing: Bool
    ) throws(MediaClientError) -> Media {
        try refuseTaken(path, replacing: replacing)
        let target = try onFile(MediaClientError.output) { () throws(FileError) in
            try TemporaryFile(in: parentFolder(of: path))
        }
        let media = try withPlaintext(of: input, options) { plaintext, media throws(MediaClientError) in
            try onFile(MediaClientError.output) { () throws(FileError) in
                try plaintext.seek(to: 0)
                try plaintext.copy(to: target.file)
            }
            return media
        }
        try publish(target, as: path, replacing: replacing)
        return media
    }

    /// Lends what is to be sealed: a JPEG compressed or stripped, any other file as it is; and what is to be said of it.
    func withPlaintext<Result>(
        of input: borrowing OpenFile, _ options: SendOptions,
        _ body: (borrowing OpenFile, Media) throws(MediaClientError) -> Result
    ) throws(MediaClientError) -> Result {
        let status = try onFile(MediaClientError.input) { () throws(FileError) in try input.status() }
        guard status.kind == .regular else {
            // A pipe is read once and cannot be measured: it goes to the spool first.
            let whole = try spoolFile()
            try onFile(MediaClientError.input) { () throws(FileError) in try input.copy(to: whole.file) }
            return try withMedia(of: whole.file, options, body)
        }
        return try withMedia(of: input, options, body)
    }

    private func withMedia<Result>(
        of input: borrowing OpenFile, _ options: SendOptions,
        _ body: (borrowing OpenFile, Media) throws(MediaClientError) -> Result
    ) throws(MediaClientError) -> Result {
        let (first, size) = try onFile(MediaClientError.input) { () throws(FileError) in
            (try input.bytes(MediaType.sniffedBytes, at: 0), try input.size())
        }
        let type = MediaType.sniff(first)
        var media = Media(type: type, size: size, name: options.name, caption: options.caption, alt: options.alt)
        guard type == "image/jpeg" else {
            audience.say("\(type), sent as it is: what the file says of you (its metadata) was not touched")
            return try body(input, media)
        }
        let output = try spoolFile()
        let picture: PreparedPicture
        do {
            picture = try preparePicture(
                input, into: output.file, quality: settings.quality, acceptsCorruption: options.acceptsCorruption)
        } catch {
            throw .picture(error)
        }
        media.size = try onFile(MediaClientError.state) { () throws(FileError) in try output.file.size() }
        media.describe(picture, hasPreview: settings.hasPreview)
        audience.say(picture.sentence(from: size, to: media.size))
        return try body(output.file, media)
    }
}

extension Media {
    fileprivate mutating func describe(_ picture: PreparedPicture, hasPreview: Bool) {
        width = picture.width
        height = picture.height
        thumbhash = picture.thumbhash.isEmpty ? nil : picture.thumbhash
        preview = hasPreview ? picture.preview : nil
        removed = picture.removed.map(\.rawValue)
    }
}

extension PreparedPicture {
    /// What was done, in words.
    fileprivate func sentence(from before: Int64, to after: Int64) -> String {
        let deed =
            switch treatment {
            case .compressed: "compressed"
            case .stripped(let reason): "only stripped (\(reason))"
            }
        let gone =
            removed.isEmpty
            ? "nothing had to be removed" : "removed: \(removed.map(\.rawValue).joined(separator: ", "))"
        return "picture \(deed), \(width) × \(height), \(before) → \(after) bytes; \(gone)"
    }
}
