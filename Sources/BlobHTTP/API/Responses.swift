import Blobs
import HTTPTypes
import HummingbirdCore
import NIOCore
import Store

extension Response {
    /// A problem; `closes` if the connection ends with it.
    init(_ problem: Problem, closes: Bool = false) {
        var fields = problem.answerFields
        if closes { fields[.connection] = "close" }
        self.init(
            status: problem.status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: problem.body)))
    }

    /// An upload, or a lease on a blob that was held already, which is now durable.
    init(created blob: StoredBlob, at places: BlobPlaces) {
        let url = places.url(of: blob.address)
        self = .json(text: Self.descriptor(of: blob, at: places))
        if blob.isNews {
            status = .created
            headers[.location] = url
        }
    }

    /// The blob descriptor of Blossom BUD-02, with the end of this lease: members in alphabetical order, times in seconds
    /// since 1970. It is written by hand, since an encoder takes longer than everything else in a response; none of its
    /// strings can contain a character that JSON would escape (`PublicURL.init`).
    private static func descriptor(of blob: StoredBlob, at places: BlobPlaces) -> [UInt8] {
        let (expires, uploaded) = (blob.expires.seconds, blob.uploaded.seconds)
        let (type, url) = ("application/octet-stream", places.url(of: blob.address))
        let others =
            places.mirrors(of: blob.address)
            .map { #""mirrors":["\#($0.joined(separator: #"",""#))"],"# } ?? ""
        let text = """
            {"expires":\(expires),\(others)"sha256":"\(blob.address.hex)","size":\(blob.size),"type":"\(type)","uploaded":\(uploaded),"url":"\(url)"}
            """
        return Array(text.utf8)
    }

    /// 200 with a JSON document, for this client only.
    static func json(_ document: some Encodable) -> Response { json(text: JSONText.encode(document)) }

    private static func json(text: [UInt8]) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "application/json", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: text)))
    }

    /// 204: done.
    static var done: Response { Response(status: .noContent, headers: [.cacheControl: "no-store"]) }

    /// 200 with a line of text.
    static func plain(_ text: String) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/plain; charset=utf-8", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

/// Where clients find the blobs of this server: under its own URL, and under those of its mirrors.
struct BlobPlaces {
    let publicURL: PublicURL
    let mirrors: [PublicURL]

    func url(of address: BlobAddress) -> String { "\(publicURL)/\(address.hex)" }

    /// Nil where there are no mirrors.
    func mirrors(of address: BlobAddress) -> [String]? {
        mirrors.isEmpty ? nil : mirrors.map { "\($0)/\(address.hex)" }
    }
}

/// A lease as its owner sees it. Times are seconds since 1970.
struct LeaseDocument: Encodable {
    struct DeliveryDocument: Encodable {
        let recipient: String
        let at: Int64
    }

    let sha256: String
    let size: Int64
    let state: String
    let created: Int64
    let expires: Int64
    let recipients: Int?
    let received: [DeliveryDocument]
    /// Other URLs of a blob that is held; nil for none.
    let mirrors: [String]?

    init(_ lease: Lease, at places: BlobPlaces) {
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
            DeliveryDocument(recipient: receipt.recipient.base64url, at: receipt.at.seconds)
        }
        mirrors = lease.state == .held ? places.mirrors(of: lease.address) : nil
    }
}

/// What a ticket's holder uses and may use, and when some of it is freed. Times are seconds since 1970. An absent limit
/// is none, and an absent time never comes.
struct QuotaDocument: Encodable {
    /// Usage of one resource.
    struct Use: Encodable {
        let used: Int64
        /// What uploads in progress will use.
        let reserved: Int64?
        let limit: Int64?
    }

    let bytes: Use
    let leases: Use
    /// Leases made in the last day, those that have ended included.
    let leasesMade: Use
    let uploads: Use
    let nextEnd: Int64?

    private enum CodingKeys: String, CodingKey {
        case bytes, leases, uploads
        case leasesMade = "leases_made"
        case nextEnd = "next_end"
    }

    init(_ usage: QuotaUsage) {
        bytes = Use(used: usage.bytes, reserved: usage.reservedBytes, limit: usage.limitBytes)
        leases = Use(used: Int64(usage.leases), reserved: nil, limit: Int64(usage.leaseLimit))
        leasesMade = Use(used: Int64(usage.leasesMade), reserved: nil, limit: Int64(usage.leasesMadeLimit))
        uploads = Use(used: Int64(usage.uploads), reserved: nil, limit: Int64(usage.uploadLimit))
        nextEnd = usage.nextEnd?.seconds
    }
}
