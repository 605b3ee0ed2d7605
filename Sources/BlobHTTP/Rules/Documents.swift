import Blobs
import Store

/// What an upload is answered with: the blob descriptor of Blossom BUD-02, with this lease's end. Times are seconds
/// since 1970.
struct BlobDescriptor {
    let url: String
    let sha256: String
    let size: Int64
    let type = "application/octet-stream"
    let uploaded: Int64
    let expires: Int64

    init(_ blob: StoredBlob, at publicURL: PublicURL) {
        url = "\(publicURL)/\(blob.address.hex)"
        sha256 = blob.address.hex
        size = blob.size
        uploaded = blob.uploaded.seconds
        expires = blob.expires.seconds
    }

    /// The JSON text, members in alphabetical order. Written by hand, since an encoder takes longer over it than all
    /// else that an answer needs; none of its texts can hold a character that JSON wants escaped (`PublicURL.init`).
    var json: [UInt8] {
        let text = """
            {"expires":\(expires),"sha256":"\(sha256)","size":\(size),"type":"\(type)","uploaded":\(uploaded),"url":"\(url)"}
            """
        return Array(text.utf8)
    }
}

/// A lease as its owner sees it. Times are seconds since 1970.
struct LeaseDocument: Encodable {
    struct Receipt: Encodable {
        let recipient: String
        let at: Int64
    }

    let sha256: String
    let size: Int64
    let state: String
    let created: Int64
    let expires: Int64
    let recipients: Int?
    let received: [Receipt]

    init(_ lease: Lease) {
        sha256 = lease.address.hex
        size = lease.size
        state =
            switch lease.state {
            case .held: "held"
            case .ended(let reason): reason.rawValue
            case .damaged: "damaged"
            }
        created = lease.created.seconds
        expires = lease.expires.seconds
        recipients = lease.recipients
        received = lease.received.map { receipt in
            Receipt(recipient: receipt.recipient.base64url, at: receipt.at.seconds)
        }
    }
}
