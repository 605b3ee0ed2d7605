import Cleaning
package import Files
import Imaging
import MediaMessage

/// What is about to be sealed, and what the message will say about it.
struct PreparedFile: ~Copyable {
    let whole: WholeFile
    let media: Media
}

extension MediaClient {
    /// Writes what would leave the machine, unsealed; returns the path, nil for a stream.
    package func prepare(
        _ input: borrowing OpenFile, options: SendOptions, to target: OpenTarget, replacing: Bool
    ) throws(MediaClientError) -> String? {
        let (place, path) = try place(target, named: "prepared", replacing: replacing)
        let output = try output(place, replacing: replacing)
        let prepared = try prepare(input, options)
        try onFile(MediaClientError.output) { () throws(FileError) in
            try prepared.whole.file.seek(to: 0)
            try prepared.whole.file.copy(to: output.temporary.file)
        }
        try output.publish()
        return path
    }

    /// Makes what is to be sealed: a JPEG compressed or stripped, any other file as it is.
    func prepare(_ input: borrowing OpenFile, _ options: SendOptions) throws(MediaClientError) -> PreparedFile {
        let whole = try whole(input)
        let media = try describe(whole.file, options)
        if media.type == "image/jpeg" { return try preparePicture(whole.file, media, options) }
        return PreparedFile(whole: whole, media: media)
    }

    private func describe(_ input: borrowing OpenFile, _ options: SendOptions) throws(MediaClientError) -> Media {
        let (first, size) = try onFile(MediaClientError.input) { () throws(FileError) in
            (try input.bytes(MediaType.sniffedBytes, at: 0), try input.size())
        }
        let type = MediaType.sniff(first)
        switch type {
        case "image/jpeg": break
        // All that is in it can be read.
        case "text/plain": delegate.notify("\(type): sent as it is")
        default:
            delegate.warn(
                "warning: \(type): sent as it is; metadata in the file, such as the place where it was taken, is not "
                    + "removed")
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
            throw error.isDamage && !options.acceptsCorruption ? .damagedPicture(error) : .picture(error)
        }
        var media = original
        media.size = try onFile(MediaClientError.state) { () throws(FileError) in try output.file.size() }
        media.describe(picture, hasPreview: settings.hasPreview)
        delegate.notify(picture.summary(from: original.size, to: media.size))
        do { return PreparedFile(whole: try WholeFile(output), media: media) } catch { throw .state(error) }
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
            removed.isEmpty
            ? "no metadata found" : "metadata removed: \(removed.map(\.rawValue).joined(separator: ", "))"
        return "picture \(action), \(width) × \(height), \(before) → \(after) bytes; \(metadata)"
    }
}
