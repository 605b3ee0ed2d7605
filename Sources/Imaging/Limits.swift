/// The limits for pictures from anywhere.
enum Limits {
    static let pixels = 300_000_000
    static let scans = 200
    /// Bytes that libjpeg may hold for one picture.
    static let memoryBytes = 256 << 20
    static let profileBytes = 1 << 20
    /// Marker segments in one file. Real ones have fewer than a hundred beside those of their scans.
    static let segments = 20_000
    /// How far into what follows a picture its kind is looked for, in chunks.
    static let trailingChunksRead = 64
    static let trailingChunkBytes = 1 << 14
    static let previewBytes = 1536
    static let previewLongEdge = 72
    /// Pixels on the long edge of what a stranger calls a preview.
    static let strangersPreviewLongEdge = 1024
    /// The size the published ThumbHash algorithm asks for.
    static let thumbhashLongEdge = 100
}
