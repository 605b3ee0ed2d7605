import Blobs
import MediaMessage
import Transfer

/// A place for one upload, as a chat server gives it to its users (XEP-0363 §4), written down as JSON:
///
///     {"put": "https://…", "get": "https://…", "headers": {"Authorization": "…"}, "type": "image/jpeg"}
///
/// `headers` and `type` may be missing. What else there is is passed over.
package struct ChatSlot: Sendable {
    /// The most bytes of its JSON.
    package static let limitBytes: Int64 = 64 << 10
    /// The only fields that a slot may ask for; others are not sent (XEP-0363 §4).
    private static let names = ["authorization": "Authorization", "cookie": "Cookie", "expires": "Expires"]

    let put: WebURL
    private let get: String
    /// What the request has besides its length.
    let fields: [HTTPField]

    /// Throws `.slot`.
    package init(parsing bytes: [UInt8]) throws(MediaClientError) {
        guard let members = JSONMembers(bytes) else { throw .slot("it is not a JSON object") }
        guard let put = members.text("put") else { throw .slot("it has no \"put\"") }
        guard let get = members.text("get") else { throw .slot("it has no \"get\"") }
        // Some read an `@` as the end of a user's name.
        guard let url = WebURL(put.replacing("@", with: "%40")) else { throw .slot("its \"put\" is not a plain URL") }
        guard AESGCMLink(to: get, nonce: Self.anyNonce, key: Self.anyKey) != nil else {
            throw .slot("its \"get\" is not an https URL of a file")
        }
        let type = members.text("type") ?? "application/octet-stream"
        guard Self.isPlain(type) else { throw .slot("its \"type\" has control characters, or others than ASCII") }
        self.put = url
        self.get = get
        fields = try [HTTPField("Content-Type", type)] + Self.fields(members)
    }

    /// The link to the file in this slot.
    func link(nonce: [UInt8], key: [UInt8]) throws(MediaClientError) -> AESGCMLink {
        guard let link = AESGCMLink(to: get, nonce: nonce, key: key) else { throw .slot("its \"get\" has no link") }
        return link
    }

    private static let anyNonce = [UInt8](repeating: 0, count: 12)
    private static let anyKey = [UInt8](repeating: 0, count: 32)

    private static func fields(_ members: JSONMembers) throws(MediaClientError) -> [HTTPField] {
        guard members.has("headers") else { return [] }
        guard let headers = members.texts("headers") else { throw .slot("its \"headers\" are not texts by name") }
        var fields: [String: HTTPField] = [:]
        for (name, value) in headers {
            // Both without line breaks, whatever the server writes (XEP-0363 §4).
            let name = withoutBreaks(name).lowercased()
            guard let allowed = names[name] else { continue }
            let value = withoutBreaks(value)
            guard isPlain(value), !value.isEmpty else {
                throw .slot("its \(allowed) is empty, or has control characters or others than ASCII")
            }
            guard fields.updateValue(HTTPField(allowed, value), forKey: name) == nil else {
                throw .slot("it has \(allowed) twice")
            }
        }
        return fields.sorted { $0.key < $1.key }.map(\.value)
    }

    private static func withoutBreaks(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0 != "\r" && $0 != "\n" }))
    }

    private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { (0x20...0x7e).contains($0) } }
}

/// Descriptions may be logged: what admits the upload is not in them.
extension ChatSlot: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "slot at \(put.origin)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
