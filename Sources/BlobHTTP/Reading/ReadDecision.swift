package import Blobs
package import HTTPTypes
package import Store

/// What is known of a held blob when it is asked for.
package struct BlobMetadata: Hashable, Sendable {
    package let address: BlobAddress
    /// Bytes of the blob.
    package let size: Int64
    /// The latest end of its leases.
    package let sunset: Timestamp
    /// Until when it may be served without asking the store again.
    package let freshUntil: Timestamp
    package let entityTag: EntityTag
    /// What it is said to be; nil for bytes that nobody is to look into, which every blob is by its address.
    package let type: SlotType?

    package init(
        address: BlobAddress, size: Int64, sunset: Timestamp, freshUntil: Timestamp? = nil, type: SlotType? = nil
    ) {
        self.address = address
        self.size = size
        self.sunset = sunset
        self.freshUntil = freshUntil ?? sunset
        entityTag = EntityTag(opaque: address.hex)
        self.type = type
    }

    package init(_ blob: HeldBlob, type: SlotType? = nil) {
        self.init(address: blob.address, size: blob.size, sunset: blob.sunset, freshUntil: blob.freshUntil, type: type)
    }

    package var mediaType: String { type?.mediaType ?? "application/octet-stream" }
}

/// The response to a request for a held blob, whatever the time: a status and the bytes that follow.
///
/// The one rule for reading, on every version of HTTP.
package struct ReadDecision: Hashable, Sendable {
    package enum Body: Hashable, Sendable {
        case none
        case whole
        case part(ByteRange)
        case multipart(MultipartLayout)

        /// Bytes that follow, for a blob of `size` bytes.
        package func byteCount(of size: Int64) -> Int64 {
            switch self {
            case .none: 0
            case .whole: size
            case .part(let range): range.count
            case .multipart(let layout): layout.contentLength
            }
        }
    }

    package let status: HTTPResponse.Status
    package let body: Body

    /// Decides in the order of RFC 9110 §13.2.2: If-Match, If-None-Match, then Range with If-Range. HEAD ignores
    /// Range, which is defined only for GET (§14.2).
    package static func decide(_ request: ReadRequest, _ metadata: BlobMetadata) throws(Problem) -> ReadDecision {
        if request.isPlain { return whole(metadata, isHead: request.isHead) }
        switch request.preconditions.evaluate(metadata.entityTag) {
        case .failed: throw Problem(.preconditionFailed)
        case .notModified: return ReadDecision(status: .notModified, body: .none)
        case .proceed: break
        }
        let asksForRange = !request.isHead && request.preconditions.admitsRange(metadata.entityTag)
        switch RangeDecision(asksForRange ? RangeField(request.range) : .ignored, size: metadata.size) {
        case .whole: return whole(metadata, isHead: request.isHead)
        case .parts(let ranges): return partial(ranges, metadata)
        case .unsatisfiable:
            throw Problem(.badRange, fields: [.contentRange: ContentRangeField.unsatisfied(size: metadata.size)])
        }
    }

    private static func whole(_ metadata: BlobMetadata, isHead: Bool) -> ReadDecision {
        ReadDecision(status: .ok, body: isHead || metadata.size == 0 ? .none : .whole)
    }

    private static func partial(_ ranges: [ByteRange], _ metadata: BlobMetadata) -> ReadDecision {
        if ranges.count == 1, let range = ranges.first {
            return ReadDecision(status: .partialContent, body: .part(range))
        }
        let layout = MultipartLayout(
            ranges, of: metadata.address, size: metadata.size, mediaType: metadata.mediaType)
        return ReadDecision(status: .partialContent, body: .multipart(layout))
    }

    /// The fields that only this response has, besides those of `BlobFields`.
    package func forEachOwnField(_ metadata: BlobMetadata, _ body: (HTTPField.Name, String) -> Void) {
        if status == .notModified { return }
        switch self.body {
        case .none, .whole:
            body(.contentType, metadata.mediaType)
            body(.contentLength, String(metadata.size))
        case .part(let range):
            body(.contentType, metadata.mediaType)
            body(.contentRange, ContentRangeField.text(range, size: metadata.size))
            body(.contentLength, String(range.count))
        case .multipart(let layout):
            body(.contentType, layout.contentType)
            body(.contentLength, String(layout.contentLength))
        }
    }
}

/// The response to a request for a held blob at a moment: status, fields and which bytes follow.
package struct ReadResponse: Sendable {
    package let status: HTTPResponse.Status
    package let fields: HTTPFields
    package let body: ReadDecision.Body

    /// The decision with all of its fields.
    package static func decide(
        _ request: ReadRequest, _ metadata: BlobMetadata, now: Timestamp, cacheSeconds: Int64
    ) throws(Problem) -> ReadResponse {
        let decision = try ReadDecision.decide(request, metadata)
        let shared = BlobFields(metadata, now: now, cacheSeconds: cacheSeconds).shared(by: decision.status)
        return ReadResponse(decision, shared: shared, metadata)
    }

    /// The decision with all of its fields, of which the shared ones are known already.
    init(_ decision: ReadDecision, shared: HTTPFields, _ metadata: BlobMetadata) {
        status = decision.status
        body = decision.body
        var fields = shared
        decision.forEachOwnField(metadata) { fields[$0] = $1 }
        self.fields = fields
    }
}

/// The fields that all responses about one held blob share for a second.
package struct BlobFields: Hashable, Sendable {
    /// Seconds that a cache may keep a response.
    package let maximumAge: Int64
    /// Of 304, and of every other: what pages of any origin may read included (RFC 9110 §15.4.5).
    package let common: HTTPFields
    /// Of 200 and 206: `common`, and what describes the bytes.
    package let content: HTTPFields

    /// The bound `cacheSeconds`, or less, since no response outlasts the blob's last lease. Caches may not keep a blob
    /// that is served although it is no longer fresh.
    package static func maximumAge(_ metadata: BlobMetadata, now: Timestamp, cacheSeconds: Int64) -> Int64 {
        metadata.freshUntil > now ? min(metadata.sunset.secondsSince(now), cacheSeconds) : 0
    }

    package init(_ metadata: BlobMetadata, now: Timestamp, cacheSeconds: Int64) {
        self.init(metadata, now: now, cacheSeconds: cacheSeconds, handling: nil)
    }

    init(_ metadata: BlobMetadata, now: Timestamp, cacheSeconds: Int64, handling: HandlingFields?) {
        maximumAge = Self.maximumAge(metadata, now: now, cacheSeconds: cacheSeconds)
        var fields = CrossOrigin.readFields
        fields[.eTag] = "\"\(metadata.address.hex)\""
        fields[.cacheControl] = "public, no-transform, must-revalidate, max-age=\(maximumAge)"
        fields[.sunset] = HTTPDate.format(metadata.sunset)
        if let handling {
            fields[.via] = handling.via
            fields[.cacheStatus] = handling.cacheStatus
        }
        common = fields
        fields[.acceptRanges] = "bytes"
        fields[.reprDigest] = "sha-256=:\(Base64.encode(metadata.address.bytes)):"
        fields[.contentDisposition] = metadata.type == nil ? "attachment" : "inline"
        fields[.xContentTypeOptions] = "nosniff"
        fields[.contentSecurityPolicy] = "sandbox; default-src 'none'"
        fields[.crossOriginResourcePolicy] = "cross-origin"
        content = fields
    }

    /// Those of a response with this status.
    package func shared(by status: HTTPResponse.Status) -> HTTPFields { status == .notModified ? common : content }
}

/// What a read is of.
package enum ReadSubject: Hashable, Sendable {
    case blob(BlobAddress)
    case slot(SlotPath)
}

/// A request to read a blob: what names it, and what of GET or HEAD bears on the response.
package struct ReadRequest: Hashable, Sendable {
    /// Why a request is refused whatever the blob.
    package enum Fault: Hashable, Sendable {
        /// It has a body, which would mean nothing (RFC 9110 §9.3.1).
        case body
        /// It expects something other than `100-continue` (RFC 9110 §10.1.1).
        case expectation

        var problem: Problem {
            switch self {
            case .body: Problem(.badRequest, detail: "GET and HEAD take no body.")
            case .expectation: Problem(.badExpectation)
            }
        }
    }

    package let subject: ReadSubject
    package var isHead: Bool
    package var range: String?
    /// The client has found what it read here to be wrong (Satchel-Reread).
    package var rereads: Bool
    package var preconditions: Preconditions
    package var fault: Fault?
    /// Whom the response counts against; nil where that is not worth looking up.
    package var client: ClientAddress?

    package init(
        _ address: BlobAddress, isHead: Bool = false, range: String? = nil, rereads: Bool = false,
        preconditions: Preconditions = Preconditions(), fault: Fault? = nil
    ) {
        self.init(
            .blob(address), isHead: isHead, range: range, rereads: rereads, preconditions: preconditions, fault: fault)
    }

    package init(
        _ subject: ReadSubject, isHead: Bool = false, range: String? = nil, rereads: Bool = false,
        preconditions: Preconditions = Preconditions(), fault: Fault? = nil
    ) {
        self.subject = subject
        self.isHead = isHead
        self.range = range
        self.rereads = rereads
        self.preconditions = preconditions
        self.fault = fault
    }

    /// From a head that HTTP/2 has framed; nil for every other request.
    init?(_ head: HTTPRequest) {
        guard head.method == .get || head.method == .head, let path = head.path,
            let subject = Route.reading(ofPath: path)
        else { return nil }
        let fields = head.headerFields
        self.init(
            subject, isHead: head.method == .head, range: fields[.range], rereads: fields[.satchelReread] == "1",
            preconditions: Preconditions(
                ifMatch: fields[.ifMatch], ifNoneMatch: fields[.ifNoneMatch], ifRange: fields[.ifRange]))
        if let length = fields[.contentLength], length != "0" {
            fault = .body
        } else if let expectation = fields[.expect], expectation.lowercased() != "100-continue" {
            fault = .expectation
        }
    }

    /// Whether it asks for nothing but the whole blob.
    var isPlain: Bool { range == nil && preconditions == Preconditions() }

    /// The hint for the store. A client that sends If-None-Match nearly always has the blob, and needs none of its
    /// bytes.
    var intent: ReadIntent {
        if rereads { return .again }
        if isHead || preconditions.ifNoneMatch != nil { return .head }
        return range == nil ? .whole : RangeField(range).intent
    }
}
