import Blobs
import HTTPTypes
import HummingbirdCore
import NIOCore
import Store

extension Response {
    init(_ answer: ShortAnswer) {
        var fields = answer.fields
        if answer.closes { fields[.connection] = "close" }
        // An empty body has no part: over HTTP/2 that would be a DATA frame of its own, only to end the stream.
        let body = answer.body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
        self.init(status: answer.status, headers: fields, body: body)
    }

    /// A problem; `closes` if the connection ends with it.
    init(_ problem: Problem, closes: Bool = false) { self.init(ShortAnswer(problem, closes: closes)) }

    /// An upload, or a lease on a blob that was held already, which is now durable.
    init(created blob: StoredBlob, at places: BlobPlaces) { self.init(ShortAnswer(created: blob, at: places)) }

    /// 200 with a JSON document, for this client only.
    static func json(_ document: some Encodable) -> Response {
        Response(ShortAnswer(document: JSONText.encode(document)))
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
