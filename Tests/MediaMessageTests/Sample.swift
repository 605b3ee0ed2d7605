import Blobs
import MediaMessage
import Testing

/// Pieces of messages that the tests put together.
enum Sample {
    static let hex = String(repeating: "3f", count: 32)
    static let url = "https://media.example/\(hex)"
    static let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    static let receipt = "AAECAwQFBgcICQoLDA0ODw"
    static let root = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8"

    /// Every required field; each can be replaced, added to, or left out with nil.
    static let fields: [(String, String?)] = [
        ("v", "1"), ("url", "\"\(url)\""), ("sha256", "\"\(hex)\""), ("size", "5244224"), ("key", "\"\(key)\""),
        ("media", #"{"type":"image/jpeg","size":182344}"#),
    ]

    /// The JSON of a message with these fields changed.
    static func json(_ changes: [(String, String?)] = []) -> String {
        var fields = fields
        for change in changes {
            if let index = fields.firstIndex(where: { $0.0 == change.0 }) {
                fields[index] = change
            } else {
                fields.append(change)
            }
        }
        return "{" + fields.compactMap { name, value in value.map { "\"\(name)\":\($0)" } }.joined(separator: ",") + "}"
    }

    /// The JSON of a message whose media has this more in it.
    static func json(media: String) -> String {
        json([("media", #"{"type":"image/jpeg","size":182344,\#(media)}"#)])
    }

    /// A message that has every field.
    static func full() throws -> MediaMessage {
        let address = try #require(BlobAddress(hex: hex))
        return MediaMessage(
            url: BlobURL(url), mirrors: [try #require(BlobURL("http://[2001:db8::1]:8080/a/b/\(hex).jpg"))],
            address: address, size: 5_244_224, root: IndexRoot(bytes: 32..<64),
            expires: Timestamp(seconds: 1_790_000_000), key: [UInt8](0..<32),
            receipt: Secret(bytes: 0..<16),
            media: Media(
                type: "image/jpeg", size: 182_344, name: "beach \"1\".jpg", caption: "Sun\n\u{1}\\ 🏖️",
                alt: "A beach", width: 1600, height: 1200, duration: 12.4, thumbhash: [1, 2, 3, 4, 5],
                preview: [0xff, 0xd8, 0xff, 0xd9], removed: ["gps", "camera"]))
    }
}
