/// The limits for pictures that are not JPEG, besides those of `ImagingLimits`.
enum StillLimits {
    /// Of an edge, in pixels: the most that a message can tell.
    static let longestEdge = 65_535
    /// Pixels of what is held as a whole while it is decoded.
    static let heldPixels = 100_000_000
    /// Bytes of a WebP or GIF, which is read as a whole.
    static let fileBytes = 64 << 20
    /// The long edge that WebP can have, in pixels.
    static let webPLongEdge = 16_383
}
