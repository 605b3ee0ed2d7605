import Blobs
import MediaMessage
import Transfer

/// What is written down before a lease is asked for: in a line of the sent log, and in the record of the outbox.
extension SentLog.Sending {
    /// Adds what is asked for.
    func addTerms(to object: inout JSONWriter) {
        object.add("size", integer: size)
        object.add("receipts", strings: receipts.map(\.base64url))
        object.add("header", string: header.map { Base64URL.encode($0) })
        object.add("padding", string: padding)
        object.add("lifetime", integer: lifetime?.seconds)
        object.add("recipients", integer: recipients)
    }

    /// Reads both again; nil if a part is missing or makes no sense.
    init?(_ members: JSONMembers) {
        guard let at = members.moment("at"), let server = members.text("server").flatMap({ WebURL($0) }),
            server.query == nil, let address = members.address, let size = members.integer("size"),
            let owner = members.secret("owner")
        else { return nil }
        self.init(
            at: at, server: server, address: address, size: size, owner: owner,
            receipts: members.list("receipts") { Secret(base64url: $0) } ?? [],
            header: members.text("header").flatMap { Base64URL.decode($0) }, padding: members.text("padding"),
            lifetime: members.integer("lifetime").flatMap { Lifetime(seconds: $0) },
            recipients: members.integer("recipients").flatMap { Int(exactly: $0) })
    }
}

extension JSONWriter {
    /// Adds which lease it is, and when.
    mutating func add(_ at: Timestamp, _ server: WebURL, _ address: BlobAddress, _ owner: Secret) {
        add("at", integer: at.seconds)
        add("server", string: server.description)
        add("sha256", string: address.hex)
        add("owner", string: owner.base64url)
    }
}
