@testable import Cleaning

/// An ICC profile or an EXIF block from anywhere: what is written in its place is taken again, tells nothing, and stays.
func fuzzProfiles(_ bytes: [UInt8]) {
    for colours in [PictureColours.gray, .rgb, .cmyk] {
        guard case .rebuilt(let once) = CleanProfile(bytes[...], of: colours).replacement else { continue }
        let again = CleanProfile(once[...], of: colours)
        check(again.replacement == .rebuilt(once), "a profile that was made anew stays as it is")
        check(again.removed.isEmpty, "a profile that was made anew tells nothing")
    }
    let exif = ExifSummary(bytes[...])
    if let kept = exif.kept {
        let again = ExifSummary(kept[...])
        check(again.kept == kept && again.removed.isEmpty, "EXIF that is kept is an orientation alone")
    }
    if let inflated = Inflater.zlib(bytes[...], limit: 1 << 16) {
        check(Inflater.zlib(Deflater.zlib(inflated)[...], limit: 1 << 16) == inflated, "what is deflated comes back")
    }
}
