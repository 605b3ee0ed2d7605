package import Files
import Imaging
package import MediaMessage

/// What is about to be sealed, and what the message will say about it.
struct PreparedFile: ~Copyable {
    let file: OpenFile
    let media: Media
    /// Keeps the file if it is one of our own.
    private let spool: TemporaryFile?

    /// The input as it is.
    init(_ input: borrowing OpenFile, _ media: Media) throws(FileError) {
        file = try input.duplicate()
        self.media = media
        spool = nil
    }

    /// A file of our own.
    init(_ spool: consuming TemporaryFile, _ media: Media) throws(FileError) {
        file = try spool.file.duplicate()
        self.media = media
        self.spool = .some(spool)
    }
}

extension MediaClient {
    /// Writes what would leave the machine, unsealed, to `path`.
    package func prepare(
        _ input: borrowing OpenFile, options: SendOptions, to path: String, replacing: Bool
    ) throws(MediaClientError) -> Media {
        try refuseTaken(path, replacing: replacing)
        let target = try temporaryFile(beside: path)
        let prepared = try prepare(input, options)
        try onFile(MediaClientError.output) { () throws(FileError) in
            try prepared.file.seek(to: 0)
            try prepared.file.copy(to: target.file)
        }
        try publish(target, as: path, replacing: replacing)
        return prepared.media
    }

    /// Makes what is to be sealed: a JPEG compressed or stripped, any other file as it is.
    func prepare(_ input: borrowing OpenFile, _ options: SendOptions) throws(MediaClientError) -> PreparedFile {
        let status = try onFile(MediaClientError.input) { () throws(FileError) in try input.status() }
        if status.kind == .regular {
            let media = try describe(input, options)
            if media.type == "image/jpeg" { return try preparePicture(input, media, options) }
            return try onFile(MediaClientError.input) { () throws(FileError) in try PreparedFile(input, media) }
        }
        // A pipe can be read only once and has no size: it is spooled first.
        let whole = try spoolFile()
        try onFile(MediaClientError.input) { () throws(FileError) in try input.copy(to: whole.file) }
        let media = try describe(whole.file, options)
        if media.type == "image/jpeg" { return try preparePicture(whole.file, media, options) }
        do { return try PreparedFile(whole, media) } catch { throw .state(error) }
    }

    private func describe(_ input: borrowing OpenFile, _ options: SendOptions) throws(MediaClientError) -> Media {
        let (first, size) = try onFile(MediaClientError.input) { () throws(FileError) in
            (try input.bytes(MediaType.sniffedBytes, at: 0), try input.size())
        }
        let type = MediaType.sniff(first)
        if type != "image/jpeg" {
            delegate.notify("\(type): sent as it is; any metadata in the file is not removed")
        }
        return Media(type: type, size: size, name: options.name, caption: options.caption, alt: options.alt)
    }

    private func preparePicture(
        _ input: borrowing OpenFile, _ original: Media, _ options: SendOptions
    ) throws(MediaClientError) -> PreparedFile {
        let output = try spoolFile()
        let picture: PreparedPicture
        do {
            picture = try Imaging.preparePicture(
                input, into: output.file, quality: settings.quality, acceptsCorruption: options.acceptsCorruption)
        } catch {
            throw .picture(error)
        }
        var media = original
        media.size = try onFile(MediaClientError.state) { () throws(FileError) in try output.file.size() }
        media.describe(picture, hasPreview: settings.hasPreview)
        delegate.notify(picture.summary(from: original.size, to: media.size))
        do { return try PreparedFile(output, media) } catch { throw .state(error) }
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
    fileprivate func summary(from before: Int64, to after: Int64) -> String {
        let action =
            switch treatment {
            case .compressed: "compressed"
            case .stripped(let reason): "metadata stripped only (\(reason))"
            }
        let metadata =
            removed.isEmpty ? "no metadata found" : "metadata removed: \(removed.map(\.rawValue).joined(separator: ", "))"
        return "picture \(action), \(width) × \(height), \(before) → \(after) bytes; \(metadata)"
    }
}
