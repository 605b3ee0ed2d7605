import Cleaning
import Files

@testable import Imaging

/// A PNG, WebP, GIF or BMP from anywhere, cleaned, decoded and encoded again: it ends in an error, or in a form whose type
/// is what it says.
func fuzzStills(_ bytes: [UInt8]) {
    do {
        let input = try OpenFile.unnamed(in: "/dev/shm")
        try input.write(bytes, at: 0)
        let clean = try OpenFile.unnamed(in: "/dev/shm")
        guard let traits = cleaned(input, MediaType.sniff(bytes), into: clean) else { return }
        for quality in Quality.allCases {
            let output = try OpenFile.unnamed(in: "/dev/shm")
            let still = try prepareStill(clean, traits, into: output, quality: quality)
            if let look = still.look {
                check(look.width > 0 && look.height > 0, "a picture has pixels")
                check(look.thumbhash.count <= 32, "a thumbhash is short")
                if let preview = look.preview { check((try? checkPreview(preview)) != nil, "a preview can be read") }
            }
            var start = [UInt8](repeating: 0, count: 64)
            start.removeLast(64 - (try output.read(into: &start, at: 0)))
            check(still.form.type.map { MediaType.sniff(start) == $0 } ?? start.isEmpty, "its type is what it says")
        }
    } catch let error as ImagingError {
        check(!error.description.isEmpty, "every error says something")
    } catch {
        preconditionFailure("the harness cannot work: \(error)")
    }
}

private let mostPixels = 1 << 16

/// Writes the clean copy of a picture that has few pixels; nil where it is refused.
private func cleaned(
    _ input: borrowing OpenFile, _ type: String, into output: borrowing OpenFile
) -> PictureTraits? {
    guard case .cleaned(let clean) = MediaHandling(of: type), let source = try? SourceBytes(input),
        let file = try? clean(source), let traits = file.picture, let size = file.size,
        size.width * size.height <= mostPixels, (try? file.copy.write(from: input, to: output)) != nil
    else { return nil }
    return traits
}
