import Blobs
import MediaMessage
import Transfer

/// What a server says of a blob that it holds for us: url, sha256, size, and when the lease ends.
struct Descriptor: Hashable, Sendable {
    let url: BlobURL
    let address: BlobAddress
    let size: Int64
    let expires: Timestamp?

    /// Reads `{"url","sha256","size",…,"expires"}`; nil if a part is missing or makes no sense.
    init?(_ response: HTTPResponse) {
        guard let answer = JSONMembers(response), let url = answer.text("url").flatMap({ BlobURL($0) }),
            let address = answer.address, let size = answer.integer("size"), url.address == address
        else { return nil }
        self.init(url: url, address: address, size: size, expires: answer.moment("expires"))
    }

    init(url: BlobURL, address: BlobAddress, size: Int64, expires: Timestamp?) {
        self.url = url
        self.address = address
        self.size = size
        self.expires = expires
    }
}

extension Lease {
    /// Reads `{"sha256","size","state","created","expires","recipients","received":[{"recipient","at"}]}`, what a
    /// server says to the owner of a lease; nil if a part is missing or makes no sense.
    init?(_ response: HTTPResponse) {
        guard let answer = JSONMembers(response), let address = answer.address, let size = answer.integer("size"),
            let state = answer.text("state").flatMap({ State(answer: $0) }), let created = answer.moment("created"),
            let expires = answer.moment("expires"), let received = answer.objects("received", Self.receipt)
        else { return nil }
        self.init(
            address: address, size: size, state: state, created: created, expires: expires,
            recipients: answer.integer("recipients").flatMap { Int(exactly: $0) }, received: received)
    }

    private static func receipt(_ members: JSONMembers) -> Receipt? {
        guard let recipient = members.text("recipient").flatMap({ Recipient(base64url: $0) }),
            let at = members.moment("at")
        else { return nil }
        return Receipt(recipient: recipient, at: at)
    }
}

extension Lease.State {
    /// `held`, `damaged`, or why it ended.
    init?(answer: String) {
        switch answer {
        case "held": self = .held
        case "damaged": self = .damaged
        default:
            guard let reason = EndReason(rawValue: answer) else { return nil }
            self = .ended(reason)
        }
    }

    /// The same word again.
    package var word: String {
        switch self {
        case .held: "held"
        case .damaged: "damaged"
        case .ended(let reason): reason.rawValue
        }
    }
}
