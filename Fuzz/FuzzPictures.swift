import Cleaning
import Files

@testable import Imaging

/// A picture from anywhere.
///
/// It ends in an error, or in a picture that says nothing of its sender and can be read again. Large ones are left out:
/// they are a matter of time, which tests hold in bounds.
func fuzzPictures(_ bytes: [UInt8]) {
    _ = MediaType.sniff(bytes)
    do {
        let input = try scratchPicture(bytes)
        for (quality, forced) in [(Quality.standard, false), (.original, false), (.standard, true), (.original, true)] {
            try checkPrepared(input, quality, forced: forced)
        }
    } catch {
        preconditionFailure("the harness cannot work: \(error)")
    }
    if let (width, height) = try? checkPreview(bytes) {
        check(max(width, height) <= ImagingLimits.receivedPreviewLongEdge, "a preview is small")
    }
}

private let mostPixels = 1 << 20

private func checkPrepared(_ input: borrowing OpenFile, _ quality: Quality, forced: Bool) throws(FileError) {
    let output = try scratchPicture([])
    do throws(ImagingError) {
        let structure = try StructureReader.read(input)
        guard let frame = structure.frame, frame.size.width * frame.size.height <= mostPixels else { return }
        let picture = try preparePicture(input, into: output, quality: quality, acceptsCorruption: forced)
        check(picture.width > 0 && picture.height > 0, "a picture has pixels")
        check(picture.thumbhash.count <= 32, "a thumbhash is short")
        if let preview = picture.preview {
            check(preview.count <= ImagingLimits.previewBytes, "a preview fits")
            check((try? checkPreview(preview)) != nil, "a preview can be read")
        }
        if case .stripped = picture.treatment {
            check(picture.condition == .sound || forced, "damage is not copied, unless that is accepted")
            // What libjpeg does not decode is copied by its markers alone, and whoever reads it again is told so.
            if !structure.isDecodable { return }
        }
        try checkAgain(output, as: picture)
    } catch {
        check(!"\(error)".isEmpty, "every error says something")
    }
}

/// Throws nothing of its own: what came out must be taken again.
private func checkAgain(_ output: borrowing OpenFile, as picture: PreparedPicture) throws(ImagingError) {
    let second: OpenFile
    do throws(FileError) { second = try scratchPicture([]) } catch { throw .file(error) }
    do throws(ImagingError) {
        let again = try preparePicture(output, into: second, quality: .original)
        check(again.condition == .sound, "what came out is whole")
        check(again.removed.isEmpty, "nothing is left that tells of the sender")
        check(again.width == picture.width && again.height == picture.height, "its size is the one that was told")
    } catch {
        check(false, "what came out can be read again: \(error)")
    }
}

private func scratchPicture(_ bytes: [UInt8]) throws(FileError) -> OpenFile {
    let file = try OpenFile.unnamed(in: "/dev/shm")
    try file.write(bytes, at: 0)
    return file
}
