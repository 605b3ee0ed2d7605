package import Blobs
import MediaMessage
package import Transfer

/// A "delivered" to be said to the server that a message named.
package struct DeliveryReceipt: Sendable {
    /// The blob's own place there: `<base>/<sha256>`.
    package let place: WebURL
    /// What admits the receipt; it came with the message.
    package let secret: Secret
    /// The host was allowed for this one message: public addresses only.
    package let requiresPublicAddress: Bool
    /// When the file was here, whole and verified.
    package let at: Timestamp

    package init(place: WebURL, secret: Secret, requiresPublicAddress: Bool, at: Timestamp) {
        self.place = place
        self.secret = secret
        self.requiresPublicAddress = requiresPublicAddress
        self.at = at
    }

    /// `PUT /<sha256>/receipts/<recipient>`: the server learns the receipt secret, which it has the hash of, and a name
    /// that means nothing elsewhere.
    func request(to recipient: Recipient) -> HTTPRequest {
        HTTPRequest(
            .put, place.appending("receipts").appending(recipient.base64url),
            fields: [HTTPField("Satchel-Secret", secret.base64url)], requiresPublicAddress: requiresPublicAddress)
    }
}

/// A receipt as a file: one line of JSON.
///
///     {"v":1,"at":…,"place":"https://media.example/<sha256>","secret":"<22 base64url>","addresses":"public"}
///
/// `addresses` is `any` where the host is one of the configuration.
extension DeliveryReceipt {
    init?(parsing bytes: [UInt8]) {
        guard let members = JSONMembers(bytes), members.integer("v") == 1, let at = members.moment("at"),
            let place = members.text("place").flatMap({ WebURL($0) }), place.query == nil,
            BlobAddress(hex: place.lastPathPart) != nil, let secret = members.secret("secret"),
            let addresses = members.text("addresses"), ["public", "any"].contains(addresses)
        else { return nil }
        self.init(place: place, secret: secret, requiresPublicAddress: addresses == "public", at: at)
    }

    var text: String {
        var line = JSONWriter()
        line.add("v", integer: 1)
        line.add("at", integer: at.seconds)
        line.add("place", string: place.description)
        line.add("secret", string: secret.base64url)
        line.add("addresses", string: requiresPublicAddress ? "public" : "any")
        return line.text + "\n"
    }
}
