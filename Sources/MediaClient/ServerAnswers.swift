import Blobs
import MediaMessage
import Transfer

/// What a server says of a blob that it has taken: url, sha256, size, and when the lease ends.
struct Descriptor: Hashable, Sendable {
    let url: BlobURL
    let address: BlobAddress
    let size: Int64
    let expires: Timestamp?

    /// Reads `{"url","sha256","size",…,"expires"}`; nil if a part is missing or makes no sense.
    init?(_ response: HTTPResponse) {
        guard let answer = AnswerFields(response), let url = answer.text("url").flatMap({ BlobURL($0) }),
            let address = answer.address, let size = answer.integer("size"), url.address == address
        else { return nil }
        self.url = url
        self.address = address
        self.size = size
        expires = answer.integer("expires").map(Timestamp.init(seconds:))
    }

    init(url: BlobURL, address: BlobAddress, size: Int64, expires: Timestamp?) {
        self.url = url
        self.address = address
        self.size = size
        self.expires = expires
    }
}

/// What a server says to the owner of a lease, as far as an upload needs it.
struct LeaseAnswer: Hashable, Sendable {
    let address: BlobAddress
    let size: Int64
    let isHeld: Bool
    let expires: Timestamp?

    /// Reads `{"sha256","size","state",…,"expires",…}`; nil if a part is missing or makes no sense.
    init?(_ response: HTTPResponse) {
        guard let answer = AnswerFields(response), let address = answer.address,
            let size = answer.integer("size"), let state = answer.text("state")
        else { return nil }
        self.address = address
        self.size = size
        isHeld = state == "held"
        expires = answer.integer("expires").map(Timestamp.init(seconds:))
    }
}

/// The members of an answer that is a JSON object.
private struct AnswerFields {
    private let members: [String: JSONValue]

    init?(_ response: HTTPResponse) {
        guard response.mediaType == "application/json", case .object(let members)? = try? JSONReader.read(response.body)
        else { return nil }
        self.members = members
    }

    func text(_ name: String) -> String? {
        if case .string(let text)? = members[name] { text } else { nil }
    }

    /// 0 and above, in digits alone.
    func integer(_ name: String) -> Int64? {
        guard case .number(let digits)? = members[name], let number = Int64(digits), number >= 0 else { return nil }
        return number
    }

    var address: BlobAddress? { text("sha256").flatMap { BlobAddress(hex: $0) } }
}
