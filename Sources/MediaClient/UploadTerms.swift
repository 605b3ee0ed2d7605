import Blobs
import Transfer

/// What is told to a server that shall hold a blob.
struct UploadTerms: Sendable {
    let address: BlobAddress
    let size: Int64
    let lifetime: Lifetime?
    let recipients: Int?
    let owner: Secret
    /// One for all recipients, or one for each.
    let receipts: [Secret]

    init(_ sending: SentLog.Sending) {
        address = sending.address
        size = sending.size
        lifetime = sending.lifetime
        recipients = sending.recipients
        owner = sending.owner
        receipts = sending.receipts
    }

    /// The fields of the request. Of the secrets only the hashes go.
    var fields: [HTTPField] {
        [HTTPField("X-SHA-256", address.hex)] + leaseFields
    }

    /// Those of them that are about the lease alone.
    var leaseFields: [HTTPField] {
        var fields = [HTTPField("Satchel-Owner", ownerText), HTTPField("Satchel-Receipt", receiptText)]
        if let lifetime { fields.append(HTTPField("Satchel-Lifetime", "\(lifetime.seconds)")) }
        if let recipients { fields.append(HTTPField("Satchel-Recipients", "\(recipients)")) }
        return fields
    }

    /// The same for a resumable upload: `Upload-Metadata` of tus 1.0, a name and the Base64 of its value for each.
    var metadata: HTTPField {
        var values = [("sha256", address.hex), ("owner", ownerText), ("receipt", receiptText)]
        if let lifetime { values.append(("lifetime", "\(lifetime.seconds)")) }
        if let recipients { values.append(("recipients", "\(recipients)")) }
        return HTTPField("Upload-Metadata", values.map { "\($0) \(Base64.encode($1.utf8))" }.joined(separator: ","))
    }

    private var ownerText: String { owner.hash.base64url }
    private var receiptText: String { receipts.map(\.hash.base64url).joined(separator: ",") }
}
