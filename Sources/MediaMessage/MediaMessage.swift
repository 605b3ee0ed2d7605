package import Blobs

/// What is sent through the chat instead of the file: where the sealed blob is, the key that opens it, and enough to
/// show a placeholder before the file arrives. At most 4096 bytes of JSON.
///
/// It contains the key. Its description does not show it; its `key` and its encoding do.
package struct MediaMessage: Hashable, Sendable {
    /// The most bytes in a message, not counting white space around it.
    package static let limitBytes = 4096
    /// The most mirrors.
    package static let mirrorLimit = 8
    /// Bytes in a key.
    package static let keyBytes = 32

    /// Where to download the blob; nil only in a message that accompanies its blob (`satchel seal`).
    package var url: BlobURL?
    /// Other URLs of the same blob.
    package var mirrors: [BlobURL]
    /// SHA-256 of the sealed blob.
    package var address: BlobAddress
    /// Bytes of the sealed blob.
    package var size: Int64
    /// What proves each chunk of an indexed blob; nil for a blob without an index, and if the sender does not say.
    package var root: IndexRoot?
    /// When the blob expires: a hint for display, only the server knows.
    package var expires: Timestamp?
    /// 32 bytes, used for one file only.
    package var key: [UInt8]
    /// Lets a recipient report "delivered".
    package var receipt: Secret?
    package var media: Media

    package init(
        url: BlobURL?, mirrors: [BlobURL] = [], address: BlobAddress, size: Int64, root: IndexRoot? = nil,
        expires: Timestamp? = nil, key: [UInt8], receipt: Secret? = nil, media: Media
    ) {
        self.url = url
        self.mirrors = mirrors
        self.address = address
        self.size = size
        self.root = root
        self.expires = expires
        self.key = key
        self.receipt = receipt
        self.media = media
    }

    /// Compares contents; not for checking secrets against untrusted ones.
    package static func == (left: Self, right: Self) -> Bool {
        left.url == right.url && left.mirrors == right.mirrors && left.address == right.address
            && left.size == right.size && left.root == right.root && left.expires == right.expires
            && left.key == right.key && left.receipt?.bytes == right.receipt?.bytes && left.media == right.media
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(address) }
}

/// What the sender says about the file.
package struct Media: Hashable, Sendable {
    /// The media type, `image/jpeg`: lower case, without parameters (RFC 6838 §4.2).
    package var type: String
    /// Bytes of the plaintext.
    package var size: Int64
    /// A suggestion, never a path: see `safeFileName`.
    package var name: String?
    /// At most 1024 bytes.
    package var caption: String?
    /// A description for people who cannot see the picture; at most 512 bytes.
    package var alt: String?
    /// Pixels as displayed, 1…65535.
    package var width: Int?
    /// Pixels as displayed, 1…65535.
    package var height: Int?
    /// Seconds of audio or video.
    package var duration: Double?
    /// A blurred placeholder (ThumbHash), about 25 bytes, at most 32.
    package var thumbhash: [UInt8]?
    /// A JPEG of at most 1536 bytes, untrusted: decoded under the same limits as any picture.
    package var preview: [UInt8]?
    /// The kinds of metadata that the sender removed: short words such as `gps`, at most 32.
    package var removed: [String]

    package static let captionLimitBytes = 1024
    package static let altLimitBytes = 512
    package static let previewLimitBytes = 1536
    package static let thumbhashLimitBytes = 32
    package static let removedLimit = 32

    package init(
        type: String, size: Int64, name: String? = nil, caption: String? = nil, alt: String? = nil,
        width: Int? = nil, height: Int? = nil, duration: Double? = nil, thumbhash: [UInt8]? = nil,
        preview: [UInt8]? = nil, removed: [String] = []
    ) {
        self.type = type
        self.size = size
        self.name = name
        self.caption = caption
        self.alt = alt
        self.width = width
        self.height = height
        self.duration = duration
        self.thumbhash = thumbhash
        self.preview = preview
        self.removed = removed
    }
}

/// Descriptions may be logged: they identify the blob, and contain nothing that opens or describes it.
extension MediaMessage: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "media message for \(address.abbreviated)…" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["address": address.abbreviated]) }
}
