package import Blobs

/// What travels through the chat instead of the file: where the sealed blob is, the key that opens it, and enough to
/// draw its place in the conversation before it arrives. At most 4096 bytes of JSON.
///
/// It holds the key. Its description does not show it; its `key` and its encoding do.
package struct MediaMessage: Hashable, Sendable {
    /// The greatest number of bytes in a message, white space around it not counted.
    package static let limitBytes = 4096
    /// The greatest number of other places.
    package static let mirrorLimit = 8
    /// Bytes in a key.
    package static let keyBytes = 32

    /// Where to fetch; nil only in a message that goes with its blob in hand (`satchel seal`).
    package var url: BlobURL?
    /// Other places of the same blob.
    package var mirrors: [BlobURL]
    /// SHA-256 of the sealed blob.
    package var address: BlobAddress
    /// Bytes of the sealed blob.
    package var size: Int64
    /// When the blob may be gone: a hint for display, only the store knows.
    package var expires: Timestamp?
    /// 32 bytes: one file, one time.
    package var key: [UInt8]
    /// Lets a recipient say "delivered".
    package var receipt: Secret?
    package var media: Media

    package init(
        url: BlobURL?, mirrors: [BlobURL] = [], address: BlobAddress, size: Int64, expires: Timestamp? = nil,
        key: [UInt8], receipt: Secret? = nil, media: Media
    ) {
        self.url = url
        self.mirrors = mirrors
        self.address = address
        self.size = size
        self.expires = expires
        self.key = key
        self.receipt = receipt
        self.media = media
    }

    /// Two messages are the same if they say the same; not for checking secrets against a stranger's.
    package static func == (left: Self, right: Self) -> Bool {
        left.url == right.url && left.mirrors == right.mirrors && left.address == right.address
            && left.size == right.size && left.expires == right.expires && left.key == right.key
            && left.receipt?.bytes == right.receipt?.bytes && left.media == right.media
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(address) }
}

/// What the file is, as far as the sender tells.
package struct Media: Hashable, Sendable {
    /// The media type, `image/jpeg`: lower case, without parameters (RFC 6838 §4.2).
    package var type: String
    /// Bytes of the plaintext.
    package var size: Int64
    /// A hint, never a path: see `safeFileName`.
    package var name: String?
    /// At most 1024 bytes.
    package var caption: String?
    /// What the picture shows, for those who do not see it; at most 512 bytes.
    package var alt: String?
    /// Pixels as displayed, 1…65535.
    package var width: Int?
    /// Pixels as displayed, 1…65535.
    package var height: Int?
    /// Seconds of sound or film.
    package var duration: Double?
    /// A colour placeholder with the right shape, about 25 bytes, at most 32.
    package var thumbhash: [UInt8]?
    /// A JPEG of at most 1536 bytes, from a stranger: decoded under the same limits as any picture.
    package var preview: [UInt8]?
    /// What the sender's device took out: short words such as `gps`, at most 32.
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

/// Descriptions end up in logs: they say which blob, and nothing that opens or describes it.
extension MediaMessage: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "media message for \(address.abbreviated)…" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["address": address.abbreviated]) }
}
