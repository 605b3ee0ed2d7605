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
        let url = places.url(of: blob.address)
        self.init(.ok, Self.ofDocuments, body: Self.descriptor(of: blob, url, at: places))
        if blob.isNews {
            status = .created
            fields.append(HTTPField(name: .location, value: url))
        }
    }

    /// 200 with a JSON document, for this client only.
    init(document: [UInt8]) { self.init(.ok, Self.ofDocuments, body: document) }

    private static let ofDocuments: HTTPFields = [
        .contentType: "application/json", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
    ]

    /// The blob descriptor of Blossom BUD-02, with the end of this lease: members in alphabetical order, times in seconds
    /// since 1970. It is written by hand, since an encoder takes longer than everything else in a response; none of its
    /// strings can contain a character that JSON would escape (`PublicURL.init`).
    private static func descriptor(of blob: StoredBlob, _ url: String, at places: BlobPlaces) -> [UInt8] {
        let (expires, uploaded) = (blob.expires.seconds, blob.uploaded.seconds)
        let type = "application/octet-stream"
        let others =
            places.mirrors(of: blob.address)
            .map { #""mirrors":["\#($0.joined(separator: #"",""#))"],"# } ?? ""
        let text = """
            {"expires":\(expires),\(others)"sha256":"\(blob.address.hex)","size":\(blob.size),"type":"\(type)","uploaded":\(uploaded),"url":"\(url)"}
            """
        return Array(text.utf8)
    }
}
