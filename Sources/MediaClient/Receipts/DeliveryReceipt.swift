package import Blobs
import MediaMessage
package import Transfer

/// A "delivered" for the server that a message named.
package struct DeliveryReceipt: Sendable {
    /// The blob's URL there: `<base>/<sha256>`.
    package let place: WebURL
    package let address: BlobAddress
    /// Admits the receipt; it came with the message.
    package let secret: Secret
    /// The host was allowed for this one message: public addresses only.
    package let requiresPublicAddress: Bool
    /// When the file had arrived, whole and verified.
    package let at: Timestamp

    package init(place: WebURL, address: BlobAddress, secret: Secret, requiresPublicAddress: Bool, at: Timestamp) {
        self.place = place
        self.address = address
        self.secret = secret
        self.requiresPublicAddress = requiresPublicAddress
        self.at = at
    }

    /// `PUT /<sha256>/receipts/<recipient>`: reveals the receipt secret, whose hash the server has, and a name that
    /// means nothing anywhere else.
    func request(from person: Secret) -> HTTPRequest {
        let recipient = Recipient(person: person, address: address, receipt: secret)
        return HTTPRequest(
            .put, place.appending("receipts").appending(recipient.base64url),
            fields: [HTTPField("Satchel-Secret", secret.base64url)], requiresPublicAddress: requiresPublicAddress)
    }
}

/// A receipt as a file: one line of JSON.
///
///     {"v":1,"at":…,"place":"https://media.example/<sha256>","secret":"<22 base64url>","addresses":"public"}
///
/// `addresses` is `any` if the host is one from the configuration.
extension DeliveryReceipt {
    init?(parsing bytes: [UInt8]) {
        guard let members = JSONMembers(bytes), members.integer("v") == 1, let at = members.timestamp("at"),
            let place = members.text("place").flatMap({ WebURL($0) }), place.query == nil,
            let address = BlobAddress(hex: place.lastPathPart), let secret = members.secret("secret"),
            let addresses = members.text("addresses"), ["public", "any"].contains(addresses)
        else { return nil }
        self.init(
            place: place, address: address, secret: secret, requiresPublicAddress: addresses == "public", at: at)
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

/// What becomes of a receipt after an attempt to deliver it.
enum ReceiptOutcome: Hashable, Sendable {
    case delivered
    /// The server will never accept it.
    case refused
    /// It may be accepted later: the network or the server failed, or a proxy intervened.
    case waits

    /// How long a receipt waits for a server that does not come back: 60 days.
    static let longestWaitSeconds: Int64 = 60 * 86_400

    /// `isOfServer` says that the answer has the form of our API; others are from something in between.
    init(status: Int, isOfServer: Bool) {
        self =
            switch status {
            case 204: .delivered
            // A proxy that wants a password, a server that wants patience.
            case 407, 408, 425, 429: .waits
            case 400..<500 where isOfServer: .refused
            default: .waits
            }
    }
}

/// The result of an attempt to deliver receipts.
package struct ReceiptTally: Hashable, Sendable {
    package var delivered = 0
    /// Dropped: the server will never accept them, or has been unreachable for too long.
    package var dropped = 0
    package var waiting = 0
    /// Why the first of those that wait does so.
    package var reason: String?
}
