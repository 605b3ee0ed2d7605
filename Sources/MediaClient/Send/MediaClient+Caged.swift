import Cage
import Cleaning
import Files
import Imaging
import MediaMessage

/// What becomes of files that only a caged decoder reads.
extension MediaClient {
    /// Pictures of this type are decoded in the cage.
    static func isCaged(_ type: String) -> Bool { ["image/heic", "image/heif", "image/avif"].contains(type) }

    /// Makes a picture a JPEG, or copies it without its metadata; returns what was done.
    func convert(
        _ file: CleanedFile, _ traits: HEIFTraits, of input: borrowing OpenFile, to output: borrowing OpenFile,
        _ media: inout Media, _ options: SendOptions
    ) throws(MediaClientError) -> String {
        let outcome: CagedOutcome
        do throws(ImagingError) {
            outcome = try prepareCaged(
                input, displayed: file.size, traits: traits, quality: settings.quality, in: decoders, into: output)
        } catch {
            throw .picture(error)
        }
        switch outcome {
        case .compressed(let look):
            let before = FilePlan.shortName(of: media.type)
            media.type = "image/jpeg"
            media.name = options.name.text(type: media.type, noun: MediaType.noun(of: media.type))
            media.describe(look, hasPreview: settings.hasPreview)
            let removed = traits.hasGainMap ? file.removed.union([.hdr]) : file.removed
            media.removed = removed.sorted().map(\.rawValue)
            return "picture converted (\(before) to JPEG)"
        case .kept(let reason, let look):
            if let look { media.describe(look, hasPreview: settings.hasPreview) }
            return "\(try write(file, of: input, to: output, media)) only (\(reason))"
        }
    }

    /// Adds a look to what the message says of a picture or film that a caged decoder reads, where there is one.
    func addLook(
        to media: inout Media, _ input: borrowing OpenFile, _ source: SourceBytes, displayed: (width: Int, height: Int)?
    ) {
        let look: PictureLook?
        if Self.isCaged(media.type) {
            look = Imaging.look(atCaged: input, displayed, in: decoders)
        } else if media.type.hasPrefix("video/") {
            look = Imaging.look(atFilm: source, in: decoders)
        } else {
            look = nil
        }
        if let look {
            // A film's size is what its header says, whatever its frames have.
            let size = (media.width, media.height)
            media.describe(look, hasPreview: settings.hasPreview)
            if size.0 != nil { (media.width, media.height) = size }
        }
    }
}
