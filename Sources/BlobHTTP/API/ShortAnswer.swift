import Blobs
import HTTPTypes
import Logging
import Store

/// A response that is in memory from its head to its end.
struct ShortAnswer: Sendable {
    var status: HTTPResponse.Status
    /// All but `Date` and `Connection`, in order.
    var fields: HTTPFields
    let body: [UInt8]
    /// Whether the connection ends with it.
    var closes = false

    private init(_ status: HTTPResponse.Status, _ fields: HTTPFields, body: [UInt8]) {
        self.status = status
        self.fields = fields
        self.fields.append(HTTPField(name: .contentLength, value: String(body.count)))
        self.body = body
    }

    init(_ problem: Problem, closes: Bool = false) {
        self.init(problem.status, problem.answerFields, body: problem.body)
        self.closes = closes
    }

    /// The refusal that an error comes to; it is logged where the fault may be ours.
    init(
        refusing error: any Error, of method: HTTPRequest.Method, from client: ClientAddress, logger: Logger
    ) {
        var facts: Logger.Metadata = ["client": "\(client.abbreviated)", "method": "\(method)"]
        switch error {
        case let problem as Problem: self.init(problem)
        case let failure as ConnectionFailure: self.init(failure.problem, closes: true)
        case let error as StoreError:
            facts["error"] = "\(error)"
            switch error {
            case .io, .outcomeUnknown: logger.error("The store failed", metadata: facts)
            case .unavailable, .diskFull: logger.warning("The store refused", metadata: facts)
            default: break
            }
            self.init(Problem(storeError: error))
        default:
            facts["error"] = "\(type(of: error))"
            logger.error("A request failed unexpectedly", metadata: facts)
            self.init(Problem(.unavailable, retryAfterSeconds: Problem.pauseSeconds), closes: true)
        }
    }

    /// An upload, or a lease on a blob that was held already, which is now durable.
    init(created blob: StoredBlob, at places: BlobPlaces) {
        let hex = blob.address.hex
        let url = "\(places.publicURL)/\(hex)"
        self.init(.ok, Self.ofDocuments, body: Self.descriptor(of: blob, hex, url, at: places))
        if blob.isNews {
            status = .created
            fields.append(HTTPField(name: .location, value: url))
        }
    }

    /// A slot is filled, durably.
    static let slotFilled = ShortAnswer(.created, [.cacheControl: "no-store"], body: [])

    /// 200 with a JSON document, for this client only.
    init(document: [UInt8]) { self.init(.ok, Self.ofDocuments, body: document) }

    private static let ofDocuments: HTTPFields = [
        .contentType: "application/json", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
    ]

    /// The blob descriptor of Blossom BUD-02, with the end of this lease: members in alphabetical order, times in seconds
    /// since 1970. It is written by hand, since an encoder takes longer than everything else in a response; none of its
    /// strings can contain a character that JSON would escape (`PublicURL.init`).
    private static func descriptor(
        of blob: StoredBlob, _ hex: String, _ url: String, at places: BlobPlaces
    ) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(256 + hex.utf8.count + url.utf8.count)
        func add(_ parts: String...) { for part in parts { text.append(contentsOf: part.utf8) } }
        add(#"{"expires":"#, String(blob.expires.seconds))
        if let mirrors = places.mirrors(of: blob.address) {
            add(#","mirrors":[""#, mirrors.joined(separator: #"",""#), #""]"#)
        }
        add(#","sha256":""#, hex, #"","size":"#, String(blob.size), #","type":"application/octet-stream""#)
        add(#","uploaded":"#, String(blob.uploaded.seconds), #","url":""#, url, #""}"#)
        return text
    }
}
