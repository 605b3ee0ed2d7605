package import Cleaning

/// Rows of a picture from its top to its bottom, samples of 8 bits.
///
/// Each row is read once. An error ends the source: nothing may be read after it, and what was read before is not known
/// to be valid.
package protocol PixelSource: ~Copyable {
    /// What the rows hold; the same from the start to the end.
    var header: PixelHeader { get }
    /// Reads the next of `header.size.height` rows into `row`, which has `header.rowCount` samples.
    mutating func readRow(into row: inout [UInt8]) throws(ImagingError)
    /// Reads the rest, if any; only then is all of it known to be valid.
    mutating func finish() throws(ImagingError)
}

/// What a source of pixels is about to give.
package struct PixelHeader: Sendable {
    /// The size of the rows: before the orientation.
    package let size: PixelSize
    /// The size of the picture as stored, which is larger where the decoder itself scales.
    package let storedSize: PixelSize
    /// 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha. Alpha is straight: colours are not multiplied by it.
    package let components: Int
    /// Still to be applied.
    package let orientation: Orientation
    /// A profile that `CleanProfile` has made, of gray for 1 and 2 components, of RGB for 3 and 4; empty for sRGB.
    package let profile: [UInt8]
    /// Chroma has as many samples as luma.
    package let hasFullChroma: Bool

    package init(
        size: PixelSize, storedSize: PixelSize? = nil, components: Int, orientation: Orientation, profile: [UInt8],
        hasFullChroma: Bool
    ) {
        precondition((1...4).contains(components), "pixels have one to four components")
        (self.size, self.storedSize, self.components) = (size, storedSize ?? size, components)
        (self.orientation, self.profile, self.hasFullChroma) = (orientation, profile, hasFullChroma)
    }

    /// Samples of a row. Sizes are checked by decoders: the product is at most 300 million times four.
    package var rowCount: Int { size.width * components }
    package var hasAlpha: Bool { components == 2 || components == 4 }
}
