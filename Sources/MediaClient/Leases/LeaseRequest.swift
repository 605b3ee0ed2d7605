package import Blobs
import MediaMessage
package import Transfer

/// What is asked of a server that is to hold a blob. It is recorded, in the sent log and in the outbox, before the
/// server is asked.
package struct LeaseRequest: Sendable {
    package var at: Timestamp
    package var server: WebURL
    package var address: BlobAddress
    /// Bytes of the sealed blob.
    package var size: Int64
    package var owner: Secret
    /// One for all recipients, or one each.
    package var receipts: [Secret]
    /// The blob's first 64 bytes; nil for a forward of what was sealed elsewhere.
    package var header: [UInt8]?
    package var padding: String?
    package var lifetime: Lifetime?
    package var recipients: Int?
}

/// As fields of a request. Of the secrets only the hashes are sent.
extension LeaseRequest {
    var fields: [HTTPField] { [HTTPField("X-SHA-256", address.hex)] + leaseFields }

    /// The fields that concern the lease alone.
    var leaseFields: [HTTPField] {
        [HTTPField("Satchel-Owner", ownerText)] + termFields
    }

    /// Those of them that are known before there is a blob.
    var termFields: [HTTPField] {
        Self.termFields(receipts: receipts, lifetime: lifetime, recipients: recipients)
    }

    /// What is known of a lease before there is a blob.
    static func termFields(receipts: [Secret], lifetime: Lifetime?, recipients: Int?) -> [HTTPField] {
        var fields = [HTTPField("Satchel-Receipt", text(of: receipts))]
        if let lifetime { fields.append(HTTPField("Satchel-Lifetime", "\(lifetime.seconds)")) }
        if let recipients { fields.append(HTTPField("Satchel-Recipients", "\(recipients)")) }
        return fields
    }

    /// The same for a resumable upload: `Upload-Metadata` of tus 1.0, pairs of a name and the Base64 of its value.
    var uploadMetadata: HTTPField {
        var values = [("sha256", address.hex), ("owner", ownerText), ("receipt", Self.text(of: receipts))]
        if let lifetime { values.append(("lifetime", "\(lifetime.seconds)")) }
        if let recipients { values.append(("recipients", "\(recipients)")) }
        return HTTPField("Upload-Metadata", values.map { "\($0) \(Base64.encode($1.utf8))" }.joined(separator: ","))
    }

    private var ownerText: String { owner.hash.base64url }

    private static func text(of receipts: [Secret]) -> String {
        receipts.map(\.hash.base64url).joined(separator: ",")
    }
}

/// As members of a JSON object: a line of the sent log, the record of an outbox entry.
extension LeaseRequest {
    /// Nil if a part is missing or invalid.
    init?(_ members: JSONMembers) {
        guard let at = members.timestamp("at"), let server = members.text("server").flatMap({ WebURL($0) }),
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

    /// Adds what is asked for.
    func addTerms(to object: inout JSONWriter) {
        object.add("size", integer: size)
        object.add("receipts", strings: receipts.map(\.base64url))
        object.add("header", string: header.map { Base64URL.encode($0) })
        object.add("padding", string: padding)
        object.add("lifetime", integer: lifetime?.seconds)
        object.add("recipients", integer: recipients)
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
