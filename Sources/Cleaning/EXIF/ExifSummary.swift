/// What becomes of an EXIF block in a picture other than JPEG: only the orientation is kept, where it turns something.
struct ExifSummary {
    /// An orientation other than upright.
    let orientation: Orientation?
    /// The block that is written instead; nil for none.
    let kept: [UInt8]?
    let removed: Set<RemovedMetadata>

    /// The most bytes of a block that are looked at for words and orientation: what counts is at its start.
    static let readBytes = 1 << 20

    init(_ block: ArraySlice<UInt8>) {
        let reader = ExifReader(block)
        orientation = reader.orientation == .upright ? nil : reader.orientation
        kept = orientation.map(ExifReader.minimal)
        // In one with nothing but the orientation, bytes that no entry names have no word.
        removed = reader.removed.isEmpty && block.count > 64 ? [.other] : reader.removed
    }
}
