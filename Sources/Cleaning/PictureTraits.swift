/// What has to be known of a cleaned picture to decode it, and to decide on its form.
package struct PictureTraits: Sendable {
    package enum Format: Hashable, Sendable { case png, webP, gif, bmp }

    package let format: Format
    /// What its cleaned copy still says; pixels are stored before it is applied.
    package var orientation = Orientation.upright
    /// The profile of its cleaned copy; empty where the colours are sRGB.
    package var profile: [UInt8] = []
    /// More than one frame.
    package var isAnimated = false
    /// Every pixel is as it was drawn.
    package var isLossless = true
    /// Its colours are told in a way that no other format has: by gAMA, cHRM or cICP of a space other than sRGB.
    package var hasOtherColours = false

    package init(_ format: Format) { self.format = format }
}
