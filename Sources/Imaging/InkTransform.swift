import CLCMS

/// Turns CMYK into sRGB by the profile of the inks, with Little CMS.
///
/// The profile is one that the room of cleaning has written anew, so the library reads no stranger's bytes as they came.
@safe final class InkTransform {
    private let inks: OpaquePointer

    /// Nil if the library is not installed, or makes nothing of the profile.
    init?(_ profile: [UInt8]) {
        // Safe: the library copies what it keeps.
        guard Self.isLoaded, !profile.isEmpty, let inks = unsafe clcms_inks_create(profile, profile.count) else {
            return nil
        }
        unsafe self.inks = inks
    }

    deinit { unsafe clcms_inks_destroy(inks) }

    static let isLoaded = clcms_load()

    /// Converts a row of 4 bytes a pixel, which are 255 less the ink if `isInverted`, to 3.
    func convert(_ row: [UInt8], isInverted: Bool) -> [UInt8] {
        let pixels = row.count / 4
        var converted = [UInt8](repeating: 0, count: 3 * pixels)
        // Safe: both rows hold as many pixels as the library is told.
        unsafe clcms_inks_convert(inks, row, &converted, UInt32(pixels), isInverted)
        return converted
    }
}
